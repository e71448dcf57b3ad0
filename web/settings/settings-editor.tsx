import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { SettingKeyDocument } from "#api/configuration-routes";
import { rangeText } from "../health/range-text.ts";
import { client } from "../state/page-client.ts";
import { useAttempt, useOnce } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { faultsByKey, scopeWord } from "./settings-words.ts";
import { t, word } from "../language/text.ts";

interface EditorProps {
  readonly device: string;
  readonly leave: () => void;
  readonly saved: () => Promise<void>;
}

interface Draft {
  readonly scope: string;
  /** Of two that change at the same time the second is told. */
  readonly version: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** Changes what is wanted of a device, of its groups' devices or of all. What is wrong the console itself says. */
export function SettingsEditor({ device, leave, saved }: EditorProps): JSX.Element {
  const keys = useSignal<readonly SettingKeyDocument[]>([]);
  const scopes = useSignal<readonly string[]>([`device:${device}`]);
  const chosen = useSignal(`device:${device}`);
  const draft = useSignal<Draft | undefined>(undefined);
  const { problem, attempt } = useAttempt({ newestOnly: true });
  const [busy, once] = useOnce();
  const choose = (scope: string): Promise<unknown> => {
    chosen.value = scope;
    // What is typed while the answer is on its way would be typed into the scope of before.
    draft.value = undefined;
    return attempt(async (isNewest) => {
      const { version, settings } = await client.getConfiguration(scope);
      if (isNewest()) draft.value = { scope, version, settings };
    });
  };
  useEffect(() => {
    void attempt(async () => {
      const [all, { groups }] = await Promise.all([client.listSettingKeys(), client.getGroups(device)]);
      keys.value = all.keys;
      const limits = session.value?.groups;
      const reach = groups.filter((group) => limits?.includes(group) ?? true).map((group) => `group:${group}`);
      scopes.value = [`device:${device}`, ...reach, ...(limits ? [] : ["default"])];
    }).then(() => choose(`device:${device}`));
  }, [device]);
  const save = (event: Event): void => {
    event.preventDefault();
    const { scope, version, settings } = draft.value ?? { scope: "", version: 0, settings: {} };
    once(() =>
      attempt(async () => {
        await client.setConfiguration(scope, { settings: { ...settings }, version });
        await saved();
        leave();
      }),
    );
  };
  const shown = draft.value;
  const faults = faultsByKey(problem.value ?? "", Object.keys(shown?.settings ?? {}));
  return (
    <form class="panel settings-editor" onSubmit={save} data-testid="settings-editor">
      <div class="field">
        <label for="settings-scope">{t("For")}</label>
        <select
          id="settings-scope"
          data-testid="settings-scope"
          value={chosen.value}
          disabled={busy}
          onChange={(event) => void choose(event.currentTarget.value)}
        >
          {scopes.value.map((scope) => (
            <option key={scope} value={scope}>
              {scopeWord(scope)}
            </option>
          ))}
        </select>
        {!chosen.value.startsWith("device:") && (
          <div class="field-note">{t("It goes to all of them. What is said for a device comes before it.")}</div>
        )}
      </div>
      {shown && (
        <Rows
          draft={shown}
          keys={keys.value}
          faults={faults}
          change={(settings) => (draft.value = { ...shown, settings })}
        />
      )}
      {problem.value && faults.size === 0 && (
        <p class="refusal" role="alert" data-testid="settings-refused">
          {problem.value}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="button primary" data-testid="settings-save" disabled={!shown || busy}>
          {t("Save")}
        </button>
        <button type="button" class="button" onClick={leave}>
          {t("Leave")}
        </button>
      </div>
    </form>
  );
}

interface RowsProps {
  readonly draft: Draft;
  readonly keys: readonly SettingKeyDocument[];
  readonly faults: ReadonlyMap<string, string>;
  readonly change: (settings: Draft["settings"]) => void;
}

function Rows({ draft: { settings }, keys, faults, change }: RowsProps): JSX.Element {
  const free = keys.filter(({ key }) => !Object.hasOwn(settings, key));
  return (
    <>
      {Object.entries(settings).map(([key, value]) => (
        <Row
          key={key}
          about={keys.find((one) => one.key === key)}
          name={key}
          value={value}
          fault={faults.get(key)}
          typed={(text) => change({ ...settings, [key]: text })}
          remove={() => change(Object.fromEntries(Object.entries(settings).filter(([one]) => one !== key)))}
        />
      ))}
      {free.length > 0 && (
        <div class="field">
          <label for="settings-add">{t("One more")}</label>
          <select
            id="settings-add"
            data-testid="settings-add"
            value=""
            onChange={({ currentTarget: { value } }) => value && change({ ...settings, [value]: "" })}
          >
            <option value="">{t("Choose…")}</option>
            {free.map(({ key }) => (
              <option key={key} value={key}>
                {key}
              </option>
            ))}
          </select>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly about: SettingKeyDocument | undefined;
  readonly name: string;
  readonly value: string;
  readonly fault: string | undefined;
  readonly typed: (text: string) => void;
  readonly remove: () => void;
}

function Row({ about, name, value, fault, typed, remove }: RowProps): JSX.Element {
  const id = `setting-${name}`;
  const common = {
    id,
    "data-testid": id,
    value,
    "aria-invalid": fault !== undefined,
    "aria-describedby": `${id}-note`,
  };
  return (
    <div class="field">
      <label for={id}>{name}</label>
      <div class="setting-input">
        {name === "ca" ? (
          <textarea {...common} rows={3} spellcheck={false} onInput={(event) => typed(event.currentTarget.value)} />
        ) : (
          <input
            {...common}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => typed(event.currentTarget.value)}
          />
        )}
        <button
          type="button"
          class="button small"
          aria-label={t("Leave {name} to the machine", { name })}
          onClick={remove}
        >
          {t("Remove")}
        </button>
      </div>
      <div id={`${id}-note`} class="field-note">
        {fault ? (
          <span class="bad">{fault}</span>
        ) : (
          about &&
          `${word(about.help)} (${[word(about.default), about.range && rangeText(about.range)].filter(Boolean).join("; ")})`
        )}
      </div>
    </div>
  );
}
