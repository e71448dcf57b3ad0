import { createClient } from "#api/client";
import { ApiError, UnreachableError } from "#api/api-errors";
import { inReadersZone } from "../format/told-moments.ts";
import { noteServerTime, now } from "./now.ts";
import { t } from "../language/text.ts";

let signedOut: () => void = () => {};

/** Calls `listener` whenever the console no longer knows this session (401). */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

let asked = new AbortController();

/** Whoever was here has left: what is on its way to him is for nobody, and the next one must not see it. */
export function forgetAnswers(): void {
  asked.abort();
  asked = new AbortController();
}

/** The console that serves this page, asked with the session's cookie. Errors are sentences for people. */
export const client = createClient({
  fetch: async (input, init) => {
    // Who logs out and closes the tab is logged out. (A body that outlives its page would be bounded, and none is needed for that.)
    const keepalive = init?.method === "DELETE";
    const response = await fetch(input, { signal: asked.signal, ...init, keepalive });
    noteServerTime(response.headers.get("date"));
    if (response.status !== 401) return response;
    // Read before: with the session this answer is given up as well.
    const told = new Response(await response.text(), response);
    signedOut();
    return told;
  },
  explain: (error) => {
    if (!(error instanceof ApiError))
      return new UnreachableError(
        t("The console did not answer. It may be restarting, or the network is down."),
        error,
        error.code,
      );
    // Of the console itself are only the sentences in problems; a proxy has none.
    if (!error.problem)
      return new ApiError(error.status, t("The console answered {status}.", { status: error.status }));
    return new ApiError(error.status, inReadersZone(error.message, now.peek()), error.problem);
  },
});
