import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PersonDocument } from "#api/account-routes";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { client } from "../state/page-client.ts";
import { session } from "../state/session-state.ts";
import { useTitle } from "../shell/title.ts";
import { useAnswer } from "../state/use-answer.ts";
import { PeopleNav, reachOf } from "./people-nav.tsx";
import { PersonForm } from "./person-form.tsx";
import { ShownOnce } from "./shown-once.tsx";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** The accounts of people and programs, for an administrator: who there is, and adding, changing and removing one. */
export function PeoplePage(): JSX.Element {
  useTitle(t("People"));
  const { answer: items, problem, attempt } = useAnswer(async () => (await client.listAccounts()).accounts);
  const editing = useSignal<PersonDocument | undefined>(undefined);
  const removing = useSignal<string | undefined>(undefined);
  const made = useSignal<{ readonly name: string; readonly password: string } | undefined>(undefined);
  const answer = (yes: boolean): void => {
    const name = removing.value;
    removing.value = undefined;
    if (yes && name !== undefined) void attempt(() => client.removeAccount(name));
  };
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("People")}</h1>
        <PeopleNav />
      </div>
      <p class="hint">
        {t("Accounts of people and programs; devices are removed on their own pages.")} <code>muster operator</code>{" "}
        {t("does the same.")}
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {made.value && (
        <ShownOnce of={t("The password of {name}", { name: made.value.name })} secret={made.value.password} />
      )}
      {items.value && (
        <PeopleTable
          people={items.value}
          change={(one) => (editing.value = one)}
          remove={(name) => (removing.value = name)}
          reset={(name) => void attempt(() => client.resetSecondFactor(name))}
        />
      )}
      <PersonForm
        key={editing.value?.name ?? ""}
        person={editing.value}
        leave={() => (editing.value = undefined)}
        save={(act) =>
          attempt(async () => {
            const { name, password } = await act();
            made.value = password === undefined ? undefined : { name, password };
            editing.value = undefined;
          })
        }
      />
      {removing.value !== undefined && (
        <Confirm
          question={t("Remove the account {removing}?", { removing: removing.value })}
          consequence={t(
            "Its password, sessions and tokens are void, and what is open with them ends now. This cannot be undone.",
          )}
          action={t("Remove the account")}
          onAnswer={answer}
        />
      )}
    </main>
  );
}

interface TableProps {
  readonly people: readonly PersonDocument[];
  readonly change: (one: PersonDocument) => void;
  readonly remove: (name: string) => void;
  readonly reset: (name: string) => void;
}

function PeopleTable({ people, change, remove, reset }: TableProps): JSX.Element {
  const admins = people.filter(({ role, groups, provided }) => role === "admin" && !groups && !provided).length;
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Accounts")}>
      <MatrixTable data-testid="accounts">
        <thead>
          <tr>
            {(["Account", "Role", "Devices", "Second factor", "Seen", ""] as const).map((name) => (
              <th key={name} scope="col" class={name === "Devices" ? "wrap" : undefined}>
                {name ? t(name) : <span class="visually-hidden">{t("Actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {people.map((one) => (
            <tr key={one.name} data-testid={`account-${one.name}`}>
              <th scope="row">{one.name}</th>
              <td>
                {word(one.role)}
                {one.name === session.value?.name && t(" (you)")}
                {one.provided && <span class="hint"> {t("by the identity provider")}</span>}
              </td>
              <td class="wrap">{reachOf(one.groups)}</td>
              <td>
                {one.secondFactor ? (
                  <button
                    type="button"
                    class="button small"
                    aria-label={t("Take away the second factor of {name}", { name: one.name })}
                    data-testid={`reset-${one.name}`}
                    onClick={() => reset(one.name)}
                  >
                    {t("Take away")}
                  </button>
                ) : (
                  "\u2013"
                )}
                {one.wrongCodes > 0 && (
                  <span class="refusal" data-testid={`wrong-codes-${one.name}`}>
                    {" "}
                    {t("{wrongCodes} wrong with the right password", { wrongCodes: one.wrongCodes })}
                  </span>
                )}
              </td>
              <td>{one.lastSeen === null ? "\u2013" : <Ago ts={one.lastSeen} />}</td>
              <td>
                {!one.provided && (
                  <button
                    type="button"
                    class="button small"
                    aria-label={t("Change the account {name}", { name: one.name })}
                    data-testid={`change-${one.name}`}
                    onClick={() => change(one)}
                  >
                    {t("Change")}
                  </button>
                )}{" "}
                {one.role === "admin" && !one.groups && !one.provided && admins === 1 ? (
                  t("the last administrator")
                ) : (
                  <button
                    type="button"
                    class="button small"
                    aria-label={t("Remove the account {name}", { name: one.name })}
                    data-testid={`remove-${one.name}`}
                    onClick={() => remove(one.name)}
                  >
                    {t("Remove")}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
