import { BadInputError, EnvironmentError, messageWithCauses } from "#shared/errors";
import { LoginsBusyError } from "#shared/login-throttle";
import {
  CommandFailedError,
  CommandRefusedError,
  CommandTimeoutError,
  type RefusalReason,
} from "../desk/command-errors.ts";
import { JoinRefusedError } from "../enrollments/join-refused.ts";
import { JobRefusedError, type JobRefusal } from "../jobs/job-errors.ts";
import { isRefusedWrite } from "../database/database.ts";
import { StoreUnavailableError } from "../store/store.ts";

/** An error as `application/problem+json` (RFC 9457). `detail` is a sentence for people. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly [extension: string]: unknown;
}

/** Thrown by routes to answer with a status of their choice. */
export class HttpError extends Error {
  override readonly name = "HttpError" as const;
  constructor(
    readonly status: number,
    message: string,
    readonly extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Not logged in",
  403: "Not allowed",
  404: "Not found",
  409: "Conflict",
  410: "Over",
  413: "Too large",
  414: "Too long an address",
  415: "Unsupported media type",
  421: "Not called that",
  422: "Cannot be carried out",
  429: "Too many requests",
  500: "Internal error",
  502: "The command failed",
  503: "Not available",
  504: "No reply in time",
};

const refusalStatus: Readonly<Record<RefusalReason, number>> = {
  "unknown-device": 404,
  offline: 409,
  "unknown-key": 422,
  "bad-arguments": 422,
  retired: 409,
  "id-taken": 409,
  "too-many": 429,
  unsigned: 422,
};

const jobRefusalStatus: Readonly<Record<JobRefusal, number>> = {
  "unknown-device": 404,
  "unknown-group": 404,
  "unknown-job": 404,
  "no-devices": 422,
  "no-takers": 422,
  "wrong-state": 409,
  "not-yours": 403,
  "id-taken": 409,
};

/** None of them is 401: the machine need not log in, it needs another code. */
const joinRefusalStatus: Readonly<Record<JoinRefusedError["why"], number>> = {
  unknown: 403,
  ended: 410,
  taken: 409,
  full: 409,
  absent: 404,
};

export function problem(status: number, detail: string, extensions: Readonly<Record<string, unknown>> = {}): Problem {
  return { type: "about:blank", title: titles[status] ?? "Error", status, detail, ...extensions };
}

/** The problem that `error` is to the client; undefined for one that is ours and must be logged. */
export function problemOf(error: Error & { statusCode?: number; validation?: unknown }): Problem | undefined {
  if (error instanceof HttpError) return problem(error.status, error.message, error.extensions);
  if (error instanceof CommandRefusedError)
    return problem(refusalStatus[error.reason], error.message, { reason: error.reason });
  if (error instanceof JobRefusedError)
    return problem(jobRefusalStatus[error.reason], error.message, { reason: error.reason });
  if (error instanceof CommandFailedError) return problem(502, error.message);
  if (error instanceof CommandTimeoutError) return problem(504, error.message);
  if (error instanceof JoinRefusedError) return problem(joinRefusalStatus[error.why], error.message);
  if (error instanceof LoginsBusyError) return problem(429, error.message);
  if (error instanceof BadInputError) return problem(400, error.message);
  if (error instanceof StoreUnavailableError) return problem(503, messageWithCauses(error));
  if (error instanceof EnvironmentError) return problem(503, messageWithCauses(error));
  if (isRefusedWrite(error))
    return problem(503, `the console's own disk takes no writes (${error.message}): make room on it, and try again`);
  const status = error.statusCode ?? 500;
  if (status === 415) return problem(status, "the body's content-type is not taken: expected application/json");
  return status < 500 ? problem(status, error.message) : undefined;
}
