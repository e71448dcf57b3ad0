import type { JSX } from "preact";

export interface FieldProps {
  readonly name: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onTyped: (value: string) => void;
}

interface TextProps extends FieldProps {
  readonly title: string;
  readonly placeholder: string;
  /** More than one makes it a text area. */
  readonly lines?: number;
}

/** One input of the job form with what is wrong with it. */
export function TextField({ title, placeholder, lines = 1, ...field }: TextProps): JSX.Element {
  const common = { ...attributes(field), placeholder, value: field.value, spellcheck: false };
  return (
    <Labelled title={title} field={field}>
      {lines > 1 ? (
        <textarea {...common} rows={lines} onInput={(event) => field.onTyped(event.currentTarget.value)} />
      ) : (
        <input
          {...common}
          type="text"
          autocomplete="off"
          onInput={(event) => field.onTyped(event.currentTarget.value)}
        />
      )}
    </Labelled>
  );
}

interface ChoiceProps extends FieldProps {
  readonly title: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

export function Choice({ title, options, ...field }: ChoiceProps): JSX.Element {
  return (
    <Labelled title={title} field={field}>
      <select {...attributes(field)} value={field.value} onChange={(event) => field.onTyped(event.currentTarget.value)}>
        {options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

function Labelled({
  title,
  field: { name, problem },
  children,
}: {
  title: string;
  field: FieldProps;
  children: JSX.Element;
}): JSX.Element {
  return (
    <div class="field">
      <label for={`job-${name}`}>{title}</label>
      {children}
      <div id={`job-${name}-note`} class="field-note">
        {problem && <span class="bad">{problem}</span>}
      </div>
    </div>
  );
}

function attributes({ name, problem }: FieldProps) {
  return {
    id: `job-${name}`,
    "data-testid": `job-${name}`,
    "aria-invalid": problem !== undefined,
    "aria-describedby": `job-${name}-note`,
  };
}
