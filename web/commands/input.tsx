import type { JSX } from "preact";
import type { Field, TypedText } from "./form-shape.ts";
import { t } from "../language/text.ts";

interface FieldProps {
  readonly field: Field;
  readonly typed: TypedText;
  readonly problem: string | undefined;
  readonly onTyped: (typed: TypedText) => void;
}

/** One argument with its label, description and what is wrong with it. */
export function FieldInput(props: FieldProps): JSX.Element {
  const { field, problem } = props;
  const id = `arg-${field.name}`;
  const notes = [field.description, bounds(field)].filter((note) => note !== undefined);
  return (
    <div class={field.kind === "switch" ? "field field-switch" : "field"}>
      <label for={id}>
        {field.title}
        {field.required && field.kind !== "switch" && <span class="required"> {t("required")}</span>}
      </label>
      <Input {...props} id={id} describedBy={`${id}-note`} />
      <div id={`${id}-note`} class="field-note">
        {problem ? <span class="bad">{problem}</span> : notes.join(" · ")}
      </div>
    </div>
  );
}

function Input({
  field,
  typed,
  problem,
  onTyped,
  id,
  describedBy,
}: FieldProps & { id: string; describedBy: string }): JSX.Element {
  const common = {
    id,
    "data-testid": id,
    "aria-describedby": describedBy,
    "aria-invalid": problem !== undefined,
    "aria-required": field.required,
  };
  if (field.kind === "switch") {
    return (
      <input
        {...common}
        type="checkbox"
        checked={typed === true}
        onChange={(event) => onTyped(event.currentTarget.checked)}
      />
    );
  }
  if (field.kind === "choice") {
    return (
      <select {...common} value={String(typed)} onChange={(event) => onTyped(event.currentTarget.value)}>
        <option value="">{field.required ? t("Choose…") : t("Not given")}</option>
        {field.options.map((option) => (
          <option key={JSON.stringify(option)} value={JSON.stringify(option)}>
            {typeof option === "string" ? option : JSON.stringify(option)}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === "json") {
    return (
      <textarea
        {...common}
        rows={3}
        spellcheck={false}
        placeholder="JSON"
        value={String(typed)}
        onInput={(event) => onTyped(event.currentTarget.value)}
      />
    );
  }
  return (
    <input
      {...common}
      type="text"
      inputMode={field.kind === "number" ? (field.integer ? "numeric" : "decimal") : "text"}
      autocomplete="off"
      value={String(typed)}
      onInput={(event) => onTyped(event.currentTarget.value)}
    />
  );
}

/** What a number may be, in words: a spin button would hide it. */
function bounds(field: Field): string | undefined {
  if (field.kind === "text") return field.pattern ? t("matches {pattern}", { pattern: field.pattern }) : undefined;
  if (field.kind !== "number") return undefined;
  const kind = field.integer ? t("whole number") : t("number");
  if (field.min !== undefined && field.max !== undefined)
    return t("{kind}, {min} to {max}", { kind, min: field.min, max: field.max });
  if (field.min !== undefined) return t("{kind}, {min} or more", { kind, min: field.min });
  return field.max !== undefined ? t("{kind}, {max} or less", { kind, max: field.max }) : kind;
}
