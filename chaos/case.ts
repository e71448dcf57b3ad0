import type { Programs } from "./build.ts";
import type { Fleet, Reader } from "./fleet.ts";
import type { FaultSource, Plan } from "./plan.ts";
import type { Rest } from "./rest.ts";
import type { Striker } from "./striker.ts";
import type { Watcher } from "./watcher.ts";

/** What is different between commands and samples: what is under way while the fleet is struck, who sees it, and what it is held against. */
export interface Case extends FaultSource {
  readonly agent: keyof Omit<Programs, "remove">;
  /** Whether the console waits no longer than others do: not where it is to decide on time. */
  readonly hastyConsole: boolean;
  /** The fleet is there, and not started yet. */
  readonly begin: (stage: Stage) => Trial;
}

/** All that a run of either case has. */
export interface Stage {
  readonly fleet: Fleet;
  readonly striker: Striker;
  readonly watcher: Watcher;
}

/** A broken promise. */
export interface Violation {
  readonly rule: string;
  readonly text: string;
  /** Names it among others, so that each is told once. */
  readonly key: string;
  /** The round that it belongs to, if not the present one. */
  readonly round?: number;
  /** What is known of what it happened to; those with the same `about` are told together, with one story. */
  readonly about?: string;
  readonly story?: () => string;
}

/** One run of a case. */
export interface Trial {
  /** Milliseconds that healing may take while every process serves. */
  patience(plan: Plan): number;
  /** Who has files of the console's open, where somebody has. */
  readonly reader?: Reader;
  /** Everybody serves, and no round has begun. */
  begin?(): Promise<void>;
  /** The work of a round, beside what is struck. */
  work(plan: Plan): Promise<void>;
  /** After both: resolves when a process that is armed has had its time to come by its point. */
  ambush(plan: Plan, rest: Rest): Promise<void>;
  /** Everybody serves: resolves when nothing is under way any more, or `rest` has missed it. */
  rest(plan: Plan, rest: Rest): Promise<void>;
  /** Holds all the evidence so far against every promise. @param unrest what did not come to rest, in sentences */
  judge(plan: Plan, unrest: readonly string[]): Promise<readonly Violation[]>;
  /** The end: what came after the last round, too. */
  adjourn(): Promise<readonly Violation[]>;
  /** What the run has come to, in words. */
  counts(): string;
  stop(): Promise<void>;
}
