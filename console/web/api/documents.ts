import type { Offer } from "#shared/messages/presence";
import type { Json } from "#shared/messages/command";

/**
 * What the console's HTTP API answers, as the page reads it. All moments are epoch milliseconds of the console's clock,
 * all spans milliseconds.
 */
export type Tags = Readonly<Record<string, string>>;
export type FieldValue = number | string | boolean;

/** One measurement's values at one instant. Tags come without `host`: the device is known. */
export interface Sample {
  readonly measurement: string;
  readonly tags: Tags;
  readonly ts: number;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** A device without its values: what the `presence` event carries. */
export interface Presence {
  readonly id: string;
  readonly online: boolean;
  /** When it came online, or went offline. */
  readonly since: number | null;
  readonly lastSeen: number | null;
  /** Why it is offline, where somebody said so. */
  readonly reason: string | null;
  readonly boot?: string | null;
  readonly session?: string | null;
  readonly agent?: string | null;
  readonly interval?: number | null;
  readonly paused?: boolean | null;
  /** What it measures by itself, and whether that is switched on. */
  readonly collectors?: Readonly<Record<string, boolean>>;
  readonly facts?: Readonly<Record<string, Json>> | null;
  /** `unchecked` says why a command's arguments are checked by the device alone. */
  readonly commands?: Readonly<Record<string, Offer & { readonly unchecked?: string }>> | null;
  /** Something an operator should look at, as a sentence. */
  readonly problem: string | null;
}

export interface Device extends Presence {
  readonly latest: readonly Sample[];
  /** Samples that will never come. */
  readonly missing?: number;
}

/** What became of a device's samples. */
export interface Completeness {
  /** When the counting began; null where there is nothing to count. */
  readonly since: number | null;
  readonly expected: number;
  readonly stored: number;
  readonly setAside: number;
  readonly missing: number;
  readonly outstanding: {
    readonly batches: number;
    /** An estimate. */
    readonly samples: number;
    readonly since: number | null;
  };
  /** Acknowledged before the console's state was put back to an older copy. */
  readonly forgotten: { readonly batches: number; readonly samples: number };
  /** Oldest first. */
  readonly gaps: readonly Gap[];
}

/** Samples that will never come. */
export interface Gap {
  readonly outbox: string | null;
  readonly first: number | null;
  readonly samples: number;
  readonly estimated: boolean;
  readonly from: number | null;
  readonly to: number | null;
  readonly why: string;
}

export interface Series {
  readonly tags: Tags;
  readonly points: readonly (readonly [ts: number, value: number | null])[];
}

export interface Metrics {
  readonly from: number;
  readonly to: number;
  readonly every: number;
  readonly series: readonly Series[];
}

export type CommandState =
  | "queued"
  | "accepted"
  | "running"
  | "succeeded"
  | "failed"
  | "interrupted"
  | "rejected"
  | "expired"
  | "cancelled"
  | "timed_out";

export interface CommandFailure {
  readonly code: string;
  readonly message: string;
}

export interface Command {
  readonly id: string;
  readonly device: string;
  readonly key: string;
  readonly args?: Readonly<Record<string, Json>> | null;
  readonly by?: string | null;
  readonly ts: number;
  readonly timeout?: number | null;
  readonly expires?: number | null;
  readonly state: CommandState;
  readonly result?: Json;
  readonly error?: CommandFailure | null;
  /** From 0 to 1. */
  readonly progress?: number | null;
  readonly note?: string | null;
  readonly output?: string | null;
  readonly ended?: number | null;
  /** Replies that came after the command had been closed. */
  readonly late?: readonly LateReply[] | null;
  readonly timeline?: readonly Moment[];
  /** Without what is long in it; `steps` is then how long the timeline is. */
  readonly brief?: boolean;
  readonly steps?: number;
  /** One sentence: what it waits for, and who acts next. */
  readonly explain?: string;
  /** How long this key took on this device before, in milliseconds. */
  readonly usually?: { readonly p50: number; readonly p99: number; readonly count: number } | null;
}

export interface LateReply {
  readonly ts: number;
  readonly lateBy: number;
  readonly state: CommandState;
  readonly result?: Json;
  readonly error?: CommandFailure;
}

export interface Moment {
  readonly ts: number;
  readonly who: "console" | "device" | "operator" | "broker";
  readonly what: string;
}

/** Whether the store takes samples, and if not, what keeps it from it. */
export interface StoreHealth {
  readonly ok: boolean;
  /** What went wrong first. */
  readonly problem?: string;
  readonly since?: number;
  /** Where samples are kept as long as it is away. */
  readonly meanwhile?: string;
  /** Why the console does not believe its machine's clock, though it takes samples. */
  readonly clock?: string;
}

/** Values of one field that were set aside instead of stored. */
export interface SetAside {
  readonly device: string;
  readonly measurement: string;
  readonly field: string;
  readonly got: string;
  readonly wanted: string;
  readonly sample: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** Values that are held until somebody settles what the field is, and what it may be settled as. */
  readonly held?: number;
  readonly settle?: readonly string[];
  readonly advice: string;
}

/** Something that was not taken: a message, or a connection where `topic` is null. */
export interface Refused {
  readonly name: string | null;
  /** Whether \`name\` is a device. */
  readonly known: boolean;
  readonly topic: string | null;
  readonly why: string;
  readonly try?: string;
  readonly address?: string;
  readonly last: number;
  readonly count: number;
}

/** What became of a word about a field. */
export interface Settled {
  readonly written: number;
  readonly discarded: number;
  readonly waiting: number;
  readonly why?: string;
}

/** A device beyond its budget of series. */
export interface OverBudget {
  readonly device: string;
  readonly known: number;
  /** About how many are set aside. */
  readonly series: number;
  readonly last: number;
  readonly worst: readonly { readonly measurement: string; readonly tag: string; readonly values: number }[];
}

export interface Health {
  readonly ok: boolean;
  readonly version: string;
  readonly store: StoreHealth;
  readonly broker: { readonly connected: boolean };
  /** How much in the data directory did not read, or was gone. */
  readonly damaged?: number;
}

/** Something in the console's data directory that was set aside, or is gone. */
export interface Damaged {
  readonly ts: number;
  /** A file, or a table. */
  readonly place: string;
  /** Which row, or under which name the file is kept. */
  readonly name: string;
  readonly why: string;
}

export interface Session {
  readonly name: string;
  readonly role: "viewer" | "operator" | "admin";
}

/** A session of a browser, or a token of a program, that is good at present. */
export interface LoggedIn {
  readonly id: string;
  readonly account: string;
  readonly kind: "session" | "token";
  readonly created: number;
  readonly used: number;
  readonly expires: number;
  readonly address: string;
  readonly agent: string;
  /** The one that this page has. */
  readonly current: boolean;
}
