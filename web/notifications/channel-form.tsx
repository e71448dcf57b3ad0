import { ApiError } from "#api/api-errors";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ChannelDocument } from "#api/client";
import { channelKindOf, channelKinds, type ChannelField } from "#shared/channels/channel-kinds";
import { t, word } from "../language/text.ts";
import { Labelled, Typed } from "../people/labelled.tsx";
import { client } from "../state/page-client.ts";
import { useOnce } from "../state/use-answer.ts";

interface FormProps {
  /** What is changed; a new one is made without. */
  readonly channel: ChannelDocument | undefined;
  readonly leave: () => void;
  /** Hears that it went well. */
  readonly saved: () => Promise<void>;
}

/** Makes a channel, or changes one: its fields are those of its kind. A secret that is left empty stays. */
export function ChannelForm({ channel, leave, saved }: FormProps): JSX.Element {
  const name = useSignal(channel?.name ?? "");
  const kind = useSignal(channel?.kind ?? "email");
  const typed = useSignal<Readonly<Record<string, string>>>(channel?.settings ?? {});
  const usual = useSignal(channel?.usual ?? true);
  const enabled = useSignal(channel?.enabled ?? true);
  const fields: readonly [string, ChannelField][] = Object.entries(channelKindOf(kind.value)?.fields ?? {});
  const refusal = useSignal("");
  /** The console's sentences begin with the field's name. */
  const faultOf = (field: string): string | undefined =>
    refusal.value.startsWith(`${field} `) ? refusal.value : undefined;
  const atField = ["channel", ...fields.map(([field]) => field)].some(faultOf);
  const [busy, once] = useOnce();
  const save = async (): Promise<void> => {
    const settings = Object.fromEntries(
      fields.flatMap(([field]) => (typed.value[field] ? [[field, typed.value[field]]] : [])),
    );
    const order = { kind: kind.value, settings, usual: usual.value, enabled: enabled.value };
    try {
      await client.setChannel(name.value, order);
    } catch (error) {
      refusal.value = error instanceof ApiError ? (error.problem?.detail ?? error.message) : String(error);
      return;
    }
    refusal.value = "";
    name.value = "";
    typed.value = {};
    await saved();
  };
  return (
    <section class="command-form" aria-labelledby="channel-title">
      <h2 id="channel-title">
        {channel ? t("Change the channel {name}", { name: channel.name }) : t("Add a channel")}
      </h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          once(save);
        }}
        noValidate
        data-testid="channel-form"
      >
        {!channel && (
          <Typed
            id="channel-name"
            title={t("Name")}
            value={name.value}
            fault={faultOf("channel")}
            onTyped={(text) => (name.value = text)}
          />
        )}
        {!channel && <KindChoice value={kind.value} onChosen={(chosen) => (kind.value = chosen)} />}
        {fields.map(([field, about]) => (
          <FieldInput
            key={`${kind.value} ${field}`}
            name={field}
            field={about}
            kept={channel?.secrets[field]}
            value={typed.value[field] ?? ""}
            fault={faultOf(field)}
            onTyped={(text) => (typed.value = { ...typed.value, [field]: text })}
          />
        ))}
        <Tick id="channel-usual" title={t("For all alerts whose rule names no channel")} state={usual} />
        <Tick id="channel-enabled" title={t("Switched on")} state={enabled} />
        {refusal.value && !atField && (
          <p class="refusal" role="alert" data-testid="channel-refused">
            {refusal.value}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="button primary" data-testid="channel-save" disabled={busy}>
            {channel ? t("Save") : t("Add")}
          </button>
          {channel && (
            <button type="button" class="button" onClick={leave}>
              {t("Leave it as it is")}
            </button>
          )}
        </div>
      </form>
    </section>
  );
}

/** "another one than https://…" has one text for every address. */
function helpOf(help: string): string {
  const [, address] = /^another one than (.*)$/.exec(help) ?? [];
  return address === undefined ? word(help) : t("another one than {address}", { address });
}

function KindChoice({ value, onChosen }: { value: string; onChosen: (kind: string) => void }): JSX.Element {
  return (
    <Labelled id="channel-kind" title={t("Kind")}>
      <select
        id="channel-kind"
        data-testid="channel-kind"
        value={value}
        onChange={({ currentTarget }) => onChosen(currentTarget.value)}
      >
        {Object.entries(channelKinds).map(([kind, { title }]) => (
          <option key={kind} value={kind}>
            {word(title)}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface InputProps {
  readonly name: string;
  readonly field: ChannelField;
  /** That a secret is set, where it is. */
  readonly kept: string | undefined;
  readonly value: string;
  readonly fault: string | undefined;
  readonly onTyped: (value: string) => void;
}

function FieldInput({ name, field, kept, value, fault, onTyped }: InputProps): JSX.Element {
  const { title, type, choices, secret = false, needed, default: usual } = field;
  const help = field.help && helpOf(field.help);
  const id = `channel-${name}`;
  const stays = kept === undefined ? undefined : t("{kept}; left empty it stays", { kept });
  const byDefault = usual === undefined ? undefined : t("{value} where it is left empty", { value: usual });
  const note = [stays, help, byDefault].filter(Boolean).join("; ");
  const label = needed ? word(title) : `${word(title)} (${t("optional")})`;
  if (choices)
    return (
      <Labelled id={id} title={label} fault={fault} {...(help ? { note: help } : {})}>
        <select
          id={id}
          data-testid={id}
          value={value || usual}
          onChange={({ currentTarget }) => onTyped(currentTarget.value)}
        >
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      </Labelled>
    );
  if (type === "block")
    return (
      <Labelled id={id} title={label} fault={fault} {...(note ? { note } : {})}>
        <textarea
          id={id}
          data-testid={id}
          rows={3}
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => onTyped(currentTarget.value)}
        />
      </Labelled>
    );
  return (
    <Typed
      id={id}
      title={label}
      {...(note ? { note } : {})}
      value={value}
      fault={fault}
      // An address is long and mistyped easily: whoever types it reads it.
      password={secret && type !== "url"}
      onTyped={onTyped}
    />
  );
}

function Tick({ id, title, state }: { id: string; title: string; state: { value: boolean } }): JSX.Element {
  return (
    <div class="field tick">
      <input
        id={id}
        data-testid={id}
        type="checkbox"
        checked={state.value}
        onChange={({ currentTarget }) => (state.value = currentTarget.checked)}
      />
      <label for={id}>{title}</label>
    </div>
  );
}
