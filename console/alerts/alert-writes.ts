import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { isRefusedWrite, transaction, type Database } from "../database/database.ts";
import type { AlertRows, PointRow } from "./alert-rows.ts";

/** One transaction of what alerts have come to. */
export interface AlertTurn {
  /** Called once it is committed. */
  readonly after: (effect: () => void) => void;
  /** Takes back what it has made of those that fire, where it fails. */
  readonly undo: (back: () => void) => void;
}

export interface AlertWritesOptions {
  readonly database: Database;
  readonly rows: Pick<AlertRows, "putPoint">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called at the end of each transaction, within it. */
  readonly trim: () => void;
  /** Called behind one that has led to something. */
  readonly written: () => void;
  readonly failed?: ((thrown: unknown) => void) | undefined;
}

interface Waiting {
  readonly device: string;
  readonly work: (turn: AlertTurn) => void;
}

/**
 * Changes of one device that are written one by one with one flush; beyond it only the last of each series is. A batch may have a hundred thousand
 * values, and a rule may be crossed with each: each costs some 35 µs, and others wait meanwhile.
 */
export const maxChangesAtOnce = 1_000;
/** Milliseconds until what the disk refused is tried again. */
const retryLater = 1_000;

/** What alerts have to write, gathered for the rest of a turn of the event loop and written in one transaction. */
export class AlertWrites {
  readonly #options: AlertWritesOptions;
  #waiting: Waiting[] = [];
  /** How many of these are of a device. */
  readonly #counts = new Map<string, number>();
  /** What comes beyond that, by what it is about: the last of each. */
  readonly #latest = new Map<string, Waiting>();
  readonly #points = new Map<string, () => PointRow>();
  #scheduled: NodeJS.Immediate | undefined;
  #cancelRetry: (() => void) | undefined;
  #started = false;

  constructor(options: AlertWritesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
  }

  stop(): void {
    this.#started = false;
    this.#cancelRetry?.();
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#cancelRetry = this.#scheduled = undefined;
    this.#tryFlush();
  }

  /**
   * Has something written with the next flush. @param device whose it is; empty where it is no single one's
   * @param key what it is about, where only the last one counts should there be too many
   */
  later(device: string, work: Waiting["work"], key?: string): void {
    const count = this.#counts.get(device) ?? 0;
    if (count < maxChangesAtOnce || device === "" || key === undefined) {
      this.#counts.set(device, count + 1);
      this.#waiting.push({ device, work });
    } else this.#latest.set(key, { device, work });
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#tryFlush();
    });
  }

  /** The same with a row of which only the newest counts, and which nobody waits for. @param row made when it is written */
  putPoint(key: string, row: () => PointRow): void {
    this.#points.set(key, row);
  }

  /** What a device that is gone has led to is not written. */
  forget(device: string): void {
    this.#waiting = this.#waiting.filter((one) => one.device !== device);
    for (const [key, one] of this.#latest) if (one.device === device) this.#latest.delete(key);
    for (const key of this.#points.keys()) if (key.split("\n")[1] === device) this.#points.delete(key);
  }

  /** Writes what waits. @returns whether somebody may wait for it @throws Error of the database: then it waits on, and is tried again */
  flush(): boolean {
    const isAwaited = this.#waiting.length > 0;
    if (!isAwaited && this.#points.size === 0) return false;
    const { database } = this.#options;
    const effects: (() => void)[] = [];
    const backs: (() => void)[] = [];
    const turn: AlertTurn = { after: (effect) => void effects.push(effect), undo: (back) => void backs.push(back) };
    try {
      if (database.isTransaction) this.#write(turn);
      else transaction(database, () => this.#write(turn));
    } catch (thrown) {
      for (const back of backs.toReversed()) back();
      this.#retry();
      throw thrown;
    }
    this.#waiting = [];
    this.#counts.clear();
    this.#latest.clear();
    this.#points.clear();
    if (effects.length === 0) return isAwaited;
    for (const effect of effects) effect();
    this.#options.written();
    return isAwaited;
  }

  #write(turn: AlertTurn): void {
    const { rows, trim } = this.#options;
    for (const { work } of this.#waiting) this.#try(() => work(turn));
    for (const { work } of this.#latest.values()) this.#try(() => work(turn));
    for (const row of this.#points.values()) this.#try(() => rows.putPoint(row()));
    this.#try(trim);
  }

  /** What fails by a fault of its own, and not for want of a disk, holds up nothing else: samples wait for this. */
  #try(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (isRefusedWrite(thrown)) throw thrown;
      this.#options.failed?.(thrown);
    }
  }

  #tryFlush(): void {
    try {
      this.flush();
    } catch (thrown) {
      this.#options.log.error(
        { err: asError(thrown) },
        "what alerts have come to could not be written, and is tried again",
      );
    }
  }

  #retry(): void {
    if (!this.#started) return;
    this.#cancelRetry ??= this.#options.clock.after(retryLater, () => {
      this.#cancelRetry = undefined;
      this.#tryFlush();
    });
  }
}
