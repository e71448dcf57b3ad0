/**
 * The few error classes of Muster. Each has a stable `name` for programs, and a message for people that
 * says what failed, on what, what was expected and what came instead.
 */

/** Input from outside that did not pass size cap, codec or schema. Nothing was changed by it. */
export class BadInputError extends Error {
  override readonly name = "BadInputError" as const;
  /** Where in it the first fault is, from the outermost key on; empty where that is not known. */
  readonly path: readonly PropertyKey[];

  constructor(message: string, { path = [], ...options }: ErrorOptions & { path?: readonly PropertyKey[] } = {}) {
    super(message, options);
    this.path = path;
  }
}

/** One or more settings are wrong. `problems` holds one sentence for each. */
export class SettingsError extends Error {
  override readonly name = "SettingsError" as const;
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** The broker could not be reached, or went away before it acknowledged. The same message may be sent again. */
export class DisconnectedError extends Error {
  override readonly name = "DisconnectedError" as const;
}

/**
 * Nothing is wrong with a message, and it could not be kept: who acknowledges it would promise what is not so. Its sender keeps
 * it, and may send it again.
 */
export class NotTakenError extends Error {
  override readonly name = "NotTakenError" as const;
}

/** The machine does not let Muster work: a port in use, a directory that cannot be written. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError" as const;
}

/** Coerces whatever was thrown to an Error, once, at the place where it is caught. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The system's error code of a thrown value (`EADDRINUSE`, `EACCES`, …), where it has one. */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Joins a message with the messages of its causes: "what failed: because: because". */
export function messageWithCauses(error: Error): string {
  const parts = [error.message];
  for (let cause = error.cause; cause instanceof Error && parts.length < 5; cause = cause.cause) {
    parts.push(cause.message || errorCode(cause) || cause.name);
  }
  return parts.filter(Boolean).join(": ");
}
