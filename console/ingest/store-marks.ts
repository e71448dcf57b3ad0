import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns } from "../store/store.ts";

export interface StoreMarksOptions {
  /** What the marks are of, for the log: `commands`. */
  readonly of: string;
  readonly write: MetricsStore["write"];
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
}

/** StoreMarks that wait for a store that is away; the oldest go first. Rows in the console's database are the truth, marks only a copy. */
export const maxWaitingMarks = 1_000;
/** StoreMarks in one write: a store that is away is tried again and again, which must stay cheap. */
const atOnce = 100;
/**
 * Milliseconds in which marks gather. Written with a command's end, each would take the store a transaction and a sync to the disk of its
 * own, and the caller would wait for that: the disk takes one sync after the other, and the row's end comes behind it.
 */
export const gatherMarks = 1_000;
/** Characters of a mark's text: a tooltip's worth. */
export const maxMarkLength = 300;

/** The measurements that annotations of commands and of alerts are made of. They stand under their device, and are none of its own values. */
export const markMeasurements = { command: "muster_command", alert: "muster_alert" } as const;
const marks: ReadonlySet<string> = new Set(Object.values(markMeasurements));
export const isMark = ({ measurement }: { readonly measurement: string }): boolean => marks.has(measurement);

/** Points that say when something happened, for the charts of others: written a moment later, and kept while the store is away. */
export class StoreMarks {
  readonly #options: StoreMarksOptions;
  /** By a name of what has happened: newer news of it replaces its mark and adds none. */
  readonly #waiting = new Map<string, SeriesColumns>();
  #writing: Promise<void> | undefined;
  #isAway = false;
  #cancel: (() => void) | undefined;

  constructor(options: StoreMarksOptions) {
    this.#options = options;
  }

  put(name: string, series: SeriesColumns): void {
    this.#waiting.set(name, series);
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= maxWaitingMarks) break;
      this.#waiting.delete(oldest);
    }
    this.#cancel ??= this.#options.clock.after(gatherMarks, () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** Writes what has gathered, unless the store was away of late: nobody's stop waits for that. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#isAway) await this.flush();
  }

  /** Writes what waits, oldest first: to be called also when the store takes writes again. */
  flush(): Promise<void> {
    return (this.#writing ??= this.#flush().finally(() => (this.#writing = undefined)));
  }

  async #flush(): Promise<void> {
    try {
      while (this.#waiting.size > 0) await this.#write([...this.#waiting].slice(0, atOnce));
      this.#isAway = false;
    } catch (thrown) {
      this.#isAway = true;
      if (!(thrown instanceof StoreUnavailableError))
        this.#options.log.error(
          { err: asError(thrown) },
          `marks of ${this.#options.of} could not be written, and wait`,
        );
    }
  }

  async #write(marks: readonly (readonly [string, SeriesColumns])[]): Promise<void> {
    const { rejected } = await this.#options.write(marks.map(([, series]) => series));
    for (const { why, ...which } of rejected) this.#options.log.warn(which, `the store refuses a mark: ${why}`);
    for (const [name, series] of marks) {
      // Unless there is newer news of it since.
      if (this.#waiting.get(name) === series) this.#waiting.delete(name);
    }
  }
}
