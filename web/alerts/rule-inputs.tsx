import type { JSX } from "preact";
import { Labelled, Typed } from "../people/labelled.tsx";

interface EntryProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly fault?: string | undefined;
  readonly list?: string;
  readonly value: string;
  readonly onTyped: (text: string) => void;
}

/** A line of text, completed from a list where there is one. */
export function RuleEntry({ list, ...entry }: EntryProps): JSX.Element {
  if (list === undefined) return <Typed {...entry} />;
  const { id, title, note, fault, value, onTyped } = entry;
  return (
    <Labelled id={id} title={title} fault={fault} {...(note === undefined ? {} : { note })}>
      <input
        id={id}
        data-testid={id}
        type="text"
        autocomplete="off"
        spellcheck={false}
        list={list}
        value={value}
        {...(fault === undefined ? {} : { "aria-invalid": true, "aria-describedby": `${id}-fault` })}
        onInput={({ currentTarget }) => onTyped(currentTarget.value)}
      />
    </Labelled>
  );
}

export const Options = ({ id, of }: { readonly id: string; readonly of: readonly string[] }): JSX.Element => (
  <datalist id={id}>
    {of.map((one) => (
      <option key={one} value={one} />
    ))}
  </datalist>
);

interface ChoiceProps<T extends string> {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly fault?: string | undefined;
  readonly value: T;
  readonly of: readonly (readonly [T, string])[];
  readonly onChosen: (value: T) => void;
}

export function RuleChoice<T extends string>({ id, value, of, onChosen, ...labels }: ChoiceProps<T>): JSX.Element {
  return (
    <Labelled id={id} {...labels}>
      <select
        id={id}
        data-testid={id}
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = of.find(([one]) => one === currentTarget.value);
          if (chosen) onChosen(chosen[0]);
        }}
      >
        {of.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface TickProps {
  readonly id: string;
  readonly title: string;
  readonly checked: boolean;
  readonly onTicked: (on: boolean) => void;
}

export const Tick = ({ id, title, checked, onTicked }: TickProps): JSX.Element => (
  <div class="field tick">
    <input
      id={id}
      data-testid={id}
      type="checkbox"
      checked={checked}
      onChange={({ currentTarget }) => onTicked(currentTarget.checked)}
    />
    <label for={id}>{title}</label>
  </div>
);
