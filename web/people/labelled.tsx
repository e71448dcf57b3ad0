import type { JSX } from "preact";
import { t, word } from "../language/text.ts";

interface LabelledProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  /** What is wrong with what was typed. */
  readonly fault?: string | undefined;
  readonly children: JSX.Element;
}

/** An input with its label. */
export function Labelled({ id, title, note, fault, children }: LabelledProps): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{title}</label>
      {children}
      {fault && (
        <div id={`${id}-fault`} class="field-note bad" role="alert">
          {fault}
        </div>
      )}
      {/* In its place: fields beside each other have one line for both. */}
      {note && !fault && <div class="field-note">{note}</div>}
    </div>
  );
}

interface InputProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly fault?: string | undefined;
  readonly value: string;
  readonly password?: boolean;
  /** Whether it is an authenticator's code: digits, which a phone may offer by itself. */
  readonly code?: boolean;
  readonly onTyped: (value: string) => void;
}

export function Typed({
  id,
  title,
  note,
  fault,
  value,
  password = false,
  code = false,
  onTyped,
}: InputProps): JSX.Element {
  const common = {
    id,
    "data-testid": id,
    spellcheck: false,
    value,
    ...(fault === undefined ? {} : { "aria-invalid": true, "aria-describedby": `${id}-fault` }),
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => onTyped(currentTarget.value),
  };
  return (
    <Labelled id={id} title={title} fault={fault} {...(note === undefined ? {} : { note })}>
      {password ? (
        <input type="password" autocomplete="new-password" {...common} />
      ) : code ? (
        <input type="text" inputMode="numeric" autocomplete="one-time-code" {...common} />
      ) : (
        <input type="text" autocomplete="off" {...common} />
      )}
    </Labelled>
  );
}

const roles = ["viewer", "operator", "admin"] as const;
export type PersonRole = (typeof roles)[number];

/** @param most the highest to choose from */
export function RoleChoice({
  id,
  value,
  most = "admin",
  onTyped,
}: {
  readonly id: string;
  readonly value: PersonRole;
  readonly most?: PersonRole;
  readonly onTyped: (value: PersonRole) => void;
}): JSX.Element {
  return (
    <Labelled id={id} title={t("Role")}>
      <select
        id={id}
        data-testid={id}
        value={value}
        onChange={({ currentTarget }) => onTyped(roles.find((one) => one === currentTarget.value) ?? "viewer")}
      >
        {roles.slice(0, roles.indexOf(most) + 1).map((role) => (
          <option key={role} value={role}>
            {word(role)}
          </option>
        ))}
      </select>
    </Labelled>
  );
}
