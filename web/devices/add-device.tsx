import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { EnrollmentDocument, MadeEnrollment } from "#api/client";
import { client } from "../state/page-client.ts";
import { useAnswer, useOnce } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { AskingMachines } from "./asking-machines.tsx";
import { MadeCode } from "./made-code.tsx";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Until } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

const times = [
  ["1h", "an hour"],
  ["1d", "a day"],
  ["7d", "a week"],
  ["31d", "a month"],
] as const;

/** A code by which a machine joins: made here, shown once as a line to paste and a picture; and those that are still good. */
export function AddDevice(): JSX.Element {
  const made = useSignal<MadeEnrollment | undefined>(undefined);
  const {
    answer: codes,
    problem,
    attempt,
  } = useAnswer(async () => (await client.listEnrollments()).enrollments.filter(({ state }) => state === "open"));
  const open = codes.value ?? [];
  return (
    <section class="panel add-device" aria-labelledby="add-device-title" data-testid="add-device">
      <h2 id="add-device-title">{t("Add a device")}</h2>
      <OrderForm make={(order) => attempt(async () => (made.value = await client.createEnrollment(order)))} />
      {problem.value && <p class="refusal">{problem.value}</p>}
      {made.value && <MadeCode made={made.value} />}
      {session.value?.groups === undefined && <AskingMachines />}
      {open.length > 0 && <OpenCodes codes={open} revoke={(id) => void attempt(() => client.revokeEnrollment(id))} />}
    </section>
  );
}

type Order = Parameters<typeof client.createEnrollment>[0];

function OrderForm({ make }: { make: (order: Order) => Promise<unknown> }): JSX.Element {
  const name = useSignal("");
  const groups = useSignal("");
  const ttl = useSignal<string>(times[0][0]);
  const uses = useSignal("1");
  const again = useSignal(false);
  const certificate = useSignal(false);
  const [busy, once] = useOnce();
  const submit = (event: Event): void => {
    event.preventDefault();
    const named = groups.value.split(/[\s,]+/).filter(Boolean);
    once(() =>
      make({
        name: name.value.trim(),
        groups: named,
        ttl: ttl.value,
        uses: Number(uses.value),
        ...(again.value ? { again: true } : {}),
        ...(certificate.value ? { certificate: true } : {}),
        origin: window.location.origin,
      }),
    );
  };
  return (
    <form class="order" onSubmit={submit}>
      <TextField id="name" label={t("Name")} value={name} placeholder="rpi-7, or {hostname}, {serial}, {mac}" />
      <TextField id="groups" label={t("Groups")} value={groups} placeholder={t("none")} />
      <div class="field">
        <label for="add-ttl">{t("Good for")}</label>
        <select id="add-ttl" value={ttl.value} onChange={(event) => (ttl.value = event.currentTarget.value)}>
          {times.map(([value, words]) => (
            <option key={value} value={value}>
              {word(words)}
            </option>
          ))}
        </select>
      </div>
      <TextField id="uses" label={t("Machines")} value={uses} />
      <CheckField id="again" label={t("It was wiped: its old secret ends")} value={again} />
      <CheckField id="certificate" label={t("By a certificate in place of a secret")} value={certificate} />
      <button type="submit" class="button primary" data-testid="add-submit" disabled={busy}>
        {t("Make a code")}
      </button>
    </form>
  );
}

interface TextFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly placeholder?: string;
}

function TextField({ id, label, value, placeholder }: TextFieldProps): JSX.Element {
  return (
    <div class="field">
      <label for={`add-${id}`}>{label}</label>
      <input
        id={`add-${id}`}
        data-testid={`add-${id}`}
        autocomplete="off"
        {...(placeholder === undefined ? {} : { placeholder })}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </div>
  );
}

function CheckField({ id, label, value }: Omit<TextFieldProps, "value"> & { value: Signal<boolean> }): JSX.Element {
  return (
    <label class="again">
      <input
        type="checkbox"
        data-testid={`add-${id}`}
        checked={value.value}
        onChange={(event) => (value.value = event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

function OpenCodes({
  codes,
  revoke,
}: {
  codes: readonly EnrollmentDocument[];
  revoke: (id: string) => void;
}): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("Codes")}>
      <MatrixTable data-testid="open-codes">
        <thead>
          <tr>
            {(["Code", "Name", "Used", "Ends", "Made by", ""] as const).map((title) => (
              <th key={title} scope="col">
                {title ? t(title) : <span class="visually-hidden">{t("Actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {codes.map(({ id, name, used, uses, expires, by }) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              <td>{name}</td>
              <td>{t("{used} of {uses}", { used, uses })}</td>
              <td>
                <Until ts={expires} />
              </td>
              <td>{by}</td>
              <td>
                <button
                  type="button"
                  class="button small"
                  aria-label={t("Revoke {id}", { id })}
                  onClick={() => revoke(id)}
                >
                  {t("Revoke")}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
