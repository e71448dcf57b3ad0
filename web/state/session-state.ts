import { signal } from "@preact/signals";
import type { AccountDocument } from "#api/session-routes";
import { ApiError } from "#api/api-errors";
import { client, forgetAnswers, onSignedOut } from "./page-client.ts";

/** Who works here: undefined until the console has said so, null for nobody. */
export const session = signal<AccountDocument | null | undefined>(undefined);
/** Why the session could not be asked for, as a sentence. */
export const sessionProblem = signal<string | undefined>(undefined);

onSignedOut(nobody);

function nobody(): void {
  if (session.peek()) forgetAnswers();
  session.value = null;
}

export async function checkSession(): Promise<void> {
  try {
    session.value = await client.whoAmI();
    sessionProblem.value = undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    sessionProblem.value = error instanceof Error ? error.message : String(error);
  }
}

/** Tries while the console has no time to look at a password; it says so after ten seconds, or at once. */
const tries = 5;

/** @throws Error with the reason, for the form to show */
export async function logIn(name: string, password: string, code?: string): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      session.value = await client.logIn({ name, password, code });
      return;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 429) || left <= 1) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** Where this browser's id is kept while it is told of alerts: that ends with the log-out, in one question. */
export const browserKept = "muster.browser";

function keptBrowser(): string | undefined {
  try {
    return localStorage.getItem(browserKept) ?? undefined;
  } catch {
    return undefined;
  }
}

export async function logOut(): Promise<void> {
  try {
    await client.logOut({ browser: keptBrowser() });
  } finally {
    nobody();
  }
}
