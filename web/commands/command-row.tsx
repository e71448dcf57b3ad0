import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { CommandDocument } from "#api/command-document";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { formatCoarsely } from "../format/format-duration.ts";
import { Chevron } from "../shell/icons.tsx";
import { commandDraft, draftOf } from "../state/command-draft.ts";
import { takeCommands } from "../state/command-state.ts";
import { useNewest } from "../state/newest.ts";
import { session } from "../state/session-state.ts";
import { CommandDetails } from "./details.tsx";
import { isUnfinished, stateLooks } from "./states.ts";
import { Ago, ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

interface RowProps {
  readonly command: CommandDocument;
  readonly showDevice: boolean;
  readonly expanded: boolean;
}

/** One command: its state and outcome in two lines, the whole story when opened. */
export function CommandRow({ command, showDevice, expanded }: RowProps): JSX.Element {
  const open = useSignal(expanded);
  // The row may be there, by an event, before the answer to the sender names it; the next sent one takes its place.
  useEffect(() => {
    open.value = expanded;
  }, [expanded]);
  // A list has long commands in brief.
  useEffect(() => {
    if (open.value && command.brief)
      void client.getCommand(command.id, { device: command.device }).then((whole) => takeCommands([whole]), ignore);
  }, [open.value, command]);
  const looks = stateLooks[command.state];
  const detailsId = `details-${command.device}-${command.id}`;
  return (
    <li class="command" data-testid={`command-${command.id}`} data-state={command.state} data-key={command.key}>
      <div class="command-head">
        <button
          type="button"
          class="command-toggle"
          aria-expanded={open.value}
          aria-controls={detailsId}
          onClick={() => (open.value = !open.value)}
        >
          <Chevron open={open.value} />
          <span class={`state ${looks.tone}`}>{word(looks.label)}</span>
          <span class="command-name">
            <b>{command.key}</b>{" "}
            {command.args && Object.keys(command.args).length > 0 && <code>{oneLine(command.args)}</code>}
          </span>
        </button>
        {showDevice && (
          <a class="command-device" href={`/devices/${encodeURIComponent(command.device)}`}>
            {command.device}
          </a>
        )}
        <span class="command-meta">
          {command.ended ? <span>{formatCoarsely(command.ended - command.ts)}</span> : null}
          <Ago ts={command.ts} />
        </span>
        {isUnfinished(command) ? <CancelButton command={command} /> : <AgainButton command={command} />}
      </div>
      {isUnfinished(command) && typeof command.progress === "number" && (
        <progress max={1} value={command.progress} aria-label={t("Progress of {key}", { key: command.key })} />
      )}
      <p class="command-outcome">
        <Outcome command={command} />
      </p>
      <div id={detailsId} hidden={!open.value}>
        {open.value && <CommandDetails command={command} />}
      </div>
    </li>
  );
}

function CancelButton({ command }: { command: CommandDocument }): JSX.Element | null {
  const problem = useSignal<string | undefined>(undefined);
  if (session.value?.role === "viewer") return null;
  const cancel = async (): Promise<void> => {
    try {
      takeCommands([await client.cancelCommand(command.id, { device: command.device })]);
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  return (
    <>
      <button
        type="button"
        class="button small"
        data-testid={`cancel-${command.id}`}
        aria-label={t("Cancel {key}", { key: command.key })}
        onClick={() => void cancel()}
      >
        {t("Cancel")}
      </button>
      {problem.value && (
        <span class="bad" role="alert">
          {problem.value}
        </span>
      )}
    </>
  );
}

/** Fills the form of its device; nothing is sent, and what is sent then is another command. */
function AgainButton({ command }: { command: CommandDocument }): JSX.Element | null {
  const { route } = useLocation();
  const problem = useSignal<string | undefined>(undefined);
  if (session.value?.role === "viewer") return null;
  const here = useNewest();
  const again = async (): Promise<void> => {
    const { device, id } = command;
    const isHere = here.begin();
    try {
      const whole = command.brief ? await client.getCommand(id, { device }) : command;
      if (!isHere()) return;
      commandDraft.value = draftOf(whole);
      const path = `/devices/${encodeURIComponent(device)}`;
      if (location.pathname !== path) route(path);
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  return (
    <>
      <button
        type="button"
        class="button small"
        data-testid={`again-${command.id}`}
        aria-label={t("Send again: {key}", { key: command.key })}
        onClick={() => void again()}
      >
        {t("Send again")}
      </button>
      {problem.value && (
        <span class="bad" role="alert">
          {problem.value}
        </span>
      )}
    </>
  );
}

/** The short form stays; the next event or opening asks again. */
function ignore(): void {}

/** What became of it, or what it waits for, in one line. */
function Outcome({ command: { error, state, result, note, explain } }: { command: CommandDocument }): JSX.Element {
  if (error) return <ToldText text={error.message} />;
  // What a device has answered is shown as it is.
  if (state === "succeeded") return <>{result === undefined || result === null ? t("Done.") : oneLine(result)}</>;
  return <ToldText text={note ?? explain ?? ""} />;
}

function oneLine(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value) ?? "";
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
