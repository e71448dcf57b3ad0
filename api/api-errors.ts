import type { ProblemDocument } from "./problem-document.ts";

/** The console said no. `message` is its sentence. */
export class ApiError extends Error {
  override readonly name = "ApiError" as const;
  /** The HTTP status. */
  readonly status: number;
  /** What came with it, as RFC 9457 has it; undefined where somebody else answered in the console's place, such as a proxy. */
  readonly problem: ProblemDocument | undefined;

  constructor(status: number, message: string, problem?: ProblemDocument) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

/** Nobody answered, or the connection broke before the answer was whole. Whether the console did what it was asked for is not known. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError" as const;
  /** The system's reason, where it gives one: with `ECONNREFUSED` nothing was sent. */
  readonly code: string | undefined;

  constructor(message: string, cause: Error, code: string | undefined) {
    super(message, { cause });
    this.code = code;
  }
}
