import type { JSX } from "preact";
import type { TypedValues } from "./typed-arguments.ts";
import type { FormShape, TypedText } from "./form-shape.ts";
import { FieldInput } from "./input.tsx";
import { t } from "../language/text.ts";

interface ArgumentInputsProps {
  readonly shape: FormShape;
  readonly typed: TypedValues;
  readonly problems: Readonly<Record<string, string>>;
  readonly onTyped: (name: string, value: TypedText) => void;
}

/** The inputs that a command's schema asks for. */
export function ArgumentInputs({ shape, typed, problems, onTyped }: ArgumentInputsProps): JSX.Element {
  const whole = {
    kind: "json",
    name: "",
    title: t("Arguments"),
    description: t("A JSON object."),
    required: false,
    initial: "",
  } as const;
  const fields = shape.kind === "json" ? [whole] : shape.fields;
  return (
    <>
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          typed={typed[field.name] ?? field.initial}
          problem={problems[field.name]}
          onTyped={(value) => onTyped(field.name, value)}
        />
      ))}
    </>
  );
}
