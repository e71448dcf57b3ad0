import type { DeviceId } from "#shared/ids";
import type { JobRow } from "../console/jobs/job.ts";
import type { JobSummary } from "../console/jobs/jobs.ts";
import type { SimulatedRelease, SimulatedReleases, UpdateFate } from "../sim/simulated-releases.ts";
import type { RolloutFleet } from "./rollout-fleet.ts";

/** A job as it has ended. */
export interface Ended {
  readonly summary: JobSummary;
  readonly rows: readonly JobRow[];
}

type FateOf = (device: DeviceId) => UpdateFate;

/** What a device's end has to say, by its fate. */
const ends: Readonly<Record<UpdateFate, readonly [state: string, reason: RegExp]>> = {
  good: ["succeeded", /^/],
  hungry: ["succeeded", /^/],
  crashes: ["failed", /ended with status 1 .* is back/],
  hangs: ["failed", /did not connect within 60 s; .* is back/],
  full: ["failed", /no room/],
  "cut off": ["failed", /cut off before the switch/],
  gone: ["timed_out", /^/],
};
/** Violations that are told one by one; a rule that is broken for all devices is broken once. */
const maxTold = 10;

/** Holds what the console says of rollouts against what the devices have done. */
export class RolloutCourt {
  readonly violations: string[] = [];
  readonly #fleet: RolloutFleet;
  readonly #releases: SimulatedReleases;
  readonly #ids: readonly DeviceId[];

  constructor(fleet: RolloutFleet, releases: SimulatedReleases, ids: readonly DeviceId[]) {
    this.#fleet = fleet;
    this.#releases = releases;
    this.#ids = ids;
  }

  expect(isSo: boolean, otherwise: string): void {
    if (!isSo) this.violations.push(otherwise);
  }

  /** Every device is in the job once, and has one end. */
  endsOnce({ summary: { id, counts }, rows }: Ended): void {
    const devices = new Set(rows.map(({ device }) => device));
    const missing = this.#ids.filter((device) => !devices.has(device));
    this.expect(
      missing.length === 0 && rows.length === devices.size,
      `job ${id}: ${rows.length} rows of ${devices.size} devices, ${missing.length} missing`,
    );
    this.#each(rows, ({ device, state, ended }) =>
      ended === null ? `job ${id}: ${device} has no end, it is ${state}` : undefined,
    );
    const sum = counts.succeeded + counts.failed + counts.cancelled;
    this.expect(sum === this.#ids.length, `job ${id}: ${sum} ends of ${this.#ids.length}`);
  }

  /** Each device's end is what has become of it, with the reason, and it runs what that says. */
  endsByFate({ summary: { id }, rows }: Ended, release: SimulatedRelease): void {
    this.#each(rows, ({ device, state, outcome }) => {
      const fate = release.fateOf(device);
      const [expected, reason] = ends[fate];
      if (state !== expected || !reason.test(outcome ?? ""))
        return `job ${id}: ${device} (${fate}) is ${state}: ${outcome ?? "no reason"}`;
      const runs = this.#releases.runningOn(device).build;
      const seen = this.#fleet.console.registry.get(device)?.build;
      if ((state === "succeeded") !== (runs === release.build))
        return `job ${id}: ${device} is ${state} and runs ${runs}`;
      return fate === "gone" || seen === runs
        ? undefined
        : `${device} runs ${runs}, and the console sees ${seen ?? "none"}`;
    });
  }

  /** What it was sent to has an end of its own, and all others were never sent to. @returns the devices that succeeded */
  stopped({ summary: { id, state }, rows }: Ended): readonly DeviceId[] {
    this.expect(state === "aborted", `job ${id} is ${state}, and should have stopped`);
    this.#each(rows, ({ device, command, outcome, ended }) =>
      ended === null || (command === null && !/never sent/.test(outcome ?? ""))
        ? `job ${id}: ${device} has the end ${outcome ?? "none"}`
        : undefined,
    );
    return rows.filter((row) => row.state === "succeeded").map(({ device }) => device);
  }

  /** The gate has named a device that uses too much, and the value. */
  gateNames({ summary: { id, why = "" } }: Ended, fateOf: FateOf): void {
    const [, device, value] = /^(\S+) does not hold mem\.used_percent < 90, and it is ([\d.]+), for /.exec(why) ?? [];
    const named = this.#ids.find((one) => one === device);
    this.expect(
      named !== undefined && fateOf(named) === "hungry" && Number(value) >= 90,
      `job ${id} stopped with: ${why}`,
    );
  }

  /** Those that had it went back, each once, and nobody else. */
  wentBack(job: Ended | undefined, had: readonly DeviceId[], to: SimulatedRelease): void {
    if (!job) return this.expect(false, "there is no job that has them go back");
    const { rows, summary } = job;
    const gone = new Set(rows.map(({ device }) => device));
    this.expect(
      gone.size === had.length && had.every((one) => gone.has(one)),
      `job ${summary.id}: ${gone.size} went back, and ${had.length} had had it`,
    );
    this.#each(rows, ({ device, state, outcome }) =>
      state === "succeeded" ? undefined : `job ${summary.id}: ${device} is ${state}: ${outcome ?? ""}`,
    );
    this.#each(
      this.#ids.map((device) => ({ device })),
      ({ device }) => {
        const runs = this.#releases.runningOn(device);
        return runs.build === to.build
          ? undefined
          : `${device} runs ${runs.version} and not ${to.version} after all went back`;
      },
    );
  }

  /** Whoever gave the order has read of each faulty device with its reason. */
  names(printed: string, faulty: readonly DeviceId[], fateOf: FateOf): void {
    const lines = new Map(printed.split("\n").map((line) => [line.split(" ", 1)[0] ?? "", line]));
    this.#each(
      faulty.map((device) => ({ device })),
      ({ device }) => {
        const [state, reason] = ends[fateOf(device)];
        const line = lines.get(device) ?? "";
        return line.includes(state) && reason.test(line)
          ? undefined
          : `${device} (${fateOf(device)}) is told as: ${line || "nothing"}`;
      },
    );
  }

  /** No command was begun twice on a device, and no batch was lost or left. */
  nothingDoubled(): void {
    this.#each(
      [...this.#releases.begun].map(([name, times]) => ({ name, times })),
      ({ name, times }) => (times === 1 ? undefined : `${name} was begun ${times} times`),
    );
    const { batches, acked, dropped, abandoned } = this.#fleet.sim.tally;
    this.expect(
      batches === acked + abandoned && dropped === 0,
      `of ${batches} batches ${acked} are stored, ${dropped} dropped, ${abandoned} of machines that are gone`,
    );
  }

  #each<T>(all: readonly T[], wrong: (one: T) => string | undefined): void {
    const found = all.map(wrong).filter((one) => one !== undefined);
    this.violations.push(...found.slice(0, maxTold));
    if (found.length > maxTold) this.violations.push(`… and ${found.length - maxTold} more`);
  }
}
