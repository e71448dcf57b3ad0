import { asError, BadInputError } from "#shared/errors";
import type { Failure } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { ErrorCode, OwnFailure } from "#shared/messages/error-codes";
import { maxNesting, isShallow } from "#shared/nesting";
import { isExact, sendAsText } from "#shared/whole-numbers";
import { CommandError } from "./handler.ts";

/** How a command ended: its final reply but for the names on it. */
export type Outcome =
  | { readonly state: "succeeded"; readonly result?: Json; readonly ms?: number }
  | {
      readonly state: "failed" | "rejected" | "cancelled" | "interrupted" | "expired";
      readonly error: Failure;
      readonly ms?: number;
    };

function failure(code: ErrorCode, message: string): OwnFailure {
  return { code, message };
}

/** Levels of a handler's result: one less than a message may have, in which it lies. */
const levels = maxNesting - 1;

export function succeededOutcome(result: Json | void): Outcome {
  // The console refuses such a reply, and it would be repeated for ever.
  if (!isShallow(result, levels))
    return {
      state: "failed",
      error: failure("too-deep", `it succeeded, but its result is nested deeper than ${levels} levels`),
    };
  if (!isExact(result))
    return {
      state: "failed",
      error: failure("not-exact", `it succeeded, but in its result ${sendAsText}`),
    };
  return { state: "succeeded", ...(result === undefined ? {} : { result }) };
}

/** It was not begun, and the same task would not be begun another time. */
export function rejectedOutcome(code: ErrorCode, message: string): Outcome {
  return { state: "rejected", error: failure(code, message.slice(0, 2_000)) };
}

export function interruptedOutcome(code: ErrorCode, message: string): Outcome {
  return { state: "interrupted", error: failure(code, message) };
}

/** What a handler has thrown. */
export function failedOutcome(thrown: unknown): Outcome {
  const error = asError(thrown);
  if (error instanceof BadInputError) return rejectedOutcome("bad-arguments", error.message);
  const message = (error.message || error.name).slice(0, 2_000);
  if (!(error instanceof CommandError)) return { state: "failed", error: failure("error", message) };
  const { code, data } = error;
  if (!isShallow(data, levels - 1)) return { state: "failed", error: { code, message } };
  return { state: "failed", error: { code, message, ...(data === undefined ? {} : { data }) } };
}

export function cancelledOutcome(message: string): Outcome {
  return { state: "cancelled", error: failure("cancelled", message) };
}

/** @param late milliseconds that its expiry lay back */
export function expiredOutcome(late: number): Outcome {
  return {
    state: "expired",
    error: failure("expired", `it had expired ${Math.round(late)} ms before it could begin`),
  };
}
