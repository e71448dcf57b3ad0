import { Arrivals } from "#shared/arrivals";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { TimeUnit } from "#shared/messages/moments";
import { readPlace } from "#shared/messages/sample-place";
import { readSimple, type SimpleMessage } from "#shared/messages/simple";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns, type WriteOutcome } from "../../store/store.ts";
import { Seldom } from "#shared/seldom";
import { countSamples, instantsTaken, isPossible, seriesOfSimple, simpleShift } from "../series.ts";
import { clockProblem, type ClockState } from "../../clock/skews.ts";
import { SpoolDrain } from "./spool-drain.ts";
import { NoRoomError, type Spool } from "./spool.ts";
import { sizeOf, type SpoolRow } from "./spool-rows.ts";

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
  /** Hands to the database what was found of samples that are about to be acknowledged. @returns whether there was something @throws Error where it takes nothing */
  readonly keepFound?: () => boolean;
  /** Resolves once that is on the disk. */
  readonly foundSynced?: () => Promise<unknown>;
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
  readonly #drain: SpoolDrain;
  #started = false;

  constructor(options: SimpleSamplesOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.clock);
    const seldom = (this.#seldom = new Seldom(options.log, options.clock));
    this.#drain = new SpoolDrain({
      ...options,
      seldom,
      isPassing: (id) => this.#passing.has(id),
      write: (rows) => this.#write(rows.map((row) => this.#read(row))),
    });
  }

  /** Goes on with what the last run has left in the spool. */
  start(): void {
    this.#started = true;
    this.#arrivals.start(this.#options.spool.latest);
    this.#drain.start();
  }

  stop(): void {
    this.#started = false;
    this.#drain.stop();
  }

  /** To be called when the store takes writes again. */
  storeIsBack(): void {
    this.#drain.storeIsBack();
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
    const isFound = this.#keepFound();
    this.#judgeClock(device, simpleShift(samples, arrival));
    if (unit !== undefined) this.#sayUnit(device, unit);
    await this.#keep({ device, path, arrival, payload, series });
    // A sender that is told that it is kept sends it no more: then an alert of it is to survive a power cut as well.
    if (isFound) await this.#options.foundSynced?.().catch(() => {});
  }

  /** What the disk does not take is tried again by itself, and no sample is refused for it. */
  #keepFound(): boolean {
    try {
      return this.#options.keepFound?.() ?? false;
    } catch {
      return false;
    }
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
    if (!store.health().ok || this.#isBusy) this.#drain.leave();
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

  get #isBusy(): boolean {
    return this.#passing.size >= maxPassing.rows || this.#passingBytes >= maxPassing.bytes;
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
      this.#drain.written(rows);
      return true;
    } catch (thrown) {
      return this.#failed(rows, thrown);
    }
  }

  #failed(rows: readonly Passing[], thrown: unknown): boolean {
    const { spool } = this.#options;
    this.stats.deferred += 1;
    if (thrown instanceof StoreUnavailableError && thrown.alone) return this.#drain.refusedAlone(rows);
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
    this.#drain.tryLater();
    return false;
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
}
