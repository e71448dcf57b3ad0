import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ConsoleSettingDocument } from "#api/console-settings-routes";
import { t, word } from "../language/text.ts";
import { client } from "../state/page-client.ts";
import { useAttempt } from "../state/use-answer.ts";
import { rangeText } from "./range-text.ts";
import { sourceOf } from "./setting-source.ts";

interface SettingRowProps {
  readonly setting: ConsoleSettingDocument;
  /** Hears how it stands once it has changed. */
  readonly took: (setting: ConsoleSettingDocument) => void;
}

/** A setting that changes while Muster runs, with what is wrong with a value said at its place. */
export function SettingRow({ setting, took }: SettingRowProps): JSX.Element {
  const { name, help, value, range, source, set, idle } = setting;
  const typed = useSignal<string | undefined>(undefined);
  const { problem: refusal, attempt } = useAttempt({ newestOnly: true });
  const change = (act: () => Promise<ConsoleSettingDocument>): Promise<boolean> =>
    attempt(async (isNewest) => {
      const sent = typed.peek();
      const changed = await act();
      if (!isNewest()) return;
      took(changed);
      // What was typed meanwhile is not set yet.
      if (typed.peek() === sent) typed.value = undefined;
    });
  const save = (event: Event): void => {
    event.preventDefault();
    const text = typed.peek();
    if (text !== undefined) void change(() => client.setConsoleSetting(name, { value: text }));
  };
  const id = `console-setting-${name}`;
  return (
    <form class="setting-row" onSubmit={save}>
      <label for={id}>
        <strong>{name}</strong>
        <span class="muted">{word(help)}</span>
      </label>
      <div class="setting-row-value">
        <input
          id={id}
          data-testid={id}
          value={typed.value ?? value ?? ""}
          aria-invalid={refusal.value !== undefined}
          aria-describedby={`${id}-note`}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <button type="submit" class="button small" data-testid={`${id}-save`} disabled={typed.value === undefined}>
          {t("Set")}
        </button>
        {set && (
          <button
            type="button"
            class="button small"
            data-testid={`${id}-reset`}
            onClick={() => void change(() => client.resetConsoleSetting(name))}
          >
            {t("Reset to {value}", { value: set.over })}
          </button>
        )}
      </div>
      <p id={`${id}-note`} class={refusal.value === undefined ? "muted" : "refusal"}>
        {refusal.value ??
          [sourceOf(source, set), range && rangeText(range), idle && word(idle)].filter(Boolean).join("; ")}
      </p>
    </form>
  );
}
