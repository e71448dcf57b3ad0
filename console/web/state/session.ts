import { signal } from "@preact/signals";
import { deleteSession, getSession, postSession } from "../api/console.ts";
import type { Session } from "../api/documents.ts";
import { onSignedOut, Problem } from "../api/request.ts";

/** Who works here: undefined until the console has said so, null for nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** Why the session could not be asked for, as a sentence. */
export const sessionProblem = signal<string | undefined>(undefined);

onSignedOut(() => (session.value = null));

export async function checkSession(): Promise<void> {
  try {
    session.value = await getSession();
    sessionProblem.value = undefined;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return;
    sessionProblem.value = error instanceof Error ? error.message : String(error);
  }
}

/** Tries while the console has no time to look at a password; it says so after ten seconds, or at once. */
const tries = 5;

/** @throws Problem with the reason, for the form to show */
export async function logIn(name: string, password: string): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      session.value = await postSession(name, password);
      return;
    } catch (error) {
      if (!(error instanceof Problem && error.status === 429) || left <= 1) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

export async function logOut(): Promise<void> {
  try {
    await deleteSession();
  } finally {
    session.value = null;
  }
}
