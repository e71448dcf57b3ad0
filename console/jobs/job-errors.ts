/** Why a job was not taken, or not changed. */
export type JobRefusal =
  | "unknown-device"
  | "unknown-group"
  | "unknown-job"
  | "no-devices"
  | "no-takers"
  | "wrong-state"
  | "not-yours"
  | "id-taken";

/** The job was not taken, or does not go on as asked: nothing was sent or changed. The message says what to do instead. */
export class JobRefusedError extends Error {
  override readonly name = "JobRefusedError" as const;
  constructor(
    readonly reason: JobRefusal,
    message: string,
  ) {
    super(message);
  }
}
