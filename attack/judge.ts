import type { Budget } from "./case.ts";
import type { Place } from "./place.ts";

/** What is asked of the installation after each case. */
export const bounds = {
  /** Round trips of the healthy device: this many times the quiet 99th percentile… */
  slower: 4,
  /** …or this many milliseconds, whichever is more: two milliseconds of quiet are nothing that a busy machine can keep. */
  minMs: 25,
  /** MiB that may be left over after a case. */
  leftMiB: 64,
  /** Milliseconds for which one turn of the event loop may last. */
  heldMs: 50,
};

/** A measurement that a neighbour's work has spoiled is repeated this often: a lasting harm shows in all of them. */
const tries = 8;
const quietTries = 3;

export interface Findings {
  readonly heldMs: number;
  readonly peakMiB: number;
  readonly leftMiB: number;
  readonly p99: number;
  readonly problems: readonly string[];
}

/** Measures the quiet installation, and after each case compares. */
export class Judge {
  readonly #place: Place;
  #quiet = 0;
  #memory = 0;
  #complaints = 0;
  #logBytes = 0;

  readonly #trips: number;
  readonly #busy: number;

  constructor(place: Place, { trips, busy }: Pick<Budget, "trips" | "busy">) {
    this.#place = place;
    this.#trips = trips;
    this.#busy = busy;
  }

  get quiet(): number {
    return this.#quiet;
  }

  get limit(): number {
    return Math.max(this.#quiet * bounds.slower, bounds.minMs * this.#busy);
  }

  /** Bytes of log since the case began. */
  get logged(): number {
    return this.#place.server.logBytes - this.#logBytes;
  }

  async measureQuiet(): Promise<void> {
    await percentile(this.#place, this.#trips);
    this.#quiet = Infinity;
    for (let turn = 0; turn < quietTries; turn++)
      this.#quiet = Math.min(this.#quiet, await percentile(this.#place, this.#trips));
  }

  async begin(): Promise<void> {
    const { server } = this.#place;
    this.#memory = await server.settled();
    this.#complaints = server.complaints.length;
    this.#logBytes = server.logBytes;
    await server.reset();
  }

  async end(): Promise<Findings> {
    const { server } = this.#place;
    const heldMs = await server.maxTurn().catch(() => Infinity);
    if (!server.alive || heldMs === Infinity) {
      const end = server.alive ? "the server does not answer any more" : "the server has ended";
      await server.stop("SIGKILL");
      return { heldMs, peakMiB: 0, leftMiB: 0, p99: Infinity, problems: [end, ...this.#newComplaints()] };
    }
    const problems: string[] = [];
    const peakMiB = server.peak() - this.#memory;
    if (heldMs > bounds.heldMs * this.#busy) problems.push(`the event loop was held for ${Math.round(heldMs)} ms`);
    const p99 = await this.#recovered();
    if (p99 > this.limit)
      problems.push(`round trips afterwards: p99 ${p99.toFixed(1)} ms, quiet ${this.#quiet.toFixed(1)} ms`);
    const leftMiB = await this.#left();
    if (leftMiB > bounds.leftMiB) problems.push(`${Math.round(leftMiB)} MiB are left over`);
    return { heldMs, peakMiB, leftMiB, p99, problems: [...problems, ...this.#newComplaints()] };
  }

  #newComplaints(): string[] {
    return this.#place.server.complaints
      .slice(this.#complaints)
      .slice(0, 3)
      .map((line) => `in the log: ${line}`);
  }

  /** The best of some measurements; not finite when the healthy device does not answer any more. */
  async #recovered(): Promise<number> {
    let best = Infinity;
    for (let turn = 0; turn < tries && best > this.limit; turn++)
      best = Math.min(best, await percentile(this.#place, this.#trips).catch(() => Infinity));
    return best;
  }

  async #left(): Promise<number> {
    let left = Infinity;
    for (let turn = 0; turn < tries && left > bounds.leftMiB; turn++) {
      if (turn > 0) await new Promise((resolve) => setTimeout(resolve, 1_000));
      left = Math.min(left, (await this.#place.server.settled()) - this.#memory);
    }
    return left;
  }
}

/** The 99th percentile of round trips, one after the other. */
async function percentile(place: Place, trips: number): Promise<number> {
  const times: number[] = [];
  for (let trip = 0; trip < trips; trip++) times.push(await place.roundTrip());
  return times.toSorted((a, b) => a - b)[Math.ceil(trips * 0.99) - 1] ?? 0;
}
