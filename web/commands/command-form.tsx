import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { CommandOrder } from "#api/command-routes";
import type { PresenceDocument } from "#api/device-routes";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { formatCoarsely, writtenDuration } from "../format/format-duration.ts";
import { commandDraft, type CommandDraft } from "../state/command-draft.ts";
import { listCommands, takeCommands } from "../state/command-state.ts";
import { browserKey } from "../signing/browser-key.ts";
import { signOrder } from "../signing/sign-order.ts";
import { SigningNote } from "../signing/signing-note.tsx";
import { session } from "../state/session-state.ts";
import { ArgumentInputs } from "./argument-inputs.tsx";
import { FavouritesBar } from "./favourites-bar.tsx";
import { KeepCommand } from "./keep-command.tsx";
import { readArguments, typedOf, type TypedValues } from "./typed-arguments.ts";
import { Confirm } from "./confirm-dialog.tsx";
import { formShape, type FormShape } from "./form-shape.ts";
import { newCommand, readTimes } from "./sending.ts";
import { consequenceOf } from "./states.ts";
import { TimeInput } from "./time-input.tsx";
import { ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** Sends one of the commands that a device offers. */
export function CommandForm({
  device,
  onSent,
}: {
  device: PresenceDocument;
  onSent: (id: string) => void;
}): JSX.Element {
  const offers = device.commands ?? {};
  const keys = Object.keys(offers).sort();
  const chosen = useSignal(keys.includes("ping") ? "ping" : (keys[0] ?? ""));
  const form = useRef<HTMLDivElement>(null);
  const draft = useDraft(device.id);
  useEffect(() => {
    if (!draft) return;
    chosen.value = draft.key;
    form.current?.scrollIntoView({ block: "center" });
  }, [draft]);
  if (session.value?.role === "viewer")
    return <p class="hint">{t("Your role, viewer, may watch but not send commands.")}</p>;
  if (keys.length === 0) return <p class="hint">{t("This device offers no commands.")}</p>;
  const key = keys.includes(chosen.value) ? chosen.value : (keys[0] ?? "");
  const unchecked = offers[key]?.unchecked;
  return (
    <div class="command-form" ref={form}>
      <FavouritesBar keys={keys} onPick={(kept) => (commandDraft.value = { ...kept, device: device.id })} />
      {draft && !keys.includes(draft.key) && (
        <p class="refusal" role="alert">
          {t("{id} does not offer {key} any more.", { id: device.id, key: draft.key })}
        </p>
      )}
      <div class="field">
        <label for="command-key">{t("Command")}</label>
        <select
          id="command-key"
          data-testid="command-key"
          value={key}
          onChange={(event) => {
            chosen.value = event.currentTarget.value;
            commandDraft.value = undefined;
          }}
        >
          {keys.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        <div class="field-note">
          <ToldText text={offers[key]?.title ?? ""} />
        </div>
        {unchecked && (
          <div class="field-note" data-testid="command-unchecked">
            {unchecked}
          </div>
        )}
      </div>
      <Arguments
        key={`${key} ${draft ? draftNumber(draft) : ""}`}
        commandKey={key}
        draft={draft?.key === key ? draft : undefined}
        device={device}
        shape={unchecked ? { kind: "json" } : formShape(offers[key]?.args)}
        onSent={onSent}
      />
    </div>
  );
}

/** What is to be sent again to this device; given up where another one is looked at. */
function useDraft(device: string): CommandDraft | undefined {
  useEffect(
    () => () => {
      if (commandDraft.peek()?.device === device) commandDraft.value = undefined;
    },
    [device],
  );
  return commandDraft.value?.device === device ? commandDraft.value : undefined;
}

const numbers = new WeakMap<CommandDraft, number>();
let drafts = 0;

/** Another one for each: a form that was filled is filled anew by the same command. */
function draftNumber(draft: CommandDraft): number {
  const known = numbers.get(draft) ?? (drafts += 1);
  numbers.set(draft, known);
  return known;
}

/** How long this device's answers to this key usually take, from the newest command that says so. */
function usualTime(device: string, key: string): string | undefined {
  const usually = listCommands(device).find((command) => command.key === key && command.usually)?.usually;
  return usually
    ? t("usually {span}, p99 {span2}", { span: formatCoarsely(usually.p50), span2: formatCoarsely(usually.p99) })
    : undefined;
}

interface ArgumentsProps {
  readonly commandKey: string;
  /** What the form is filled with. */
  readonly draft: CommandDraft | undefined;
  readonly device: PresenceDocument;
  readonly shape: FormShape;
  readonly onSent: (id: string) => void;
}

/** The rest of the form. Made anew for each key, so that nothing typed for one reaches another. */
function Arguments({ commandKey, draft, device, shape, onSent }: ArgumentsProps): JSX.Element {
  const filled = useRef(draft ? typedOf(shape, draft.args) : { typed: {}, unknown: [] }).current;
  const typed = useSignal<TypedValues>(filled.typed);
  const times = useSignal({
    timeout: draft?.timeout === undefined ? "" : writtenDuration(draft.timeout),
    ttl: draft?.ttl === undefined ? "" : writtenDuration(draft.ttl),
  });
  const problems = useSignal<Readonly<Record<string, string>>>({});
  const refused = useSignal<string | undefined>(undefined);
  const asking = useSignal<CommandOrder | undefined>(undefined);
  const sending = useSignal(false);
  const submitButton = useRef<HTMLButtonElement>(null);
  // What was filled is a key away from being sent.
  useEffect(() => (draft ? submitButton.current?.focus({ preventScroll: true }) : undefined), []);

  const read = (): CommandOrder | undefined => {
    const args = readArguments(shape, typed.value);
    const clock = readTimes(times.value);
    const wrong = {
      ...(args.ok ? {} : args.problems),
      ...(clock.ok ? {} : { $timeout: clock.problems.timeout, $ttl: clock.problems.ttl }),
    };
    problems.value = Object.fromEntries(
      Object.entries(wrong).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    return args.ok && clock.ok ? newCommand(commandKey, args.args, clock) : undefined;
  };
  const send = async (command: CommandOrder): Promise<void> => {
    sending.value = true;
    refused.value = undefined;
    try {
      // The events tell the rest.
      const key = browserKey.value;
      const order = device.signers && key ? await signOrder(key, device.id, command) : command;
      const sent = await client.sendCommand(device.id, order, { wait: false });
      takeCommands([sent]);
      onSent(sent.id);
    } catch (error) {
      refused.value = sentenceOf(error);
    } finally {
      sending.value = false;
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const command = read();
    if (!command) return;
    if (consequenceOf(commandKey)) asking.value = command;
    else void send(command);
  };
  const answer = (yes: boolean): void => {
    const command = asking.value;
    asking.value = undefined;
    if (yes && command) void send(command);
  };

  return (
    <form onSubmit={submit} noValidate>
      <ArgumentInputs
        shape={shape}
        typed={typed.value}
        problems={problems.value}
        onTyped={(name, value) => (typed.value = { ...typed.value, [name]: value })}
      />
      <div class="field-pair">
        <TimeInput
          name="timeout"
          title={t("Wait for the reply")}
          placeholder="5s"
          problem={problems.value["$timeout"]}
          note={usualTime(device.id, commandKey)}
          times={times.value}
          onTyped={(next) => (times.value = next)}
        />
        <TimeInput
          name="ttl"
          title={t("Wait for the device up to")}
          placeholder={device.online ? t("do not wait") : t("e.g. 1h")}
          problem={problems.value["$ttl"]}
          times={times.value}
          onTyped={(next) => (times.value = next)}
        />
      </div>
      {!device.online && !times.value.ttl && (
        <p class="hint">
          {t("{id} is offline. Say how long the command may wait for it, and it runs as soon as the device is back.", {
            id: device.id,
          })}
        </p>
      )}
      {device.signers && <SigningNote signers={device.signers} />}
      {refused.value && (
        <p class="refusal" role="alert" data-testid="command-refused">
          {refused.value}
        </p>
      )}
      {filled.unknown.length > 0 && (
        <p class="hint">{t("It takes {list} no more: that is left out.", { list: filled.unknown.join(", ") })}</p>
      )}
      <div class="service-actions">
        <button
          ref={submitButton}
          type="submit"
          class="button primary"
          data-testid="command-send"
          disabled={sending.value}
        >
          {sending.value ? t("Sending…") : t("Send {commandKey}", { commandKey })}
        </button>
        <KeepCommand read={read} />
      </div>
      {asking.value && (
        <Confirm
          question={t("{commandKey} on {id}?", { commandKey, id: device.id })}
          consequence={word(consequenceOf(commandKey) ?? "")}
          action={t("Send {commandKey}", { commandKey })}
          onAnswer={answer}
        />
      )}
    </form>
  );
}
