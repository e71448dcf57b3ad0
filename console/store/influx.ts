import { InfluxDB } from "influx";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, messageWithCauses } from "#shared/errors";
import type { Log } from "#shared/log";
import { InfluxBatches } from "./influx-batches.ts";
import { fromAnswer, toInfluxQl, type InfluxAnswer } from "./influx-query.ts";
import { lastFromInflux, type LastAnswer } from "./influx-last.ts";
import { InfluxReader, LongAnswerError } from "./influx-reader.ts";
import { toStoredTypes, type FieldKeysAnswer } from "./influx-types.ts";
import { parseInfluxUrl, type InfluxAddress } from "./influx-url.ts";
import { InfluxWriter } from "./influx-writer.ts";
import {
  StoreUnavailableError,
  type LastQuery,
  type MetricsQuery,
  type MetricsStore,
  type QueriedSeries,
  type SeriesColumns,
  type StoredTypes,
  type StoreHealth,
  type WriteOutcome,
} from "./store.ts";
import { tooManyPoints } from "./points.ts";
import { ReadQueue } from "./read-queue.ts";

export interface InfluxStoreOptions {
  /** `http://user:pass@host:8086/database` */
  readonly url: string;
  /** Milliseconds that InfluxDB keeps samples, as the database's default retention policy; its own default without it. */
  readonly retention?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1 */
  readonly random: () => number;
  /** Called when {@link MetricsStore.health} has changed. */
  readonly onHealth?: () => void;
}

/** Milliseconds between two tries to reach a server that is away. */
const backoff = { first: 500, longest: 10_000 };
/** Milliseconds for a query: the package itself waits for ever when the server dies half-way. */
const queryTimeout = 15_000;
const policy = "muster";
const nothing = Buffer.alloc(0);

/** Queries that InfluxDB works on at once. */
const readsAtOnce = 4;

/** Milliseconds that a start waits for InfluxDB's first answer. */
export const firstAnswer = 1_000;

/**
 * InfluxDB 1.x (also served by 2.x and 3).
 *
 * away ── probe succeeds: database made where missing ──► ready ── a write or probe fails ──► away
 *
 * Ready: writes are gathered into batches, and each call resolves when its lines are in. Away: writes are refused at once with
 * the first cause, so that nothing piles up here, while the server is probed with back-off. Trying a write again is
 * its caller's business. Lines are our own, because the package's writer costs several times more; the
 * package makes databases and asks queries.
 */
export class InfluxStore implements MetricsStore {
  readonly #options: InfluxStoreOptions;
  readonly #address: InfluxAddress;
  readonly #writer: InfluxWriter;
  readonly #influx: InfluxDB;
  readonly #batches: InfluxBatches;
  #away: StoreUnavailableError | undefined = new StoreUnavailableError("InfluxDB has not answered yet");
  /** What began the present outage, and when: what fails later is often only its consequence. */
  #first: { readonly error: StoreUnavailableError; readonly since: number } | undefined;
  readonly #reader: InfluxReader;
  readonly #reads: ReadQueue;
  #types: StoredTypes | undefined;
  /** Why a write was refused, until one succeeds: InfluxDB answers a probe even when its disk is full. */
  #unproven: StoreUnavailableError | undefined;
  #failures = 0;
  #cancelProbe: (() => void) | undefined;
  #stopped = false;

  /** @throws SettingsError when the URL cannot be used */
  constructor(options: InfluxStoreOptions) {
    this.#options = options;
    const address = (this.#address = parseInfluxUrl(options.url));
    const { host, port, protocol, username, password, database } = address;
    this.#reader = new InfluxReader(address);
    this.#reads = new ReadQueue(options.clock, readsAtOnce);
    const writer = (this.#writer = new InfluxWriter(address));
    this.#batches = new InfluxBatches({
      clock: options.clock,
      write: (batch) => writer.write(batch),
      onWritten: () => this.#proven(),
      onLost: (error) => this.#lost(error),
    });
    // One host, so no pool to go out of: its failures are ours to handle, and its first cause must not be hidden.
    const pool = { maxRetries: 0, requestTimeout: queryTimeout, backoff: noBackoff };
    this.#influx = new InfluxDB({ host, port, protocol, username, password, database, pool });
  }

  /** Resolves after {@link firstAnswer} also where there is none: one that hangs keeps nobody from taking what comes. */
  async start(): Promise<void> {
    this.#stopped = false;
    const probed = this.#probe();
    await new Promise<void>((resolve) => {
      const late = this.#options.clock.after(firstAnswer, resolve);
      void probed.then(() => {
        late();
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelProbe?.();
    await this.#batches.stop();
    this.#writer.stop();
  }

  /** Not an async function: it would hold the series until the write has ended, and thousands may wait. */
  write(series: readonly SeriesColumns[]): Promise<WriteOutcome> {
    const away = this.#away;
    if (away) return Promise.reject(new StoreUnavailableError(away.message, { cause: away.cause }));
    return this.#batches.add(series);
  }

  async query(query: MetricsQuery): Promise<readonly QueriedSeries[]> {
    const { by = "", signal } = query;
    const text = toInfluxQl(query);
    const ask = (): Promise<InfluxAnswer> => this.#ask<InfluxAnswer>(text, signal);
    try {
      return fromAnswer(await this.#reads.run(by, ask, signal), query);
    } catch (thrown) {
      throw asError(thrown).cause instanceof LongAnswerError ? tooManyPoints(query) : thrown;
    }
  }

  async last(query: LastQuery): Promise<readonly SeriesColumns[]> {
    const { by = "", signal } = query;
    const ask = (text: string): Promise<LastAnswer> => this.#ask<LastAnswer>(text, signal);
    try {
      return await this.#reads.run(by, () => lastFromInflux(query, ask), signal);
    } catch (thrown) {
      if (!(asError(thrown).cause instanceof LongAnswerError)) throw thrown;
      throw new BadInputError(`${query.device} has more series and fields than an answer of InfluxDB has room for`);
    }
  }

  #ask<T>(text: string, signal: AbortSignal | undefined): Promise<T> {
    const late = AbortSignal.timeout(queryTimeout);
    return this.#inTime(this.#reader.ask<T>(text, signal ? AbortSignal.any([late, signal]) : late));
  }

  health(): StoreHealth {
    const latest = this.#unproven ?? this.#away;
    if (!latest) return { ok: true };
    const { error, since } = this.#first ?? { error: latest, since: undefined };
    const later = error.message === latest.message ? "" : `; by now: ${messageWithCauses(latest)}`;
    return { ok: false, problem: messageWithCauses(error) + later, ...(since === undefined ? {} : { since }) };
  }

  fieldTypes(): StoredTypes {
    return (this.#types ??= new Map());
  }

  async askFieldTypes(): Promise<StoredTypes> {
    const away = this.#away;
    if (away) throw new StoreUnavailableError(away.message, { cause: away.cause });
    // What is on its way may make a type as well.
    await this.#batches.flushed();
    await this.#readTypes();
    return this.fieldTypes();
  }

  #proven(): void {
    this.#failures = 0;
    if (!this.#unproven) return;
    this.#unproven = undefined;
    this.#first = undefined;
    this.#options.log.info(
      { database: this.#address.database },
      `InfluxDB at ${this.#address.origin} takes writes again`,
    );
    this.#options.onHealth?.();
  }

  #lost(error: StoreUnavailableError): void {
    if (this.#away) return;
    const isNews = this.#unproven?.message !== error.message;
    // With a cause InfluxDB did not answer, and a probe can prove that it is back; without, it answered and refused.
    this.#unproven = error.cause === undefined ? error : undefined;
    if (isNews) this.#becomeAway(error);
    else this.#away = error;
    this.#batches.drop(error);
    this.#probeLater();
  }

  #becomeAway(error: StoreUnavailableError): void {
    this.#away = error;
    this.#first ??= { error, since: Math.round(this.#options.clock.now()) };
    this.#options.log.warn({ err: error }, `${messageWithCauses(error)}; trying again, agents keep what they measure`);
    this.#options.onHealth?.();
  }

  async #probe(): Promise<void> {
    try {
      await this.#prepare();
      if (this.#stopped) return;
      this.#away = undefined;
      if (this.#unproven) return;
      this.#failures = 0;
      this.#first = undefined;
      this.#options.log.info({ database: this.#address.database }, `InfluxDB at ${this.#address.origin} takes writes`);
      this.#options.onHealth?.();
    } catch (thrown) {
      const error =
        thrown instanceof StoreUnavailableError
          ? thrown
          : new StoreUnavailableError(`InfluxDB at ${this.#address.origin} cannot be used`, { cause: asError(thrown) });
      if (this.#stopped) return;
      // The first cause stays; a different one is news.
      if (this.#away?.message !== error.message) this.#becomeAway(error);
      this.#probeLater();
    }
  }

  #probeLater(): void {
    if (this.#stopped) return;
    const longest = Math.min(backoff.longest, backoff.first * 2 ** Math.min(this.#failures, 10));
    const { retryAfter = 0 } = this.#away ?? {};
    this.#failures += 1;
    this.#cancelProbe?.();
    this.#cancelProbe = this.#options.clock.after(
      Math.max(retryAfter, longest * (0.5 + this.#options.random() / 2)),
      () => void this.#probe(),
    );
  }

  /** Makes the database and its retention policy where they are missing; a user who may only write needs them to be there. */
  async #prepare(): Promise<void> {
    const { database } = this.#address;
    const isMissing = await this.#isMissing();
    if (isMissing) await this.#inTime(this.#influx.createDatabase(database));
    try {
      await this.#makePolicy(database);
    } catch (thrown) {
      if (isMissing) throw thrown;
      // Writing is allowed, as the probe has shown; making policies need not be.
      const err = asError(thrown);
      this.#options.log.debug({ err, database }, "InfluxDB's retention policy is left as it is");
    }
    await this.#readTypes();
  }

  /** @throws StoreUnavailableError when writing would not be allowed */
  async #isMissing(): Promise<boolean> {
    const answer = await this.#writer.post(nothing);
    if (answer.kind === "unclear")
      throw new StoreUnavailableError(`InfluxDB at ${this.#address.origin} answers ${answer.why}`);
    return answer.kind === "no database";
  }

  /** Who may only write is not told them: then the first line of a wrong type is refused as a whole, and logged. */
  async #readTypes(): Promise<void> {
    try {
      const answer = await this.#inTime(this.#influx.queryRaw("SHOW FIELD KEYS"));
      this.#types = toStoredTypes(answer as FieldKeysAnswer);
    } catch (thrown) {
      this.#options.log.debug({ err: asError(thrown) }, "InfluxDB does not tell its fields' types");
    }
  }

  async #makePolicy(database: string): Promise<void> {
    const { retention } = this.#options;
    const known = await this.#inTime(this.#influx.showRetentionPolicies(database));
    // Without a default policy (dropped, or `retention-autocreate = false`) every write would be refused.
    if (retention === undefined && known.some((one) => one.default)) return;
    const duration = retention === undefined ? "INF" : `${Math.max(1, Math.round(retention / 3_600_000))}h`;
    const options = { database, duration, replication: 1, isDefault: true };
    if (known.some(({ name }) => name === policy))
      await this.#inTime(this.#influx.alterRetentionPolicy(policy, options));
    else await this.#inTime(this.#influx.createRetentionPolicy(policy, options));
  }

  async #inTime<T>(asked: Promise<T>): Promise<T> {
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#options.clock.after(queryTimeout, () =>
        reject(new Error(`no answer within ${queryTimeout / 1_000} s`)),
      );
    });
    try {
      return await Promise.race([asked, late]);
    } catch (cause) {
      throw new StoreUnavailableError(`InfluxDB at ${this.#address.origin} does not answer as expected`, {
        cause: asError(cause),
      });
    } finally {
      cancel?.();
    }
  }
}

/** The package's back-off strategy, for which there is no host to leave out. */
const noBackoff = { getDelay: () => 0, next: () => noBackoff, reset: () => noBackoff } as const;
