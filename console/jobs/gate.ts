import type { DeviceId } from "#shared/ids";
import { counted } from "#shared/counted";
import { formatDuration } from "#shared/duration";
import { culpritText, evaluateFilter, type FilterVerdict, type LookUp } from "#shared/filter/evaluate-filter";
import type { Filter } from "#shared/filter/parse-filter";
import type { JobRow } from "./job.ts";

/** Milliseconds that a device may not hold its gate, at least, before the job stops: after a restart the first values are still to come. */
export const gateSettles = 60_000;
/** Milliseconds at most that values of a device which samples seldom are waited for: two of its intervals, and no longer. */
export const maxAwaited = 1_800_000;
/** Milliseconds between two looks at the devices of a job with a gate. */
export const gateLooks = 5_000;
/** Devices that one look is at, besides the canaries: a few milliseconds. The others are next. */
export const maxGateLooks = 200;
/** Devices that have not been served with which those are compared that have. */
export const maxCompared = 50;

/** What the gate says to the job. */
export type GateVerdict =
  | { readonly kind: "open"; readonly settled: boolean }
  | { readonly kind: "waiting" | "closed" | "elsewhere"; readonly why: string };

/** A device's values from a moment on (epoch ms); undefined for a device that is not known. */
export type LookAt = (device: DeviceId, since: number) => LookUp | undefined;
/** Milliseconds between a device's samples, where that is known. */
export type IntervalOf = (device: DeviceId) => number | undefined;

interface Watched {
  readonly holds: boolean;
  /** Since when, epoch ms. */
  readonly from: number;
  readonly verdict: FilterVerdict;
}

/**
 * Whether a job may go on by the values of the devices that it has served: each has to hold the condition, and the canaries to have held it for its
 * time before anybody else is served. One that does not hold it for as long, and for {@link gateSettles} at least, stops the job; unless the devices that were not
 * served do not hold it either: then it is not the command's doing, and a person has to look.
 */
export class GateWatch {
  readonly #filter: Filter;
  readonly #lookAt: LookAt;
  readonly #intervalOf: IntervalOf;
  readonly #watched = new Map<DeviceId, Watched>();
  #next = 0;

  constructor(filter: Filter, lookAt: LookAt, intervalOf: IntervalOf = () => undefined) {
    this.#filter = filter;
    this.#lookAt = lookAt;
    this.#intervalOf = intervalOf;
  }

  /** Looks at the newest values. @param now epoch ms */
  look(rows: readonly JobRow[], now: number): GateVerdict {
    const served = rows.filter(({ state }) => state === "succeeded");
    for (const row of this.#turn(served)) this.#watch(row, now);
    const { hold, source } = this.#filter;
    const failing = served.filter(({ device }) => this.#watched.get(device)?.holds === false);
    const worst = failing.find(({ device }) => {
      const { from = now } = this.#watched.get(device) ?? {};
      return now - from >= Math.max(hold, this.#patience(device));
    });
    if (worst) return this.#judge(worst, rows, now);
    const told = failing.find((row) => this.#blocks(row, now));
    if (told) return { kind: "waiting", why: this.#sentence(told.device) };
    const unproven = served.filter(({ device }) => !this.#hasHeld(device, now));
    const canary = unproven.find((row) => row.canary);
    if (canary) return { kind: "waiting", why: `${canary.device} has to hold ${source}` };
    return { kind: "open", settled: unproven.length === 0 };
  }

  /** The canaries, and some of the others by turns. */
  #turn(served: readonly JobRow[]): readonly JobRow[] {
    const others = served.filter(({ canary }) => !canary);
    if (this.#next >= others.length) this.#next = 0;
    const turn = others.slice(this.#next, this.#next + maxGateLooks);
    this.#next += turn.length;
    return [...served.filter(({ canary }) => canary), ...turn];
  }

  #watch({ device, ended }: JobRow, now: number): void {
    const lookUp = this.#lookAt(device, ended ?? now) ?? (() => undefined);
    const verdict = evaluateFilter(this.#filter.condition, lookUp, { several: "all" });
    const holds = verdict.holds === true;
    const before = this.#watched.get(device);
    this.#watched.set(device, { holds, from: before?.holds === holds ? before.from : now, verdict });
  }

  /** What has no values yet holds nobody up until it should have some. */
  #blocks({ device, canary }: JobRow, now: number): boolean {
    const { verdict, from = now } = this.#watched.get(device) ?? {};
    return canary || verdict?.holds === false || now - from >= this.#patience(device);
  }

  /** How long one that has no values yet is waited for: it may sample less often than once a minute. */
  #patience(device: DeviceId): number {
    const { verdict } = this.#watched.get(device) ?? {};
    const interval = verdict?.holds === undefined ? (this.#intervalOf(device) ?? 0) : 0;
    return Math.max(gateSettles, Math.min(2 * interval, maxAwaited));
  }

  #hasHeld(device: DeviceId, now: number): boolean {
    const watched = this.#watched.get(device);
    return watched?.holds === true && now - watched.from >= this.#filter.hold;
  }

  #judge({ device }: JobRow, rows: readonly JobRow[], now: number): GateVerdict {
    const compared = rows
      .filter(({ state }) => state === "waiting")
      .slice(0, maxCompared)
      .map((row) => this.#lookAt(row.device, 0))
      .filter((lookUp) => lookUp !== undefined)
      .map((lookUp) => evaluateFilter(this.#filter.condition, lookUp, { several: "all" }).holds)
      .filter((holds) => holds !== undefined);
    const held = compared.filter(Boolean).length;
    const since = this.#watched.get(device)?.from ?? now;
    const sentence = `${this.#sentence(device)}, for ${formatDuration(now - since)}`;
    if (compared.length > 0 && held * 2 < compared.length)
      return {
        kind: "elsewhere",
        why: `${sentence}; but of ${counted(compared.length, "device")} without it only ${held} hold it: it may have another cause`,
      };
    const others = compared.length === 0 ? "" : `; ${held} of ${compared.length} that have not had it do`;
    return { kind: "closed", why: `${sentence}${others}` };
  }

  /** Which device and which value. */
  #sentence(device: DeviceId): string {
    const culprits = this.#watched.get(device)?.verdict.culprits ?? [];
    return `${device} does not hold ${culprits.map(culpritText).join("; ")}`;
  }
}
