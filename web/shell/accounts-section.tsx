import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { AccountDocument } from "#api/session-routes";
import { client } from "../state/page-client.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { session } from "../state/session-state.ts";

/** The accounts of people and programs, for an administrator: each can be removed. @param changed called after a removal */
export function AccountsSection({ changed }: { changed: () => void }): JSX.Element {
  const accounts = useSignal<readonly AccountDocument[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const asking = useSignal<string | undefined>(undefined);
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
      accounts.value = (await client.listAccounts()).accounts;
      problem.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void attempt(async () => {}), []);
  const answer = (yes: boolean): void => {
    const name = asking.value;
    asking.value = undefined;
    if (yes && name !== undefined) void attempt(() => client.removeAccount(name)).then(changed);
  };
  return (
    <section aria-labelledby="accounts-title">
      <h2 id="accounts-title">Accounts</h2>
      <p class="hint">
        Of people and programs; devices are removed on their own pages. New ones are made with{" "}
        <code>muster operator NAME</code>.
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {accounts.value && <AccountTable accounts={accounts.value} remove={(name) => (asking.value = name)} />}
      {asking.value !== undefined && (
        <Confirm
          question={`Remove the account ${asking.value}?`}
          consequence="Its password, sessions and tokens are void, and what is open with them ends now. This cannot be undone."
          action="Remove the account"
          onAnswer={answer}
        />
      )}
    </section>
  );
}

interface TableProps {
  readonly accounts: readonly AccountDocument[];
  readonly remove: (name: string) => void;
}

function AccountTable({ accounts, remove }: TableProps): JSX.Element {
  const admins = accounts.filter(({ role }) => role === "admin").length;
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label="Accounts">
      <table class="matrix" data-testid="accounts">
        <thead>
          <tr>
            {["Account", "Role", ""].map((name) => (
              <th key={name} scope="col" class={name === "Role" ? "wrap" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {accounts.map(({ name, role }) => (
            <tr key={name} data-testid={`account-${name}`}>
              <th scope="row">{name}</th>
              <td class="wrap">
                {role}
                {name === session.value?.name && " (you)"}
              </td>
              <td>
                {role === "admin" && admins === 1 ? (
                  "the last administrator"
                ) : (
                  <button
                    type="button"
                    class="button small"
                    aria-label={`Remove the account ${name}`}
                    onClick={() => remove(name)}
                  >
                    Remove
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
