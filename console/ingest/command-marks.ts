import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { nameOf } from "../desk/command-name.ts";
import { isOpen, type Command } from "../desk/command.ts";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns } from "../store/store.ts";

export interface CommandMarksOptions {
  readonly write: MetricsStore["write"];
  /** Whether the device offers this command: what people merely typed must not become a tag value. */
  readonly offers: (command: Command) => boolean;
  readonly clock: Pick<Clock, "after">;
  readonly log: Log;
}

/** The measurement that annotations are made of. */
export const markMeasurement = "muster_command";
/** Marks that wait for a store that is away; the oldest go first. The commands' rows are the truth, marks only a copy. */
const maxWaitingMarks = 1_000;
/** Marks in one write: a store that is away is tried again and again, which must stay cheap. */
const atOnce = 100;
/**
 * Milliseconds in which marks gather. Written with the command's end, each would take the store a transaction and a sync to the disk of its
 * own, and the caller would wait for that: the disk takes one sync after the other, and the row's end comes behind it.
 */
export const gatherMarks = 1_000;
/** Characters: a tooltip's worth. */
const maxMarkLength = 300;

/**
 * Writes one point for each command that has ended, so that a chart can show when it was and what became of it: tags
 * `host`, `key` and `state`; fields `text` (a sentence), `ms` (how long it took) and `id`.
 */
export class CommandMarks {
  readonly #options: CommandMarksOptions;
  /** By the command's name: news of a command that has ended (a late answer) replaces its mark and adds none. */
  readonly #waiting = new Map<string, SeriesColumns>();
  #writing: Promise<void> | undefined;
  #isAway = false;
  #cancel: (() => void) | undefined;

  constructor(options: CommandMarksOptions) {
    this.#options = options;
  }

  /** Takes every change of every command. */
  changed(command: Command): void {
    if (isOpen(command)) return;
    this.#waiting.set(nameOf(command), mark(command, this.#options.offers(command)));
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
        this.#options.log.error({ err: asError(thrown) }, "marks of commands could not be written, and wait");
    }
  }

  async #write(marks: readonly (readonly [string, SeriesColumns])[]): Promise<void> {
    const { rejected } = await this.#options.write(marks.map(([, series]) => series));
    for (const { why, ...which } of rejected) this.#options.log.warn(which, `the store refuses a mark: ${why}`);
    for (const [id, series] of marks) {
      // Unless there is newer news of it since.
      if (this.#waiting.get(id) === series) this.#waiting.delete(id);
    }
  }
}

function mark(command: Command, offered: boolean): SeriesColumns {
  const { id, device, key, state, ts, ended = ts, took = ended - ts } = command;
  return {
    device,
    measurement: markMeasurement,
    tags: offered ? { key, state } : { state },
    times: [ended],
    fields: { text: [sentence(command, took)], ms: [took], id: [id] },
  };
}

function sentence({ key, state, by, error }: Command, took: number): string {
  const seconds = Math.round(took / 100) / 10;
  return `${key} of ${by}: ${state} after ${seconds} s${error ? `: ${error.message}` : ""}`.slice(0, maxMarkLength);
}
