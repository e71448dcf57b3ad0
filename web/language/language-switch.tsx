import type { JSX } from "preact";
import { language, languages, speak, t, type Language } from "./text.ts";

/** The language of the page, remembered by the browser. */
export function LanguageSwitch(): JSX.Element {
  return (
    <select
      class="language"
      aria-label={t("Language")}
      data-testid="language"
      value={language.value}
      onChange={(event) => void speak(event.currentTarget.value as Language)}
    >
      {languages.map(([id, name]) => (
        <option key={id} value={id} lang={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
