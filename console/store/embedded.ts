import { setImmediate as nextTurn } from "node:timers/promises";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Damage } from "../database/damage.ts";
import { isDamage, transaction, type Database } from "../database/database.ts";
import { Checkpoints } from "../database/checkpoints.ts";
import { closeDatabase, dropDatabase, syncOf, type GroupSync } from "../database/group-sync.ts";
import { DamagedStretches, tellOf, type DamagedStretch } from "./damaged-stretches.ts";
import { HistoryReader } from "./history-reader.ts";
import { mend, openMended, type MendOptions } from "../database/mend.ts";
import { metricsSchema } from "./metrics-schema.ts";
import { Packing } from "./packing.ts";
import { maxPoints, tooManyPoints } from "./points.ts";
import { unpackTimes } from "./stretch/packed-column.ts";
import { ReadQueue } from "./read-queue.ts";
import type { LastRow } from "./last-rows.ts";
import type { KeptSpans, ReadSeries } from "./reader.ts";
import { ageOf } from "./keeping.ts";
import { minute, quarter } from "./rollup/rollup.ts";
import { RowWriter } from "./row-writer.ts";
import { WriteTurns } from "./write-turns.ts";
import { Trimming, type TrimmingOptions } from "./trimming.ts";
import {
  StoreUnavailableError,
  type Ahead,
  type KeptStep,
  type LastQuery,
  type MetricsQuery,
  type MetricsStore,
  type QueriedSeries,
  type SeriesColumns,
  type StoreHealth,
  type WriteOutcome,
} from "./store.ts";

export interface EmbeddedStoreOptions extends TrimmingOptions {
  /** The SQLite file. */
  readonly path: string;
  /** Told of what in the file did not read. */
  readonly damage?: Pick<Damage, "noteFile" | "noteStaying">;
  /** Called when {@link MetricsStore.health} has changed. */
  readonly onHealth?: () => void;
}

/** Series whose ends are looked up in one turn of the event loop: some milliseconds. */
const seriesAtOnce = 500;
/** Milliseconds between two looks at what there is of each step: one takes 20 µs for each series. */
const lookAgain = 60_000;
/** Samples of one series that are counted as standing in the future at most: that there are many is enough to know. */
export const maxCounted = 10_000;

/** Recent history in SQLite, bounded by age and size: for a fleet without an InfluxDB. */
export class EmbeddedStore implements MetricsStore {
  readonly #options: EmbeddedStoreOptions;
  readonly #reader: HistoryReader;
  readonly #reads: ReadQueue;
  #unmended = false;
  #kept: { readonly at: number; readonly spans: KeptSpans | undefined } | undefined;
  #open:
    | {
        readonly database: Database;
        readonly statements: Statements;
        readonly rows: RowWriter;
        readonly sync: GroupSync;
        readonly checkpoints: Checkpoints;
      }
    | undefined;
  readonly #trimming: Trimming;
  readonly #packing: Packing;
  readonly #writes: WriteTurns;
  #problem: { readonly message: string; readonly since: number } | undefined;

  constructor(options: EmbeddedStoreOptions) {
    this.#options = options;
    this.#reader = new HistoryReader(options.path);
    this.#trimming = new Trimming(options);
    this.#packing = new Packing({
      ...options,
      keeping: options,
      rest: () => this.#open?.checkpoints.run(),
      tell: (damaged) => this.#tell(damaged),
    });
    this.#reads = new ReadQueue(options.clock, 1);
    this.#writes = new WriteTurns({
      clock: options.clock,
      transaction: (work) => this.#transaction(work),
      write: (series) => this.#writeAll(series),
      synced: async () => this.#started.sync.synced(),
      failed: (cause) => this.#failed(cause),
      worked: () => this.#works(),
      rest: () => this.#open?.checkpoints.run(),
    });
  }

  /** @throws EnvironmentError when the file cannot be used */
  async start(): Promise<void> {
    this.#begin(openMended(this.#mending));
  }

  /** Looking at every page of a gigabyte would take seconds at each start, and recent history is no promise: what is damaged begins anew. */
  get #mending(): MendOptions {
    const { path, clock, damage, log } = this.#options;
    return {
      path,
      log,
      migrations: metricsSchema,
      check: false,
      now: () => clock.now(),
      rescue: false,
      told: (file) => damage?.noteFile(file),
    };
  }

  #begin(database: Database): void {
    this.#unmended = false;
    this.#kept = undefined;
    this.#open = {
      database,
      statements: prepare(database),
      rows: new RowWriter(database, (id, ts) => this.#packing.wrote(id, ts)),
      sync: syncOf(database),
      checkpoints: new Checkpoints(database),
    };
    this.#trimming.begin(database);
    this.#packing.begin(database);
  }

  /** @returns whether the file was damaged, and a new one has taken its place */
  #mended(thrown: unknown): boolean {
    if (!isDamage(thrown) || !this.#open) return false;
    void this.#open.checkpoints.stop();
    void this.#packing.stop();
    dropDatabase(this.#open.database);
    this.#open = undefined;
    this.#unmended = true;
    void this.#reader.stop();
    this.#begin(mend(this.#mending, asError(thrown)));
    return true;
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
    // Who waits for it is answered before what waits for them is stopped as well.
    await this.#writes.finish();
    await this.#open?.checkpoints.stop();
    this.#trimming.stop();
    await this.#packing.stop();
    if (this.#open) closeDatabase(this.#open.database);
    this.#open = undefined;
    this.#unmended = false;
  }

  /** Resolves once all of it is on the disk. */
  write(series: readonly SeriesColumns[]): Promise<WriteOutcome> {
    try {
      void this.#started;
      return this.#writes.add(series);
    } catch (cause) {
      return Promise.reject(this.#failed(cause));
    }
  }

  #transaction(work: () => void, again = false): void {
    try {
      transaction(this.#started.database, work);
      if (this.#trimming.nowAndThen()) this.#open?.rows.forgetSeries();
      this.#packing.nowAndThen();
    } catch (thrown) {
      // Ids that were given in it are nobody's.
      this.#open?.rows.forgetSeries();
      this.#packing.undone();
      if (again || !this.#mended(thrown)) throw thrown;
      this.#transaction(work, true);
    }
  }

  #writeAll(series: readonly SeriesColumns[]): WriteOutcome["rejected"] {
    const { rows } = this.#started;
    return series.flatMap((one) => [...rows.write(one)]);
  }

  /** @throws StoreUnavailableError, BadInputError where there is more than anybody wants to see */
  async query({ by = "", signal, tags = {}, ...query }: MetricsQuery): Promise<readonly QueriedSeries[]> {
    if (!this.#open) throw new StoreUnavailableError("the embedded store is not started");
    const asked = { ...query, from: Math.ceil(query.from), to: Math.ceil(query.to), tags, most: maxPoints };
    const { series, more, damaged } = await this.#reads.run(by, () => this.#reader.read(asked), signal);
    this.#tell(damaged);
    if (more) throw tooManyPoints(query);
    return series.map(({ tags: own, times, values, lows, highs, thinned = [] }) => ({
      tags: own,
      points: pointsOf(times, values),
      ...(lows && highs ? { lows: [...lows], highs: [...highs] } : {}),
      ...(thinned.length > 0 ? { thinned } : {}),
    }));
  }

  async ahead(after: number): Promise<Ahead | undefined> {
    const devices = new Set<DeviceId>();
    let [samples, more, until] = [0, false, after];
    for (let last = 0, read = seriesAtOnce; read === seriesAtOnce; await nextTurn()) {
      if (!this.#open) return undefined;
      const { someSeries } = this.#open.statements;
      const rows = someSeries.all(last, seriesAtOnce) as unknown as SeriesEnd[];
      read = rows.length;
      for (const { id, device, end } of rows) {
        last = id;
        if (end === null || end <= after) continue;
        const count = this.#countAfter(id, after);
        devices.add(device);
        samples += count;
        more ||= count >= maxCounted;
        until = Math.max(until, end);
      }
    }
    return samples === 0 ? undefined : { samples, more, devices: [...devices].sort(), until };
  }

  #countAfter(series: number, after: number): number {
    if (!this.#open) return 0;
    const { countAfter, stretchesAfter, damaged } = this.#open.statements;
    let { count } = countAfter.get(series, after, maxCounted) as { count: number };
    // Only where the clock that said when a stretch was over is one that was wrong.
    for (const one of stretchesAfter.all(series, after) as unknown as StretchTimes[]) {
      const isLater = (time: number): boolean => time > after;
      const some = (): number => unpackTimes(one.times).filter(isLater).length;
      count += isLater(one.first) ? one.rows : (damaged.reading({ ...one, series }, undefined, some) ?? 0);
    }
    this.#tell(damaged.taken());
    return count;
  }

  /** @throws StoreUnavailableError */
  async last({ by = "", signal, device, ...query }: LastQuery): Promise<readonly SeriesColumns[]> {
    if (!this.#open) throw new StoreUnavailableError("the embedded store is not started");
    const { last, damaged } = await this.#reads.run(by, () => this.#reader.last({ device, ...query }), signal);
    this.#tell(damaged);
    return last.flatMap(({ measurement, tags, fields }) =>
      byMoment(fields).map((one) => ({ device, measurement, tags, ...one })),
    );
  }

  async kept(): Promise<readonly KeptStep[]> {
    const { clock } = this.#options;
    if (!this.#open) throw new StoreUnavailableError("the embedded store is not started");
    if (!this.#kept || clock.monotonic() - this.#kept.at >= lookAgain) {
      const { spans } = await this.#reads.run("", () => this.#reader.kept());
      this.#kept = { at: clock.monotonic(), spans };
    }
    const { samples, minutes, quarters } = this.#kept.spans ?? {};
    const age = ageOf(this.#options);
    const none = { since: null, bytes: 0 };
    return [
      { step: 0, ...(samples ?? none), age: this.#options.maxAge },
      { step: minute, ...(minutes ?? none), age: age.minutes },
      { step: quarter, ...(quarters ?? none), age: age.quarters },
    ];
  }

  #tell(damaged: readonly DamagedStretch[] = []): void {
    for (const one of damaged) {
      const { name, why } = tellOf(one);
      this.#options.damage?.noteStaying("stretches", name, why);
    }
  }

  get database(): Database | undefined {
    return this.#open?.database;
  }

  health(): StoreHealth {
    return this.#problem ? { ok: false, problem: this.#problem.message, since: this.#problem.since } : { ok: true };
  }

  #works(): void {
    if (!this.#problem) return;
    this.#problem = undefined;
    this.#options.log.info({ path: this.#options.path }, "the embedded store takes writes again");
    this.#options.onHealth?.();
  }

  /** The first cause stays until a write succeeds. */
  #failed(cause: unknown): StoreUnavailableError {
    // Between the first messages and its start, or after its stop, nothing is wrong with it.
    if (!this.#open && !this.#unmended)
      return new StoreUnavailableError("the embedded store is not started", { cause });
    const message = `the embedded store ${this.#options.path} takes no writes: ${asError(cause).message}`;
    if (!this.#problem) {
      this.#problem = { message, since: Math.round(this.#options.clock.now()) };
      this.#options.log.warn({ err: asError(cause) }, `${message}; agents keep what they measure`);
      this.#options.onHealth?.();
    }
    return new StoreUnavailableError(message, { cause });
  }

  get #started() {
    // Without a file after damage, because there was no room for a new one: tried again with each write.
    if (this.#unmended) this.#begin(openMended(this.#mending));
    if (!this.#open) throw new StoreUnavailableError("the embedded store is not started");
    return this.#open;
  }
}

interface StretchTimes {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly times: Uint8Array;
}

interface SeriesEnd {
  readonly id: number;
  readonly device: DeviceId;
  readonly end: number | null;
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    someSeries: database.prepare(
      "SELECT id, device, (SELECT MAX(ts) FROM samples WHERE series = id) AS end FROM series WHERE id > ?1 ORDER BY id LIMIT ?2",
    ),
    countAfter: database.prepare(
      "SELECT count(*) AS count FROM (SELECT 1 FROM samples WHERE series = ?1 AND ts > ?2 LIMIT ?3)",
    ),
    stretchesAfter: database.prepare("SELECT first, last, rows, times FROM stretches WHERE series = ?1 AND last > ?2"),
    damaged: new DamagedStretches(database),
  };
}

function pointsOf(times: Float64Array, values: ReadSeries["values"]): [number, number | string | boolean][] {
  return Array.from(times, (time, at) => [time, values[at]!]);
}

/** The fields that were taken together, in order of time. */
function byMoment(fields: LastRow["fields"]): Pick<SeriesColumns, "times" | "fields">[] {
  const moments = new Map<number, [name: string, value: number | string | boolean][]>();
  for (const [name, [ts, value]] of fields) {
    const own = moments.get(ts);
    if (own) own.push([name, value]);
    else moments.set(ts, [[name, value]]);
  }
  return [...moments].sort(([a], [b]) => a - b).map(([ts, own]) => ({ times: [ts], fields: Object.fromEntries(own) }));
}
