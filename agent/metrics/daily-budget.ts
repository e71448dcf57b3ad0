import { isoTime } from "#shared/iso-time";
import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { check, count } from "#shared/messages/payload-schema";

export interface DailyBudgetOptions {
  /** Bytes on the wire a day, both ways together. */
  readonly max: number;
  /** Where what was used is kept over restarts; without it, it lives as long as the process. */
  readonly directory?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk | undefined;
  /** Samples are held back from now on, or are no more. */
  readonly changed: () => void;
}

const day = 86_400_000;
/** The share of a day's bytes that samples leave to commands, their answers and the connection itself: a day of pings is a good deal of a small budget. */
export const keptForCommands = 0.1;
/** What was used is written down each time that this share of the budget has gone, so that it costs a card little; so much may be forgotten by a kill. */
const granule = 1 / 64;
/** Milliseconds that the wall clock may go on more than the monotonic one before it counts as having been set. */
const tolerated = 60_000;
/** Milliseconds that are looked ahead at most: the clock may be set meanwhile. */
const look = 600_000;

/** While samples are held back what was used is told anew with each such share of the budget: a birth has some kB, of a small one a good deal. */
export const budgetToldAgain = 0.1;
/** Milliseconds after which it is. */
const telling = 1_000;

/** Bytes that a batch takes beside itself: its headers, and the ack. */
const around = 500;

const kept = z.object({ day: count, used: count, whole: z.boolean() });

/**
 * Bytes that the device's connection takes in a day (UTC, by its own clock), against a bound. A
 * clock that is set, forwards or back, brings no bytes that
 * were used in this run of the agent: a new day begins because time has passed, or because the machine was off meanwhile.
 */
export class DailyBudget {
  readonly #options: DailyBudgetOptions;
  readonly #path: string | undefined;
  #day: number;
  #used = 0;
  /** Of those, the ones of this run. */
  #ofRun = 0;
  #written = 0;
  /** When the present day was begun, and was looked at last. */
  #began: number;
  #seen: { readonly now: number; readonly up: number };
  #held = false;
  /** What was used when that was told last. */
  #told = 0;
  #cancelTelling: (() => void) | undefined;
  /** Bytes of the last batch, with what it takes around it. */
  #batch = 0;
  #together = 1;
  #cancel: (() => void) | undefined;

  constructor(options: DailyBudgetOptions) {
    const { clock, directory } = options;
    this.#options = options;
    this.#path = directory === undefined ? undefined : join(directory, "budget.json");
    this.#seen = { now: clock.now(), up: clock.uptime() };
    this.#began = this.#seen.up;
    this.#day = dayOf(this.#seen.now);
  }

  /** Reads what earlier runs have used. */
  start(): void {
    const found = this.#read();
    if (!found) return;
    // A clock of a machine that has none of its own stands in the past until it is set.
    if (dayOf(this.#options.clock.now()) > found.day) return;
    this.#day = found.day;
    this.#used = this.#written = found.used + (found.whole ? 0 : this.#granule);
  }

  /** Writes down what was used. */
  stop(): void {
    this.#cancel?.();
    this.#cancelTelling?.();
    this.#write(true);
  }

  /** So much has gone over the connection. */
  spend(bytes: number): void {
    this.#roll();
    this.#used += bytes;
    this.#ofRun += bytes;
    if (this.#used - this.#written >= this.#granule) this.#write(false);
    // Not in the midst of what is written, of which this is told.
    if (this.#held && Math.abs(this.#used - this.#told) >= this.#options.max * budgetToldAgain)
      this.#cancelTelling ??= this.#options.clock.after(telling, () => {
        this.#cancelTelling = undefined;
        if (this.#held) this.#tell();
      });
  }

  /** Bytes that samples may take until the day ends. */
  get left(): number {
    this.#roll();
    return Math.max(0, this.#options.max * (1 - keptForCommands) - this.#used);
  }

  get used(): number {
    return this.#used;
  }

  /** When the next day begins, epoch ms. */
  get renews(): number {
    return (dayOf(this.#options.clock.now()) + 1) * day;
  }

  /** Why so many bytes of what is not urgent may not go today; undefined where they may. Commands and acks keep what is kept for them. */
  shortOf(bytes: number): string | undefined {
    const { left } = this;
    if (bytes <= left) return undefined;
    const all = Math.floor(this.#options.max * (1 - keptForCommands));
    const need = `some ${kB(bytes)} kB go over this metered line for it, and ${kB(left)} of today's ${kB(this.#options.max)} kB are left for samples and files`;
    if (bytes > all) return `${need}: that is more than a day has (max-bytes-per-day)`;
    return `${need}: once more after ${this.#until} UTC, or with a larger max-bytes-per-day`;
  }

  /** Why samples wait; undefined while they do not. */
  get problem(): string | undefined {
    if (!this.#held) return undefined;
    const { max } = this.#options;
    return `held back: budget: ${kB(this.#used)} kB of today's ${kB(max)} kB are used, and samples wait on the device until ${this.#until} UTC`;
  }

  get #until(): string {
    return isoTime(this.renews).slice(0, 16).replace("T", " ");
  }

  /** Whether a batch of so many bytes may go. @param again is called once one may, where not */
  admits(bytes: number, again: () => void): boolean {
    const fits = bytes <= this.left;
    if (fits) this.#batch = bytes + around;
    else this.#cancel ??= this.#later(again);
    this.#hold(!fits);
    return fits;
  }

  /** How many samples are to be sent together, so that those of the rest of the day fit in: what has its names once takes less. */
  together(interval: number): number {
    const affordable = this.left / Math.max(1, this.renews - this.#options.clock.now());
    // Where nothing may go any more they wait in the outbox, and not in memory for a larger batch.
    if (this.#batch > 0 && affordable > 0)
      this.#together = Math.max(1, Math.ceil(this.#batch / (affordable * interval)));
    return this.#together;
  }

  get #granule(): number {
    return this.#options.max * granule;
  }

  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#tell();
  }

  #tell(): void {
    this.#told = this.#used;
    this.#options.changed();
  }

  #later(again: () => void): () => void {
    const { clock } = this.#options;
    return clock.after(Math.min(look, this.renews - clock.now() + 1), () => {
      this.#cancel = undefined;
      again();
    });
  }

  #roll(): void {
    const { clock } = this.#options;
    const [now, up] = [clock.now(), clock.uptime()];
    const stepped = now - this.#seen.now > up - this.#seen.up + tolerated;
    this.#seen = { now, up };
    const today = dayOf(now);
    if (today > this.#day) this.#begin(today, stepped ? Math.min(this.#used, this.#ofRun) : 0);
    // The clock was set back: it may take years until it is there again.
    else if (up - this.#began >= day && today < this.#day) this.#begin(today, 0);
  }

  #begin(today: number, used: number): void {
    this.#day = today;
    this.#used = this.#ofRun = used;
    this.#began = this.#options.clock.uptime();
    this.#write(false);
  }

  #read(): z.infer<typeof kept> | undefined {
    if (this.#path === undefined) return undefined;
    try {
      return check(kept, JSON.parse(readRegularFile(this.#path, maxSmallFileBytes).toString("utf8")), "budget.json");
    } catch (thrown) {
      if (errorCode(thrown) !== "ENOENT")
        this.#options.log.warn(
          { err: asError(thrown) },
          "what was used of today's bytes cannot be read: it begins anew",
        );
      return undefined;
    }
  }

  #write(whole: boolean): void {
    this.#written = this.#used;
    if (this.#path === undefined) return;
    const { disk = systemDisk, log } = this.#options;
    try {
      makeDirectory(join(this.#path, ".."), undefined, disk);
      const state = { day: Math.max(0, this.#day), used: Math.round(this.#used), whole };
      replaceFile(this.#path, `${JSON.stringify(state)}\n`, disk);
    } catch (thrown) {
      log.warn({ err: asError(thrown) }, "what was used of today's bytes is not kept: a restart begins anew");
    }
  }
}

const kB = (bytes: number): number => Math.round(bytes / 1_000);
const dayOf = (now: number): number => Math.floor(now / day);
