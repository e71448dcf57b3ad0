import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { completionsAt, type KnownName } from "#shared/filter/complete-filter";
import { Search } from "../shell/icons.tsx";
import { client } from "../state/page-client.ts";
import { t } from "../language/text.ts";

/** What filters can name; fetched when somebody first wants to write one. */
export const filterNames = signal<readonly KnownName[]>([]);

export async function fetchFilterNames(): Promise<void> {
  try {
    filterNames.value = (await client.listFilterNames()).names;
  } catch {
    // Without it nothing is offered; what is typed counts all the same.
  }
}

interface FilterFieldProps {
  readonly where: string;
  readonly problem: string | undefined;
  readonly onTyped: (where: string) => void;
}

/** Where a filter is written, completed as it is typed. */
export function FilterField({ where, problem, onTyped }: FilterFieldProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const caret = useSignal<number | undefined>(undefined);
  const chosen = useSignal(-1);
  const at = caret.value;
  const { from, to, offered } =
    at === undefined ? { from: 0, to: 0, offered: [] } : completionsAt(where, at, filterNames.value);
  const moved = (): void => {
    caret.value = field.current?.selectionStart ?? undefined;
    chosen.value = -1;
  };
  const take = (text: string): void => {
    const whole = where.slice(0, from) + text + where.slice(to);
    // At once: whoever goes on typing would else write into what stood there before.
    if (field.current) {
      field.current.value = whole;
      field.current.setSelectionRange(from + text.length, from + text.length);
    }
    onTyped(whole);
    setTimeout(() => {
      field.current?.focus();
      moved();
    });
  };
  const pressed = (event: KeyboardEvent): void => {
    const { length } = offered;
    const pick = offered[event.key === "Tab" && chosen.peek() < 0 ? 0 : chosen.peek()];
    if (event.key === "ArrowDown" && length > 0) chosen.value = (chosen.peek() + 1) % length;
    else if (event.key === "ArrowUp" && length > 0)
      chosen.value = ((chosen.peek() + length) % (length + 1)) - (chosen.peek() < 0 ? 0 : 1);
    else if ((event.key === "Enter" || (event.key === "Tab" && where !== "")) && pick) take(pick.text);
    else if (event.key === "Escape" || event.key === "Enter") {
      // By itself the browser would take away what is written.
      if (length === 0 || event.key === "Enter") field.current?.blur();
      caret.value = undefined;
    } else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <Search />
      <label class="visually-hidden" for="fleet-filter">
        {t("Filter devices")}
      </label>
      <input
        id="fleet-filter"
        ref={field}
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={t("Filter: a name, or group=lab version<0.3")}
        data-testid="fleet-filter"
        aria-expanded={offered.length > 0}
        aria-controls="fleet-filter-offered"
        aria-activedescendant={chosen.value < 0 ? undefined : `fleet-filter-${chosen.value}`}
        aria-invalid={problem !== undefined}
        aria-describedby="fleet-filter-problem"
        value={where}
        onFocus={() => {
          void fetchFilterNames();
          moved();
        }}
        onBlur={() => setTimeout(() => (caret.value = undefined), 150)}
        onInput={(event) => {
          onTyped(event.currentTarget.value);
          moved();
        }}
        onClick={moved}
        onKeyDown={pressed}
      />
      {offered.length > 0 && (
        <ul class="offered" id="fleet-filter-offered" role="listbox" data-testid="fleet-filter-offered">
          {offered.map(({ text, kind }, index) => (
            <li
              key={text}
              id={`fleet-filter-${index}`}
              role="option"
              aria-selected={index === chosen.value}
              class={index === chosen.value ? "chosen" : ""}
              onMouseDown={(event) => {
                event.preventDefault();
                take(text);
              }}
            >
              <code>{text}</code> <span class="muted">{kind}</span>
            </li>
          ))}
        </ul>
      )}
      <div
        id="fleet-filter-problem"
        role="status"
        class={problem === undefined ? "visually-hidden" : "search-problem"}
        data-testid="fleet-filter-problem"
      >
        {problem}
      </div>
    </div>
  );
}
