import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { CommandDocument, CommandEvent, LateReply } from "#api/command-document";
import { formatCoarsely } from "../format/format-duration.ts";
import { formatExact, formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";
import { stateLooks } from "./states.ts";

/** A command's whole story: one sentence, what was sent, what came back, and every step between. */
export function CommandDetails({ command }: { command: CommandDocument }): JSX.Element {
  const { args, result, error, output, late } = command;
  return (
    <div class="details">
      {command.explain && <p class="explain">{command.explain}</p>}
      <Facts command={command} />
      {args && Object.keys(args).length > 0 && <Block title="Arguments" text={JSON.stringify(args, null, 2)} />}
      {output && <Block title="Output" text={output} tail />}
      {result !== undefined && result !== null && (
        <Block title="Result" text={typeof result === "string" ? result : JSON.stringify(result, null, 2)} />
      )}
      {command.key === "fetch" && isFile(result) && <FetchedFile command={command} />}
      {error && <Block title={`Error · ${error.code}`} text={error.message} bad />}
      {command.timeline && command.timeline.length > 0 && <Timeline moments={command.timeline} />}
      {late && late.length > 0 && <LateReplies replies={late} />}
    </div>
  );
}

/** Not what only a look has found out. */
function isFile(result: unknown): boolean {
  return typeof result === "object" && result !== null && "sha256" in result;
}

/** The console has it for a day, for those who may send commands; who may not, or is too late, is told so. */
function FetchedFile({ command: { id, device, args } }: { command: CommandDocument }): JSX.Element {
  const href = `/api/commands/${encodeURIComponent(id)}/file?device=${encodeURIComponent(device)}`;
  const path = typeof args["path"] === "string" ? args["path"] : "the file";
  return (
    <p>
      <a href={href} download data-testid="fetched-file">
        Download {path.slice(path.lastIndexOf("/") + 1)}
      </a>
    </p>
  );
}

function Facts({ command }: { command: CommandDocument }): JSX.Element {
  const { id, by, timeout, expires, usually } = command;
  const facts: (readonly [string, string])[] = [
    ["Id", id],
    ...(by ? [["Sent by", by] as const] : []),
    ...(timeout ? [["Reply awaited for", formatCoarsely(timeout)] as const] : []),
    ...(expires ? [["Begins before", formatMoment(expires, now.value)] as const] : []),
    ...(usually
      ? [
          [
            "Usually",
            `${formatCoarsely(usually.p50)}, at worst ${formatCoarsely(usually.p99)} (${usually.count} runs)`,
          ] as const,
        ]
      : []),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Preformatted text; a `tail` stays scrolled to its end while it grows. */
function Block({
  title,
  text,
  tail = false,
  bad = false,
}: {
  title: string;
  text: string;
  tail?: boolean;
  bad?: boolean;
}): JSX.Element {
  const pre = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (tail && pre.current) pre.current.scrollTop = pre.current.scrollHeight;
  }, [text, tail]);
  return (
    <section class="block">
      <h4>{title}</h4>
      <pre ref={pre} class={bad ? "bad" : ""} tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}

function Timeline({ moments }: { moments: readonly CommandEvent[] }): JSX.Element {
  const first = moments[0]?.ts ?? 0;
  return (
    <section class="block">
      <h4>Timeline</h4>
      <ol class="timeline">
        {moments.map((moment, index) => (
          <li key={index}>
            <time dateTime={new Date(moment.ts).toISOString()}>{formatExact(moment.ts)}</time>
            <span class="offset">+{formatCoarsely(Math.max(0, moment.ts - first))}</span>
            <span class={`who ${moment.who}`}>{moment.who}</span>
            <span>{moment.what}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function LateReplies({ replies }: { replies: readonly LateReply[] }): JSX.Element {
  return (
    <section class="block">
      <h4>Answers that came too late</h4>
      <ol class="timeline late">
        {replies.map((reply, index) => (
          <li key={index}>
            <time dateTime={new Date(reply.ts).toISOString()}>{formatExact(reply.ts)}</time>
            <span class="offset">{formatCoarsely(reply.lateBy)} late</span>
            <span class={`state ${stateLooks[reply.state].tone}`}>{stateLooks[reply.state].label}</span>
            <span>{reply.error?.message ?? (reply.result === undefined ? "" : JSON.stringify(reply.result))}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
