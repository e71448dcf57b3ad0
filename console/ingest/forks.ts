import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { maxUnsent } from "#shared/messages/batch-check";
import type { LedgerRows } from "./completeness/ledger-rows.ts";

export interface ForksOptions {
  readonly rows: Pick<LedgerRows, "forked">;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells a run of the agent to begin a new outbox, and why. */
  readonly begin: (device: DeviceId, outbox: string, run: string, why: string) => void;
  readonly problem: (device: DeviceId, problem: string | null) => void;
}

/** Milliseconds between two words to the same run: it may send some dozens of batches before the first word gets there. */
const patience = 10_000;
/** Runs that are remembered as told; one that is forgotten is told again. */
export const maxToldRuns = 1_000;
/** Milliseconds after the last batch of the kind for which a person is to see it: a night, and the morning after. */
export const shownFor = 24 * 3_600_000;

/** What is wrong with a number: it was given before, or is farther from all others than an outbox can hold batches. */
export type Fork = "again" | "far";

/**
 * Outboxes whose numbers come a second time with other content: a backup or a snapshot was put back, or the agent's directory was copied
 * and both of them run; and those whose counter cannot be right. Each batch is stored all the same; here the agent is told to begin a new outbox, and people what has happened.
 */
export class Forks {
  readonly #options: ForksOptions;
  /** When each run was told, the last one last. */
  readonly #told = new Map<string, number>();
  /** Until when a device carries the problem. */
  readonly #shown = new Map<DeviceId, number>();
  #cancel: (() => void) | undefined;

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  start(): void {
    const since = this.#options.clock.now() - shownFor;
    for (const { device, heard } of this.#options.rows.forked(since)) this.#show(device, heard + shownFor);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** A batch has come from this run under a number that is not its own. @param run undefined where it tells none, and cannot be told to begin */
  heard(device: DeviceId, outbox: string, run: string | undefined, fork: Fork): void {
    const { clock, log, begin } = this.#options;
    const now = clock.now();
    const name = `${device} ${outbox} ${run ?? ""}`;
    if (Math.abs(now - (this.#told.get(name) ?? -Infinity)) < patience) return;
    this.#told.delete(name);
    this.#told.set(name, now);
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= maxToldRuns) break;
      this.#told.delete(oldest);
    }
    if (!this.#shown.has(device)) log.warn({ device, outbox }, problemOf(device, fork));
    this.#show(device, now + shownFor, fork);
    if (run !== undefined) begin(device, outbox, run, whyBegin[fork]);
  }

  forget(device: DeviceId): void {
    this.#shown.delete(device);
  }

  #show(device: DeviceId, until: number, fork: Fork = "again"): void {
    this.#shown.set(device, until);
    this.#options.problem(device, problemOf(device, fork));
    this.#cancel ??= this.#options.clock.after(shownFor, () => this.#fade());
  }

  #fade(): void {
    const now = this.#options.clock.now();
    this.#cancel = undefined;
    for (const [device, until] of this.#shown) {
      if (until > now) continue;
      this.#shown.delete(device);
      this.#options.problem(device, null);
    }
    const next = Math.min(...this.#shown.values());
    if (next < Infinity) this.#cancel = this.#options.clock.after(next - now, () => this.#fade());
  }
}

const whyBegin: Readonly<Record<Fork, string>> = {
  again: "its numbers were given before: it went back to an earlier state, or exists twice",
  far: `its numbers jump by more than ${maxUnsent}: nobody can have so many batches between them`,
};

function problemOf(device: DeviceId, fork: Fork): string {
  const what =
    fork === "again"
      ? "went back to an earlier state, or exists twice (a backup or snapshot put back, a copied disk?)"
      : `gives numbers that are more than ${maxUnsent} from all before (a damaged counter?)`;
  return `the outbox of ${device} ${what}: its samples are stored all the same, and it was told to begin a new outbox`;
}
