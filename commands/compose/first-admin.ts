import { generateSecret } from "#shared/password";
import { readSecret, removeSecret, writeSecret } from "../../console/accounts/secrets.ts";
import type { State } from "../../console/state/state.ts";

/** Where the first administrator's password is kept until somebody has been shown it: a start that ends before has told nobody. */
const unshown = "admin@unshown";

/** For the audit log: what a start does by itself. */
const atStart = { who: "console", from: "cli" } as const;

/** Makes sure that there is an administrator. @returns his password where it was made and nobody has been shown it; undefined otherwise */
export async function admitAdmin(
  { directory, accounts, audit }: State,
  given: string | undefined,
): Promise<string | undefined> {
  if (given !== undefined) {
    if (!(await accounts.verify("admin", given))) {
      audit.note({
        ...atStart,
        what: "account.changed",
        on: "admin",
        detail: { role: "admin", password: "from the settings" },
      });
      accounts.set("admin", "admin", given);
    }
    removeSecret(directory, unshown);
    return undefined;
  }
  const kept = readSecret(directory, unshown);
  // One that was removed stays so, as long as there is another administrator.
  if (accounts.mainAdmin() !== undefined) {
    if (kept === undefined || (await accounts.verify("admin", kept))) return kept;
    // Another has been set since.
    removeSecret(directory, unshown);
    return undefined;
  }
  const password = generateSecret();
  // Before the account is: a kill between the two leaves a password too many, never one too few.
  writeSecret(directory, unshown, password);
  audit.note({ ...atStart, what: "account.added", on: "admin", detail: { role: "admin" } });
  accounts.set("admin", "admin", password);
  // The file is removed once somebody was shown the password: by then the account must outlive a power cut.
  await accounts.synced();
  return password;
}

/** The administrator's password as {@link admitAdmin} returned it stands on the terminal, and nowhere else from now on. */
export function adminWasShown({ directory }: State): void {
  removeSecret(directory, unshown);
}

export function shownOnce(password: string): string {
  return `operator admin, password ${password} (shown this once)`;
}
