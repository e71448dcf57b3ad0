import { setTimeout as sleep } from "node:timers/promises";
import type { StartSettings } from "./child.ts";
import type { Home } from "./home.ts";

/**
 * Something done to one process of either fleet from `at` on for `lasts` milliseconds, both counted from the round's beginning:
 *
 * - its machine loses its `power`;
 * - its disk is `fill`ed;
 * - its directory is `put back` at the end as it was at the beginning;
 * - its wall clock is wrong `by` so many milliseconds: it `step`s while it runs, or the process `wake`s with it;
 * - it is killed, and a bit of its files `turn`ed.
 */
export interface Blow<R extends string> {
  readonly what: "power" | "fill" | "put back" | "step" | "wake" | "turn";
  readonly who: R;
  readonly at: number;
  readonly lasts: number;
  readonly by?: number;
  /** Which file, byte and bit. */
  readonly dice?: string;
}

/** What was done to a directory, which may have cost what lay in it alone. Times are epoch ms. */
export interface Cost<R extends string> {
  readonly who: R;
  /** Put back as it was at `from`, at `to`; or a bit of it was turned at `to`. */
  readonly what: "put back" | "turned";
  readonly from: number;
  readonly to: number;
  /** In which the bit was, and which it was as a sentence. */
  readonly file?: string;
  readonly bit?: string;
}

/**
 * Whether the damage may go untold. In a write-ahead log SQLite takes a page that does not fit its checksum for the torn end of
 * a power cut, and what stands behind it for never written.
 */
export function isUntold({ file }: Cost<string>): boolean {
  return file?.endsWith("-wal") ?? false;
}

/** What is struck: the processes of a fleet, by their roles. */
export interface Struck<R extends string> {
  note(who: R, what: string): void;
  home(who: R): Home | undefined;
  /** Kills it, and leaves it dead. Resolves when it has no file open any more. */
  kill(who: R): Promise<void>;
  /** Its files are about to be others: whoever else has one open lets go. */
  release(who: R): Promise<void>;
  /** A bit of its files was turned: who was let in there is let in again. */
  readmit(who: R): Promise<void>;
  /** Starts it where it is dead. */
  revive(who: R, only?: StartSettings): Promise<void>;
  signal(who: R, signal: "SIGSTOP" | "SIGCONT"): Promise<void>;
  step(who: R, ms: number): void;
}

/** Does to a fleet what a plan says, and undoes it. */
export class Striker<R extends string> {
  readonly #fleet: Struck<R>;
  readonly #copies = new Map<R, { readonly copy: string; readonly from: number }>();
  /** Whose accounts may be gone. */
  readonly #turned = new Set<R>();
  readonly costs: Cost<R>[] = [];

  constructor(fleet: Struck<R>) {
    this.#fleet = fleet;
  }

  /** Begins a blow; {@link heal} ends it. */
  async strike({ what, who, by = 0, dice = "" }: Blow<R>): Promise<void> {
    const fleet = this.#fleet;
    const home = fleet.home(who);
    fleet.note(who, strokes[what] + (by === 0 ? "" : ` by ${by} ms`));
    if (what === "fill") home?.fill();
    else if (what === "step") fleet.step(who, by);
    else if (what === "put back") this.#copies.set(who, { from: Date.now(), copy: await this.copy(who) });
    else {
      await fleet.kill(who);
      if (what === "power") home?.cutPower();
      if (what === "wake") await fleet.revive(who, { step: by });
      if (what === "turn") await this.#turn(who, dice);
    }
  }

  /** Ends what was done to `who`, and starts it where it is dead. */
  async heal(who: R): Promise<void> {
    const fleet = this.#fleet;
    const home = fleet.home(who);
    fleet.step(who, 0);
    home?.relieve();
    if (home?.isCut) {
      await fleet.release(who);
      home.restorePower();
    }
    await this.#putBack(who);
    if (this.#turned.delete(who)) await fleet.readmit(who);
    await fleet.revive(who);
  }

  /** As a snapshot of a running machine: what its directory holds at one moment. @returns where the copy is */
  async copy(who: R): Promise<string> {
    await this.#fleet.signal(who, "SIGSTOP");
    // A signal to stop is not obeyed within a system call.
    await sleep(10);
    const copy = this.#fleet.home(who)?.copy() ?? "";
    await this.#fleet.signal(who, "SIGCONT");
    return copy;
  }

  async #turn(who: R, dice: string): Promise<void> {
    await this.#fleet.release(who);
    const turned = this.#fleet.home(who)?.turnBit(dice);
    if (!turned) return;
    if (turned.file.startsWith("muster.db")) this.#turned.add(who);
    this.#fleet.note(who, turned.what);
    this.costs.push({ who, what: "turned", from: 0, to: Date.now(), file: turned.file, bit: turned.what });
  }

  async #putBack(who: R): Promise<void> {
    const taken = this.#copies.get(who);
    if (!taken) return;
    this.#copies.delete(who);
    await this.#fleet.kill(who);
    await this.#fleet.release(who);
    this.#fleet.home(who)?.putBack(taken.copy);
    this.costs.push({ who, what: "put back", from: taken.from, to: Date.now() });
    this.#fleet.note(who, `put back as it was ${Date.now() - taken.from} ms ago`);
  }
}

/** How they are told in timelines. */
const strokes: Readonly<Record<Blow<string>["what"], string>> = {
  power: "killed: its power is cut",
  fill: "its disk is full",
  "put back": "a copy is made of it",
  step: "its clock is wrong",
  wake: "killed, to wake with a wrong clock",
  turn: "killed, to have a bit turned",
};

/** Milliseconds that a wrong clock is away from the truth: a week and a day, an hour either way, and some year of the seventies. */
export const steps = [8 * 86_400_000, 3_600_000, -3_600_000, -Date.UTC(2025, 0, 1)] as const;
