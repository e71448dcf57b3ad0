import type { JSX } from "preact";
import type { CommandDocument, CommandEvent, LateReply } from "#api/command-document";
import { formatCoarsely } from "../format/format-duration.ts";
import { formatExact } from "../format/moment.ts";
import { stateLooks } from "./states.ts";
import { TextBlock } from "./text-block.tsx";
import { At, Time, ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** A command's whole story: one sentence, what was sent, what came back, and every step between. */
export function CommandDetails({ command }: { command: CommandDocument }): JSX.Element {
  const { args, result, error, output, late } = command;
  const name = `${command.device} ${command.key} ${command.id}`;
  return (
    <div class="details">
      {command.explain && (
        <p class="explain">
          <ToldText text={command.explain} />
        </p>
      )}
      <Facts command={command} />
      {args && Object.keys(args).length > 0 && (
        <TextBlock title={t("Arguments")} text={JSON.stringify(args, null, 2)} file={`${name} arguments.json`} />
      )}
      {output && <TextBlock title={t("Output")} text={output} file={`${name}.txt`} tail />}
      {result !== undefined && result !== null && (
        <TextBlock
          title={t("Result")}
          text={typeof result === "string" ? result : JSON.stringify(result, null, 2)}
          file={`${name} result.${typeof result === "string" ? "txt" : "json"}`}
        />
      )}
      {command.key === "fetch" && isFile(result) && <FetchedFile command={command} />}
      {error && (
        <TextBlock
          title={t("Error · {code}", { code: error.code })}
          text={error.message}
          file={`${name} error.txt`}
          bad
        />
      )}
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
  const path = typeof args["path"] === "string" ? args["path"] : t("the file");
  return (
    <p>
      <a href={href} download data-testid="fetched-file">
        {t("Download {value}", { value: path.slice(path.lastIndexOf("/") + 1) })}
      </a>
    </p>
  );
}

function Facts({ command }: { command: CommandDocument }): JSX.Element {
  const { id, by, timeout, expires, usually } = command;
  const facts: (readonly [string, string | JSX.Element])[] = [
    ["Id", id],
    ...(by ? [[t("Sent by"), by] as const] : []),
    ...(timeout ? [[t("Reply awaited for"), formatCoarsely(timeout)] as const] : []),
    ...(expires ? [[t("Begins before"), <At key="expires" ts={expires} />] as const] : []),
    ...(usually
      ? [
          [
            t("Usually"),
            t("{span}, at worst {span2} ({count} runs)", {
              span: formatCoarsely(usually.p50),
              span2: formatCoarsely(usually.p99),
              count: usually.count,
            }),
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

function Timeline({ moments }: { moments: readonly CommandEvent[] }): JSX.Element {
  const first = moments[0]?.ts ?? 0;
  return (
    <section class="block">
      <h4>{t("Timeline")}</h4>
      <ol class="timeline">
        {moments.map((moment, index) => (
          <li key={index}>
            <Time ts={moment.ts} text={formatExact(moment.ts)} />
            <span class="offset">+{formatCoarsely(Math.max(0, moment.ts - first))}</span>
            <span class={`who ${moment.who}`}>{moment.who}</span>
            <span>
              <ToldText text={moment.what} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function LateReplies({ replies }: { replies: readonly LateReply[] }): JSX.Element {
  return (
    <section class="block">
      <h4>{t("Answers that came too late")}</h4>
      <ol class="timeline late">
        {replies.map((reply, index) => (
          <li key={index}>
            <Time ts={reply.ts} text={formatExact(reply.ts)} />
            <span class="offset">{t("{span} late", { span: formatCoarsely(reply.lateBy) })}</span>
            <span class={`state ${stateLooks[reply.state].tone}`}>{word(stateLooks[reply.state].label)}</span>
            <span>{reply.error?.message ?? (reply.result === undefined ? "" : JSON.stringify(reply.result))}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
