import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { CommandOrder } from "#api/command-routes";
import { changeFavourites } from "../state/favourites-state.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

/** Keeps what stands in a form under a name. @param read what stands there; undefined where something is wrong with it */
export function KeepCommand({ read }: { read: () => CommandOrder | undefined }): JSX.Element {
  const order = useSignal<CommandOrder | undefined>(undefined);
  const name = useSignal("");
  const problem = useSignal<string | undefined>(undefined);
  const begin = (): void => {
    const found = read();
    order.value = found;
    problem.value = undefined;
    if (found) name.value = [found.key, ...Object.values(found.args ?? {}).map(brief)].join(" ").slice(0, 60);
  };
  const keep = async (): Promise<void> => {
    const { key = "", args, timeout, ttl } = order.peek() ?? {};
    try {
      await changeFavourites(() => client.keepCommand(name.peek(), { key, args, timeout, ttl }));
      order.value = undefined;
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  if (!order.value)
    return (
      <button type="button" class="button" data-testid="keep-command" onClick={begin}>
        {t("Keep…")}
      </button>
    );
  return (
    <div class="keep-command">
      <label for="keep-name">{t("Keep as a favourite called")}</label>
      <input
        id="keep-name"
        data-testid="keep-name"
        ref={focusOnce}
        value={name.value}
        onInput={(event) => (name.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          // A form in a form there is not: this one would be sent.
          if (event.key === "Enter") {
            event.preventDefault();
            void keep();
          } else if (event.key === "Escape") order.value = undefined;
        }}
      />
      <button type="button" class="button small" data-testid="keep-save" onClick={() => void keep()}>
        {t("Keep")}
      </button>
      <button type="button" class="button small" onClick={() => (order.value = undefined)}>
        {t("Do not")}
      </button>
      {problem.value && (
        <span class="bad" role="alert">
          {problem.value}
        </span>
      )}
    </div>
  );
}

const brief = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const shown = new WeakSet<HTMLInputElement>();

function focusOnce(input: HTMLInputElement | null): void {
  if (!input || shown.has(input)) return;
  shown.add(input);
  input.select();
}
