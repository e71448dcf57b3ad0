import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Task } from "#shared/messages/command-messages";
import type { ErrorCode } from "#shared/messages/error-codes";
import { check } from "#shared/messages/payload-schema";
import type { Offer } from "#shared/messages/presence-messages";
import { draw } from "./random.ts";
import { rejection, type SimulatedOutcome } from "./simulated-commands.ts";
import type { SimulatedRelease, SimulatedReleases, UpdateFate } from "./simulated-releases.ts";

/** How a device leaves: with a goodbye, as for a restart, or as a power cut has it. */
export type Leaving = "goodbye" | "without a word";

export interface SimulatedUpdateOptions {
  readonly device: DeviceId;
  readonly seed: number;
  readonly releases: SimulatedReleases;
  readonly boot: () => string;
  /** Away for so many milliseconds; what comes back is another run. */
  readonly restart: (ms: number, how: Leaving) => void;
  /** Away for ever. */
  readonly die: () => void;
  /** Sends a batch, whatever the interval is. */
  readonly report: () => void;
  readonly finish: (id: CommandId, outcome: SimulatedOutcome) => void;
}

/** Milliseconds: the download takes between these two, and the machine is away for so long. */
const fetching = { least: 5_000, most: 60_000 };
const away = { restart: 2_000, crash: 4_000, hang: 62_000, powerCut: 45_000 };

const undoArgs = z.object({ of: z.optional(z.string()) });

/** What devices with releases offer beside the commands of all. */
export const updateOffers: Readonly<Record<string, Offer>> = {
  update: { title: "Update the simulated agent", onInterrupt: "verify", undo: "update-undo" },
  "update-undo": {
    title: "Go back to the version that ran before the last update",
    onInterrupt: "verify",
    args: { type: "object", properties: { of: { type: "string" } } },
  },
};

/** Updating on one simulated device: as the agent does it, with a version's fate in place of a version. */
export class SimulatedUpdate {
  readonly #options: SimulatedUpdateOptions;
  /** The command at work. */
  #at: CommandId | undefined;
  /** What comes next, once it is time; what is done once it is connected, and once a batch was acknowledged. */
  #due = Infinity;
  #step: () => void = () => {};
  #onceBack: (() => void) | undefined;
  #onceAcked: (() => void) | undefined;
  /** What ran before, and the command that has switched last. */
  #before: SimulatedRelease | undefined;
  #switchedBy: CommandId | undefined;
  #isHungry = false;

  constructor(options: SimulatedUpdateOptions) {
    this.#options = options;
  }

  get release(): SimulatedRelease {
    return this.#options.releases.runningOn(this.#options.device);
  }

  /** Whether its version uses most of the memory. */
  get isHungry(): boolean {
    return this.#isHungry;
  }

  /** When {@link wake} has something to do, where it is connected. */
  get next(): number {
    return this.#due;
  }

  takes(key: string): boolean {
    return Object.hasOwn(updateOffers, key);
  }

  /** @returns the outcome where that is known at once; otherwise it is told by `finish` */
  begin(id: CommandId, { key, args = {} }: Task, now: number): SimulatedOutcome | undefined {
    const { releases, device } = this.#options;
    if (this.#at !== undefined) return failed("not-updated", `${this.#at} is at work already`);
    releases.noteBegun(device, id);
    try {
      return key === "update" ? this.#update(id, now) : this.#undo(id, check(undoArgs, args, "args"));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      return rejection("bad-arguments", error.message);
    }
  }

  /** It was withdrawn: before the switch nothing has happened. */
  withdrawn(id: CommandId): void {
    if (this.#at === id && this.#due !== Infinity) this.#at = undefined;
    if (this.#at === undefined) this.#due = Infinity;
  }

  wake(now: number): void {
    if (this.#due > now) return;
    this.#due = Infinity;
    this.#step();
  }

  online(): void {
    const back = this.#onceBack;
    this.#onceBack = undefined;
    back?.();
  }

  acked(): void {
    const proven = this.#onceAcked;
    this.#onceAcked = undefined;
    proven?.();
  }

  #update(id: CommandId, now: number): SimulatedOutcome | undefined {
    const { releases, device, seed } = this.#options;
    const { current: next } = releases;
    if (next.build === this.release.build) return this.#runs({ updated: false });
    const fate = next.fateOf(device);
    if (fate === "full") return failed("not-updated", "the disk has no room for it");
    this.#at = id;
    this.#due = now + fetching.least + (fetching.most - fetching.least) * draw(seed, 60);
    this.#step = () => this.#fetched(id, next, fate);
    return undefined;
  }

  #fetched(id: CommandId, next: SimulatedRelease, fate: Exclude<UpdateFate, "full">): void {
    const { restart, die, report } = this.#options;
    const isBack = `${this.release.version} is back`;
    switch (fate) {
      case "gone":
        return die();
      case "cut off":
        restart(away.powerCut, "without a word");
        return this.#once(id, failed("not-updated", "it was cut off before the switch of versions: send it again"));
      case "crashes":
        restart(away.crash, "goodbye");
        return this.#once(id, failed("not-proven", `it ended with status 1 before it had proven itself; ${isBack}`));
      case "hangs":
        restart(away.hang, "goodbye");
        return this.#once(id, failed("not-proven", `it did not connect within 60 s; ${isBack}`));
      default:
        this.#switchTo(id, next);
        this.#isHungry = fate === "hungry";
        restart(away.restart, "goodbye");
        this.#onceBack = report;
        this.#onceAcked = () => this.#finish(id, this.#runs({ updated: true }));
    }
  }

  #undo(id: CommandId, { of }: { readonly of?: string | undefined }): SimulatedOutcome | undefined {
    if (of !== undefined && !this.#switchedBy?.startsWith(of)) return this.#runs({ undone: false });
    const before = this.#before;
    if (!before) return failed("not-updated", "there is no version of before to go back to");
    this.#at = id;
    this.#switchTo(id, before);
    this.#before = undefined;
    this.#isHungry = false;
    this.#options.restart(away.restart, "goodbye");
    this.#onceBack = () => this.#finish(id, this.#runs({ undone: true }));
    return undefined;
  }

  #switchTo(id: CommandId, next: SimulatedRelease): void {
    const { releases, device } = this.#options;
    this.#before = this.release;
    this.#switchedBy = id;
    releases.running.set(device, next);
  }

  #once(id: CommandId, outcome: SimulatedOutcome): void {
    this.#onceBack = () => this.#finish(id, outcome);
  }

  #finish(id: CommandId, outcome: SimulatedOutcome): void {
    this.#at = undefined;
    this.#options.finish(id, outcome);
  }

  #runs(how: Readonly<Record<string, boolean>>): SimulatedOutcome {
    const { version: release, build } = this.release;
    return { state: "succeeded", result: { release, build, ...how, boot: this.#options.boot() } };
  }
}

function failed(code: ErrorCode, message: string): SimulatedOutcome {
  return { state: "failed", error: { code, message } };
}
