import type { Column } from "#shared/columns";
import type { FieldType } from "#shared/field-type";
import type { DeviceId } from "#shared/ids";
import type { Database } from "../database/database.ts";

/** Samples of a time that has not been yet. */
export interface Ahead {
  readonly samples: number;
  /** Whether there are more than were counted. */
  readonly more: boolean;
  /** Whose they are, by name. */
  readonly devices: readonly DeviceId[];
  /** The latest, epoch ms. */
  readonly until: number;
}

/** What ingest hands to a store: one series' samples as columns. */
export interface SeriesColumns {
  readonly device: DeviceId;
  readonly measurement: string;
  /** Without `host`, which the store adds from `device`. */
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 UTC, one for each value of a column. */
  readonly times: readonly number[];
  readonly fields: Readonly<Record<string, Column>>;
  /** Fields that are declared integers; every other number is a float, whether it is whole or not. */
  readonly integers?: ReadonlySet<string>;
}

/**
 * A write ends in accept, keep or reject: it resolves once the store has the samples (minus the `rejected` ones, which
 * it will never take), and throws {@link StoreUnavailableError} when the same samples may be tried again.
 * Writing the same sample twice is harmless: same series and timestamp overwrite, different fields merge.
 */
export interface MetricsStore {
  /** Where it is a file of the console's own, and open. */
  readonly database?: Database | undefined;
  /** Resolves when the store is ready or known to be away; an unreachable server does not fail the start. */
  start(): Promise<void>;
  /** Writes what is pending, then lets go. */
  stop(): Promise<void>;
  write(series: readonly SeriesColumns[]): Promise<WriteOutcome>;
  /** @throws StoreUnavailableError, or BadInputError with what to ask for instead where the answer would be too large or takes too long */
  query(query: MetricsQuery): Promise<readonly QueriedSeries[]>;
  /** Samples later than a moment (epoch ms); undefined where there are none. A store that cannot tell cheaply has no such method. */
  ahead?(after: number): Promise<Ahead | undefined>;
  /**
   * The last value of each field of a device's series in a time, each with the moment at which it was taken: of one series several, in order of time, where
   * they came in several messages. @throws StoreUnavailableError, BadInputError where the answer would be too large
   */
  last(query: LastQuery): Promise<readonly SeriesColumns[]>;
  /** What it keeps, from the finest step on. A store that does not thin has no such method. @throws StoreUnavailableError */
  kept?(): Promise<readonly KeptStep[]>;
  /** Whether the store takes writes right now, and if not, the first cause. */
  health(): StoreHealth;
  /**
   * The types that the store holds already, by measurement and field (several where they changed over time), as it said
   * when it last became ready: another map each time. A store without types of its own has no such method.
   */
  fieldTypes?(): StoredTypes;
  /** The same, asked now. @throws StoreUnavailableError */
  askFieldTypes?(): Promise<StoredTypes>;
}

export type StoredTypes = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<FieldType>>>;

export interface WriteOutcome {
  /** Samples (rows) that the store refused for good, with the reason. Usually empty. */
  readonly rejected: readonly {
    readonly device: DeviceId;
    readonly measurement: string;
    readonly why: string;
    readonly count: number;
  }[];
}

export interface MetricsQuery {
  readonly device: DeviceId;
  readonly measurement: string;
  readonly field: string;
  /** Only series with these tag values. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 UTC: from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** Milliseconds: the mean of each such interval; 0 for the raw values. */
  readonly every: number;
  /** With each mean the least and the greatest value of its interval: a mean of many hides one that stands out. */
  readonly extremes?: boolean;
  /** Who asks: several people's questions take turns. */
  readonly by?: string;
  /** Ends the waiting where nobody wants the answer any more. */
  readonly signal?: AbortSignal;
}

export interface LastQuery {
  readonly device: DeviceId;
  /** Milliseconds since 1970 UTC: from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** Series that are looked at, at most. */
  readonly most: number;
  /** Rows of each series that are looked back at by a store that has rows: a field that none of them has may be missing. */
  readonly rows: number;
  /** Who asks: several people's questions take turns. */
  readonly by?: string;
  /** Ends the waiting where nobody wants the answer any more. */
  readonly signal?: AbortSignal;
}

/** One series of the answer; points in order of time, empty intervals left out. */
export interface QueriedSeries {
  readonly tags: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [time: number, value: number | string | boolean])[];
  /** Of means, where they were asked for: the least and the greatest value behind each point. */
  readonly lows?: readonly number[];
  readonly highs?: readonly number[];
  /** Of a store that thins: the times of which there is less than was asked for, in their order. */
  readonly thinned?: readonly Thinned[];
}

/** A time of which only what each step comes to is there: its mean with the least and the greatest value, and of states the last one. */
export interface Thinned {
  readonly from: number;
  readonly to: number;
  /** Milliseconds. */
  readonly step: number;
}

/** What a store that thins keeps of one step. */
export interface KeptStep {
  /** Milliseconds; 0 of samples. */
  readonly step: number;
  /** Since when there is any, epoch ms; null where there is none. */
  readonly since: number | null;
  readonly bytes: number;
  /** Milliseconds that it is kept at most, if there is room. */
  readonly age: number;
}

export interface StoreHealth {
  readonly ok: boolean;
  /** What went wrong first, as a sentence; undefined when ok. */
  readonly problem?: string;
  /** Since when, in milliseconds since 1970 UTC; undefined when ok. */
  readonly since?: number;
}

/** The store cannot take writes or answer now; the same call may be tried again later. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError" as const;
  /** Milliseconds that the store asks to be left alone. */
  readonly retryAfter: number | undefined;
  /** Whether it takes others, and refuses these samples alone. */
  readonly alone: boolean;

  constructor(
    message: string,
    { retryAfter, alone = false, ...options }: ErrorOptions & { retryAfter?: number | undefined; alone?: boolean } = {},
  ) {
    super(message, options);
    this.retryAfter = retryAfter;
    this.alone = alone;
  }
}
