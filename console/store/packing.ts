import type { Worker } from "node:worker_threads";
import { asError } from "#shared/errors";
import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Database } from "../database/database.ts";
import { startThread } from "../database/own-thread.ts";
import type { DamagedStretch } from "./damaged-stretches.ts";
import type { PackAnswer } from "./packer.ts";
import { dayLength, type FoundDay, type RollUpOrder } from "./rollup/day-finder.ts";
import { DayWriter } from "./rollup/day-writer.ts";
import { minute, quarter } from "./rollup/rollup.ts";
import { minStretchRows, stretchSpan, type PackOrder } from "./stretch-finder.ts";
import { StretchWriter } from "./stretch-writer.ts";
import { ageOf, isThinning, type Keeping } from "./keeping.ts";

export interface PackingOptions {
  readonly path: string;
  readonly keeping: Keeping;
  readonly clock: Clock;
  readonly log: Log;
  /** Moves the log into the file; undefined where there is nothing to do. */
  readonly rest: () => Promise<void> | undefined;
  /** Told of stretches that do not read. */
  readonly tell: (damaged: readonly DamagedStretch[]) => void;
}

/** Milliseconds from the opening to the first look, and between two where something came late. */
export const packEvery = 10 * 60_000;

/** What is packed, and when. */
export interface PackingRules extends Required<Pick<PackOrder, "span" | "least">> {
  /** Milliseconds after a stretch's end in which most of what is late has come. */
  readonly grace: number;
  /** Milliseconds from the opening to the first look, and between two where something came late. */
  readonly every: number;
  /** Milliseconds of one roll-up: many spans. */
  readonly day: number;
}

const usual: PackingRules = {
  span: stretchSpan,
  least: minStretchRows,
  grace: 15 * 60_000,
  every: packEvery,
  day: dayLength,
};

/** Milliseconds between two answers of the thread at least, and how many times as long as the writing of one took. */
const pause = { least: 20, times: 4 };
/** Pages that are given back at once, and from how many on it is worth it: rows leave their place to the next rows. */
const back = { pages: 200, from: 4_096 };

/**
 * Has the rows whose time is over packed into stretches, some at a time: a thread finds and packs them, and here they take the place of
 * their rows, in one transaction. Rows that came meanwhile, or went, make its answer void, and are found again.
 * It packs all that is there: of a file from before, too. Then the same is done with the days that are over, which are rolled up.
 */
export class Packing {
  readonly #options: PackingOptions;
  #rules = usual;
  #open: { readonly database: Database; readonly writer: StretchWriter; readonly days: DayWriter } | undefined;
  #worker: Worker | undefined;
  #cancel: (() => void) | undefined;
  /** By the monotonic clock. */
  #due = Infinity;
  #at: Pick<PackOrder, "series" | "from"> = beginning;
  #isAsking = false;
  /** What is older is packed, or about to be. */
  #before = Number.NEGATIVE_INFINITY;
  #hasLate = false;
  /** Days that are over before it are rolled up, or about to be. */
  #rolledBefore = Number.NEGATIVE_INFINITY;
  #hasLateDay = false;
  #isRolling = false;

  constructor(options: PackingOptions) {
    this.#options = options;
  }

  /** To be called with each file that takes the place of the one before. */
  begin(database: Database): void {
    this.#letGo();
    this.#rules = this.rules();
    this.#open = { database, writer: new StretchWriter(database), days: new DayWriter(database) };
    this.#due = this.#options.clock.monotonic() + this.#rules.every;
    this.#before = this.#rolledBefore = Number.NEGATIVE_INFINITY;
  }

  /** By which a file is packed that {@link begin} is called with. */
  rules(): PackingRules {
    return usual;
  }

  /** Resolves once the thread has let go of the file. */
  async stop(): Promise<void> {
    this.#open = undefined;
    this.#due = Infinity;
    const worker = this.#worker;
    this.#letGo();
    await worker?.terminate();
  }

  /** To be called with each row that is written, before it is committed. */
  wrote(series: number, ts: number): void {
    if (this.#open?.writer.wrote(series, ts)) this.#hasLate = true;
    if (this.#open?.days.wrote(series, ts)) this.#hasLateDay = true;
  }

  /** To be called where what was written last was not committed. */
  undone(): void {
    this.#open?.days.undone();
  }

  /** To be called now and then, outside of any transaction. */
  nowAndThen(): void {
    if (this.#isAsking || this.#cancel || this.#options.clock.monotonic() < this.#due) return;
    const { span, grace, every } = this.#rules;
    const before = Math.floor((this.#options.clock.now() - grace) / span) * span;
    this.#due = this.#options.clock.monotonic() + every;
    if (before === this.#before && !this.#hasLate && !this.#hasLateDay) return;
    this.#before = before;
    this.#hasLate = false;
    this.#at = beginning;
    this.#isRolling = false;
    this.#ask();
  }

  #ask(): void {
    this.#isAsking = true;
    this.#open?.writer.expect(this.#before);
    const worker = (this.#worker ??= this.#start());
    const { span, least } = this.#rules;
    const order: PackOrder | RollUpOrder = this.#isRolling
      ? this.#rollUpOrder()
      : { ...this.#at, before: this.#before, span, least };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    worker.postMessage(order);
  }

  #rollUpOrder(): RollUpOrder {
    const { day } = this.#rules;
    const now = this.#options.clock.now();
    const age = ageOf(this.#options.keeping);
    return {
      ...this.#at,
      day,
      before: this.#rolledBefore,
      tooOld: { [minute]: now - age.minutes, [quarter]: now - age.quarters },
    };
  }

  /** @returns whether there are days to be rolled up */
  #beginRolling(): boolean {
    const { day } = this.#rules;
    const before = Math.floor(this.#before / day) * day;
    if (!isThinning(this.#options.keeping) || (before === this.#rolledBefore && !this.#hasLateDay)) return false;
    this.#rolledBefore = before;
    this.#hasLateDay = false;
    this.#isRolling = true;
    this.#at = beginning;
    return true;
  }

  #start(): Worker {
    const worker = startThread("packer", new URL("./packer.ts", import.meta.url), {
      workerData: this.#options.path,
      name: "packer",
    });
    // What is packed later is no reason to stay.
    worker.unref();
    worker.on("message", (answer: PackAnswer) => {
      if (worker === this.#worker) this.#answered(answer);
    });
    worker.on("error", (error) => {
      if (worker === this.#worker) this.#answered({ error: asError(error).message });
    });
    worker.on("exit", (code) => {
      if (worker === this.#worker) this.#answered({ error: `its thread ended with ${code}` });
    });
    return worker;
  }

  #answered(answer: PackAnswer): void {
    this.#isAsking = false;
    if ("error" in answer) return this.#failed(answer.error);
    this.#options.tell(answer.damaged);
    const { clock } = this.#options;
    const began = clock.monotonic();
    try {
      if ("days" in answer) this.#putDays(answer.days);
      else for (const found of answer.found) if (this.#open?.writer.put(found) === false) this.#hasLate = true;
      const isMore = this.#giveBack();
      const goesOn = answer.next !== undefined || (!this.#isRolling && this.#beginRolling());
      if (!goesOn && !isMore) return this.#letGo();
      if (answer.next) this.#at = answer.next;
      else if (!goesOn) this.#at = { series: Number.MAX_SAFE_INTEGER, from: 0 };
    } catch (thrown) {
      return this.#failed(asError(thrown).message);
    }
    const rest = Math.max(pause.least, pause.times * (clock.monotonic() - began));
    this.#cancel = clock.after(rest, () => {
      this.#cancel = undefined;
      void this.#goOn();
    });
  }

  #putDays(days: readonly FoundDay[]): void {
    const { writer, days: its } = this.#open ?? {};
    for (const found of days)
      if (writer?.isVoid({ ...found, last: found.until - 1 }) || its?.put(found) === false)
        this.#hasLate = this.#hasLateDay = true;
  }

  /** What is written for it fills the log, also where nobody else writes. */
  async #goOn(): Promise<void> {
    const open = this.#open;
    this.#isAsking = true;
    await this.#options.rest();
    if (open && open === this.#open) this.#ask();
  }

  /** It waits for the next look: what is not packed is no less safe. */
  #failed(why: string): void {
    this.#letGo();
    this.#hasLate = this.#hasLateDay = true;
    this.#options.log.warn({ why }, "rows of the embedded store could not be packed: they stay as they are for now");
  }

  /** @returns whether there is more */
  #giveBack(): boolean {
    const { database } = this.#open ?? {};
    if (!database) return false;
    const read = (pragma: string): number =>
      Object.values(database.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[0] ?? 0;
    const free = read("freelist_count");
    if (free < back.from || free < read("page_count") / 4) return false;
    database.exec(`PRAGMA incremental_vacuum(${back.pages})`);
    return true;
  }

  /** The thread ends with the work: until the next, it would only take room. */
  #letGo(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isAsking = false;
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}

const beginning = { series: 0, from: -Number.MAX_SAFE_INTEGER };
