import { Arrivals } from "#shared/arrivals";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { TimeUnit } from "#shared/messages/moments";
import { readPlace } from "#shared/messages/sample-place";
import { readSimple, type SimpleMessage } from "#shared/messages/simple";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns, type WriteOutcome } from "../../store/store.ts";
import { Seldom } from "../seldom.ts";
import { countSamples, instantsTaken, isPossible, seriesOfSimple, simpleShift } from "../series.ts";
import { clockProblem, type ClockState } from "../skews.ts";
import { SetBack, setBackFor } from "./set-back.ts";
import { NoRoomError, sizeOf, type Spool, type SpoolRow } from "./spool.ts";

export interface SimpleSamplesOptions {
  readonly store: Pick<MetricsStore, "write" | "health">;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1 */
  readonly random: () => number;
  /** What of a device's series may be written. */
  readonly admit: (series: readonly SeriesColumns[]) => readonly SeriesColumns[];
  /** Resolves once what {@link admit} has kept aside is on the disk; undefined where it is already. */
  readonly asideSynced?: () => Promise<unknown> | undefined;
  /** Of a message, what could not be stored. */
  readonly setAside: (device: DeviceId, measurement: string, message: Pick<SimpleMessage, "odd" | "more">) => void;
  /** The store has refused samples for good. */
  readonly refusedByStore?: (refused: WriteOutcome["rejected"][number]) => void;
  readonly observe: (device: DeviceId, series: readonly SeriesColumns[], now: number) => void;
  /** A device's clock was found wrong, or right again. */
  readonly observeClock: (device: DeviceId, state: ClockState) => void;
  /** Called now and then while messages wait in the spool, and when it is drained. */
  readonly onBacklog?: () => void;
}

/** Simple samples since the console started; messages, unless said otherwise. */
export interface SimpleStats {
  /** Samples that the store has. */
  stored: number;
  /** Samples that the store will never take. */
  rejected: number;
  /** Times that the store was away, and messages stayed where they are. */
  deferred: number;
}

/** Messages on their way to the store straight from memory; what is beyond is read from the spool later. */
const maxPassing = { rows: 1_000, bytes: 4 * 1024 * 1024 };
/** What the spool hands out at once, and milliseconds between two such: live samples of the fleet go before. */
const portion = { rows: 2_000, bytes: 1024 * 1024 };
const pause = 50;
/** Milliseconds between two tries while the store is away. */
const backoff = { first: 1_000, longest: 15_000 };
/** Milliseconds between two words about what waits. */
const tellEvery = 2_000;

/** Why a kept sample is not taken. */
const whyOld =
  'a retained sample without a time of its own is neither new nor a sign of life: not stored, and cleared; send it without the flag, or with its "ts"';

const unitNames: Readonly<Record<TimeUnit, string>> = {
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  text: "text with its zone",
};

interface Passing {
  readonly id: number;
  readonly size: number;
  readonly series: readonly SeriesColumns[];
}

/** A message on its way to the disk and the store. */
interface Kept {
  readonly device: DeviceId;
  readonly path: string;
  readonly arrival: number;
  readonly payload: Buffer;
  readonly series: readonly SeriesColumns[];
}

/**
 * Samples in the simple form, whose senders keep nothing: spooled before anything else, and written then.
 *
 * message ─► schema ─► spool ─┬─► store ─► out of the spool
 *                             └─ store away, or too many on their way: read from the spool, oldest first, when it is back
 */
export class SimpleSamples {
  readonly stats: SimpleStats = { stored: 0, rejected: 0, deferred: 0 };
  readonly #options: SimpleSamplesOptions;
  readonly #arrivals: Arrivals;
  readonly #seldom: Seldom;
  /** On their way to the store: by id, their sizes. */
  readonly #passing = new Map<number, number>();
  #passingBytes = 0;
  /** The last id of those that are in no spool: below 0. */
  #unspooled = 0;
  /** Devices whose times were moved. */
  readonly #misled = new Set<DeviceId>();
  /** Devices and units that were said. */
  readonly #units = new Set<string>();
  readonly #back: SetBack;
  #cancelBack: (() => void) | undefined;
  /** Messages that are written one by one, because one among them is refused alone. */
  #single = 0;
  #draining = false;
  #failures = 0;
  #cancelNext: (() => void) | undefined;
  #started = false;
  #told = Number.NEGATIVE_INFINITY;

  constructor(options: SimpleSamplesOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.clock);
    this.#back = new SetBack(options.clock);
    this.#seldom = new Seldom(options.log, options.clock);
  }

  /** Goes on with what the last run has left in the spool. */
  start(): void {
    this.#started = true;
    this.#arrivals.start(this.#options.spool.latest);
    this.#drainIn(0);
  }

  stop(): void {
    this.#started = false;
    for (const cancel of [this.#cancelNext, this.#cancelBack]) cancel?.();
    this.#cancelNext = this.#cancelBack = undefined;
  }

  /** To be called when the store takes writes again. */
  storeIsBack(): void {
    this.#failures = 0;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#drainIn(0);
  }

  /**
   * Resolves once the message is on disk, synced (or, while that is full, in the store).
   * @param path what its topic says after `metrics/`
   * @throws BadInputError when it does not fit the schema, or there is no room for it
   */
  async accept(device: DeviceId, path: string, payload: Buffer): Promise<void> {
    const { observe, clock } = this.#options;
    const message = readSimple(payload);
    const { samples, unit } = message;
    const { arrival, series } = this.#admit(device, path, message);
    observe(device, series, clock.now());
    this.#judgeClock(device, simpleShift(samples, arrival));
    if (unit !== undefined) this.#sayUnit(device, unit);
    return this.#keep({ device, path, arrival, payload, series });
  }

  /**
   * The same for a copy that a broker kept, of nobody knows when: what says its own time is stored there, and nothing is a sign of life.
   * @throws BadInputError as {@link accept} does, and for samples without a time that can be right
   */
  async acceptKept(device: DeviceId, path: string, payload: Buffer): Promise<void> {
    const now = this.#options.clock.now();
    const message = readSimple(payload);
    const samples = message.samples.filter(({ ts }) => ts !== undefined && isPossible(ts, now));
    if (samples.length === 0) throw new BadInputError(whyOld);
    const admitted = this.#admit(device, path, { ...message, samples });
    return this.#keep({ device, path, ...admitted, payload: Buffer.from(JSON.stringify(samples)) });
  }

  #admit(
    device: DeviceId,
    path: string,
    message: SimpleMessage,
  ): { readonly arrival: number; readonly series: readonly SeriesColumns[] } {
    const { admit, setAside, clock } = this.#options;
    const { samples } = message;
    const place = readPlace(path);
    const arrival = this.#arrivals.next(instantsTaken(device, path, samples, clock.now()));
    const series = admit(seriesOfSimple({ device, place, samples, arrival }));
    setAside(device, place.measurement, message);
    return { arrival, series };
  }

  async #keep({ device, path, arrival, payload, series }: Kept): Promise<void> {
    const { spool, store } = this.#options;
    const size = sizeOf(payload);
    let id: number;
    try {
      id = await spool.add({ device, path, arrival, payload });
    } catch (thrown) {
      if (thrown instanceof BadInputError) throw thrown;
      // No disk to keep it on: still better tried than lost.
      if (!store.health().ok || this.#isBusy) throw new NoRoomError(asError(thrown).message, { cause: thrown });
      if (await this.#pass({ id: (this.#unspooled -= 1), size, series })) return;
      throw new NoRoomError(asError(thrown).message, { cause: thrown });
    }
    if (!this.#started) return;
    if (!store.health().ok || this.#isBusy) this.#leave();
    else void this.#pass({ id, size, series });
  }

  /** What was told apart by its size alone is said once. */
  #sayUnit(device: DeviceId, unit: TimeUnit): void {
    const key = `${device} ${unit}`;
    if (this.#units.has(key)) return;
    this.#units.add(key);
    this.#options.log.info({ device }, `${device} tells the time of its samples in ${unitNames[unit]}: taken as such`);
  }

  #judgeClock(device: DeviceId, shift: number): void {
    const { observeClock } = this.#options;
    if (shift !== 0) {
      this.#misled.add(device);
      observeClock(device, { skew: Math.round(-shift), problem: clockProblem(-shift) });
    } else if (this.#misled.delete(device)) observeClock(device, { skew: null, problem: null });
  }

  /** Leaves a message to the spool. */
  #leave(): void {
    this.#drainIn(this.#wait());
    this.#tell();
  }

  #tell(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#told < tellEvery) return;
    this.#told = now;
    this.#options.onBacklog?.();
  }

  get #isBusy(): boolean {
    return this.#passing.size >= maxPassing.rows || this.#passingBytes >= maxPassing.bytes;
  }

  /** One message that the store refuses alone stands in nobody's way; among several it is looked for one by one. */
  #refusedAlone(rows: readonly Passing[]): boolean {
    const [first] = rows;
    if (rows.length > 1 || !first) {
      this.#single = rows.length;
    } else if (first.id > 0) {
      this.#back.add(first.id);
      this.#seldom.say("warn", "", {}, "the store refuses a spooled message and takes others: it is tried again later");
      this.#comeBack();
    }
    return true;
  }

  /** Drains once more when those that are set back may be tried again. */
  #comeBack(): void {
    this.#cancelBack ??= this.#options.clock.after(setBackFor, () => {
      this.#cancelBack = undefined;
      this.#drainIn(0);
      if (this.#back.any) this.#comeBack();
    });
  }

  /** Straight from memory, beside what is drained. */
  async #pass(row: Passing): Promise<boolean> {
    this.#passing.set(row.id, row.size);
    this.#passingBytes += row.size;
    const written = await this.#write([row]);
    this.#passing.delete(row.id);
    this.#passingBytes -= row.size;
    return written;
  }

  /** @returns whether the store has taken a decision on them; otherwise they stay in the spool */
  async #write(rows: readonly Passing[]): Promise<boolean> {
    const { store, spool } = this.#options;
    try {
      const admitted = rows.flatMap(({ series }) => series);
      const { rejected } = await store.write(admitted);
      await this.#options.asideSynced?.();
      const lost = rejected.reduce((sum, { count }) => sum + count, 0);
      this.stats.rejected += lost;
      this.stats.stored += countSamples(admitted) - lost;
      for (const one of rejected) {
        this.#options.refusedByStore?.(one);
        this.#seldom.say("warn", one.device, one, "the store refuses samples");
      }
      spool.remove(rows.filter(({ id }) => id > 0));
      for (const { id } of rows) this.#back.forget(id);
      return true;
    } catch (thrown) {
      return this.#failed(rows, thrown);
    }
  }

  #failed(rows: readonly Passing[], thrown: unknown): boolean {
    const { spool } = this.#options;
    this.stats.deferred += 1;
    if (thrown instanceof StoreUnavailableError && thrown.alone) return this.#refusedAlone(rows);
    if (
      !(thrown instanceof StoreUnavailableError || thrown instanceof EnvironmentError || thrown instanceof NoRoomError)
    ) {
      this.#seldom.say("error", "", { err: asError(thrown) }, "simple samples could not be written");
      // One alone that fails so would fail for ever, and stand in the way of all others.
      if (rows.length === 1) {
        this.stats.rejected += 1;
        spool.remove(rows);
        return true;
      }
    }
    this.#drainIn(this.#wait());
    return false;
  }

  #drainIn(ms: number): void {
    if (!this.#started || this.#draining) return;
    this.#cancelNext ??= this.#options.clock.after(ms, () => {
      this.#cancelNext = undefined;
      void this.#drain();
    });
  }

  /** Writes the oldest of the spool; after a failure one row, to ask whether the store is back, and no more. */
  async #drain(): Promise<void> {
    const { spool } = this.#options;
    const most = this.#failures > 0 || this.#single > 0 ? { ...portion, rows: 1 } : portion;
    this.#single = Math.max(0, this.#single - 1);
    const skip = { has: (id: number) => this.#passing.has(id) || this.#back.has(id) };
    this.#draining = true;
    let rows: readonly SpoolRow[] = [];
    let written = false;
    try {
      rows = spool.oldest(most, skip);
      written = rows.length === 0 || (await this.#writeSpooled(rows));
    } catch (thrown) {
      this.#options.log.error({ err: asError(thrown) }, "the spool could not be read; it is tried again");
    } finally {
      this.#draining = false;
    }
    if (written) this.#failures = 0;
    else this.#failures += 1;
    if (rows.length > 0 || !written) {
      this.#drainIn(written ? pause : this.#wait());
      this.#tell();
    } else if (this.#told > Number.NEGATIVE_INFINITY) {
      this.#told = Number.NEGATIVE_INFINITY;
      this.#options.onBacklog?.();
    }
  }

  async #writeSpooled(rows: readonly SpoolRow[]): Promise<boolean> {
    try {
      return await this.#write(rows.map((row) => this.#read(row)));
    } catch (thrown) {
      // What is to be held of them cannot be, as on a full disk: they stay where they are until it can.
      if (!(thrown instanceof NoRoomError)) throw thrown;
      this.#drainIn(this.#wait());
      return false;
    }
  }

  /** A row that another version has accepted and this one does not has no series, and so leaves the spool with the others. */
  #read({ id, device, path, arrival, payload }: SpoolRow): Passing {
    const size = sizeOf(payload);
    try {
      parseDeviceId(device);
      const place = readPlace(path);
      const message = readSimple(payload, true);
      const series = seriesOfSimple({ device, place, samples: message.samples, arrival, accepted: true });
      // Once more: by now the store may have said what types it holds.
      const admitted = this.#options.admit(series);
      this.#options.setAside(device, place.measurement, message);
      return { id, size, series: admitted };
    } catch (thrown) {
      if (thrown instanceof NoRoomError) throw thrown;
      this.stats.rejected += 1;
      this.#seldom.say("warn", device, { err: asError(thrown), device, path }, "a spooled message cannot be read");
      return { id, size, series: [] };
    }
  }

  #wait(): number {
    const longest = Math.min(backoff.longest, backoff.first * 2 ** Math.min(this.#failures, 10));
    return longest * (0.5 + this.#options.random() / 2);
  }
}
