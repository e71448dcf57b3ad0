import type { Clock } from "#shared/clock";
import { asError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { transaction, type Database } from "../../database/database.ts";
import { syncOf } from "../../database/group-sync.ts";

/** Milliseconds between two looks whether a spool that could not be written can be again. */
export const probeEvery = 5_000;

export interface SpoolTroubleOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
  /** Undefined while it is closed. */
  readonly database: () => Database | undefined;
}

/** Why the spool cannot be written, from the first failure until it can be again. */
export class SpoolTrouble {
  readonly #options: SpoolTroubleOptions;
  #problem: string | undefined;
  #probe: (() => void) | undefined;

  constructor(options: SpoolTroubleOptions) {
    this.#options = options;
  }

  /** A sentence; undefined where there is none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @returns what its senders are told */
  failed(cause: unknown): EnvironmentError {
    const { path, clock, log, database } = this.#options;
    if (database()) this.#probe ??= clock.after(probeEvery, () => void this.#tryAgain());
    const message = `the spool ${path} cannot be written: ${asError(cause).message}; make room on its disk`;
    if (this.#problem === undefined) log.error({ err: asError(cause) }, message);
    this.#problem = message;
    return new EnvironmentError(message, { cause });
  }

  /** It was written. */
  over(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#options.log.info({ path: this.#options.path }, "the spool can be written again");
  }

  stop(): void {
    this.#probe?.();
    this.#probe = undefined;
  }

  /** There may be nobody who sends: without a try of its own it would count as full for ever. */
  async #tryAgain(): Promise<void> {
    this.#probe = undefined;
    const database = this.#options.database();
    if (!database || this.#problem === undefined) return;
    try {
      const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
      transaction(database, () => database.exec(`PRAGMA user_version = ${version}`));
      await syncOf(database).synced();
      this.over();
    } catch (cause) {
      this.failed(cause);
    }
  }
}
