import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { earlier, type ChartComparison } from "./comparison.ts";
import { t, word } from "../language/text.ts";

interface CompareProps {
  readonly comparison: ChartComparison;
  /** That there is no such device as is asked for: said here, and at no chart. */
  readonly isUnknown: boolean;
  readonly onCompare: (comparison: ChartComparison) => void;
}

/** With which time and which device the charts are compared. What is chosen already is let go of by choosing it again. */
export function CompareControls({ comparison, isUnknown, onCompare }: CompareProps): JSX.Element {
  // What is being written: samples that arrive meanwhile render anew, and would take it away.
  const draft = useSignal<string | undefined>(undefined);
  return (
    <div class="time-controls">
      <div class="segments" role="group" aria-label={t("Compare with an earlier time")}>
        {earlier.map(({ name, said }) => (
          <button
            key={name}
            type="button"
            title={t("Compare with {said}", { said: word(said) })}
            aria-pressed={comparison.before === name}
            data-testid={`before-${name}`}
            onClick={() => onCompare({ ...comparison, before: comparison.before === name ? undefined : name })}
          >
            −{name}
          </button>
        ))}
      </div>
      <input
        class="compare-device"
        type="search"
        size={14}
        placeholder={t("another device")}
        aria-label={t("Compare with another device, by its id")}
        data-testid="compare-device"
        aria-invalid={isUnknown}
        aria-describedby={isUnknown ? "compare-unknown" : undefined}
        value={draft.value ?? comparison.beside ?? ""}
        onInput={(event) => (draft.value = event.currentTarget.value)}
        onChange={(event) => {
          const beside = event.currentTarget.value.trim() || undefined;
          draft.value = undefined;
          onCompare({ ...comparison, beside });
        }}
      />
      {isUnknown && (
        <span id="compare-unknown" class="field-note bad" role="alert" data-testid="compare-unknown">
          {t("There is no device {id}.", { id: comparison.beside ?? "" })}
        </span>
      )}
    </div>
  );
}
