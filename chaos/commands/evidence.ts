import type { PlannedOrder } from "./orders.ts";
import type { Key } from "./ways.ts";
import type { Incident } from "../incident.ts";
import type { Hostilities } from "../hostile/hostile-bus.ts";
import type { Device } from "../setting.ts";
import type { Cost } from "../striker.ts";
import type { Seen } from "../watcher.ts";

/** A handler began to run: written by the agent's process, times are epoch ms. */
export interface Begin {
  readonly id: string;
  readonly key: string;
  readonly token: string;
  readonly who: string;
  readonly pid: number;
  readonly at: number;
  /** Of its arguments, how long it was to sleep before its effect and after it. */
  readonly before: number;
  readonly after: number;
  readonly judged?: Judged;
}

/** An agent looked whether a command's time was over, at `at`: it took it for over for so many milliseconds, less than 0 while it was to come. */
export interface Judged {
  readonly at: number;
  readonly over: number;
}

/** A handler took effect: this line is the effect. */
export type Effect = Begin;

/** What a caller was told, in order. */
export interface Told {
  readonly token: string;
  readonly device: Device;
  readonly at: number;
  /**
   * asked: it is about to send. answer: the command's document in its final state. open: a document that is not final yet.
   * refused: it was not taken, and why. unsent: there was nobody to send it to. unknown: the connection broke on the way.
   * absent: asked again, nothing was ever taken. withdrawn: the caller has sent a withdrawal.
   */
  readonly what: "asked" | "answer" | "open" | "refused" | "unsent" | "unknown" | "absent" | "withdrawn" | "odd";
  readonly id?: string;
  readonly state?: string;
  readonly detail?: string;
}

/** One version of a command's row, as a trigger in the database has noted it. */
export interface RowVersion {
  readonly n: number;
  readonly at: number;
  readonly device: string;
  readonly id: string;
  readonly state: string;
  readonly ended: number | null;
  readonly result: string | null;
}

/** A command's row as it stands. */
export interface Row {
  readonly id: string;
  readonly device: Device;
  readonly key: Key;
  readonly token: string;
  readonly state: string;
  readonly expires: number | null;
  readonly ended: number | null;
  readonly document: string;
}

/** Everything the checker looks at. It trusts nobody's counters: these are lines in files, rows, and what callers have heard. */
export interface Evidence {
  readonly orders: readonly PlannedOrder[];
  readonly begins: readonly Begin[];
  readonly effects: readonly Effect[];
  readonly incidents: readonly Incident[];
  readonly told: readonly Told[];
  readonly versions: readonly RowVersion[];
  readonly rows: readonly Row[];
  readonly seen: readonly Seen[];
  /** By round: when everything ran again. */
  readonly healed: ReadonlyMap<number, number>;
  /** When it was gathered (epoch ms). */
  readonly until: number;
  /** What was done to directories. */
  readonly costs: readonly Cost[];
  /** How much the console has said at most that it could not read and set aside. */
  readonly damage: number;
  /** Where every command is signed: what a hostile bus has done. */
  readonly hostilities?: Hostilities | undefined;
}
