import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { KeptCommandDocument } from "#api/favourite-routes";
import { changeFavourites, keptCommands } from "../state/favourites-state.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

interface BarProps {
  /** The keys that can be sent here; of others nothing is offered. */
  readonly keys: readonly string[];
  readonly onPick: (kept: KeptCommandDocument) => void;
}

/** Commands that somebody has kept: each fills the form, and sends nothing. */
export function FavouritesBar({ keys, onPick }: BarProps): JSX.Element | null {
  const problem = useSignal<string | undefined>(undefined);
  const kept = keptCommands().filter(({ key }) => keys.includes(key));
  if (kept.length === 0) return null;
  const forget = async (name: string): Promise<void> => {
    try {
      await changeFavourites(() => client.forgetCommand(name));
      problem.value = undefined;
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  return (
    <div class="field" role="group" aria-label={t("Favourites")}>
      <div class="favourites" data-testid="favourites">
        {kept.map((one) => (
          <span key={one.name} class="favourite">
            <button
              type="button"
              class="button small"
              title={`${one.key} ${JSON.stringify(one.args)}`}
              data-testid={`favourite-${one.name}`}
              onClick={() => onPick(one)}
            >
              {one.name}
            </button>
            <button
              type="button"
              class="button small"
              aria-label={t("Forget the favourite {name}", { name: one.name })}
              onClick={() => void forget(one.name)}
            >
              ×
            </button>
          </span>
        ))}
      </div>
      {problem.value && (
        <div class="field-note bad" role="alert">
          {problem.value}
        </div>
      )}
    </div>
  );
}
