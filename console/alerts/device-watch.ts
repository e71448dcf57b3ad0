import { advance, type AlertState } from "#shared/alerts/alert-state";
import { comparisonsOf, type FilterCondition } from "#shared/filter/condition";
import { evaluateFilter, type LookUp, type Valued } from "#shared/filter/evaluate-filter";
import type { Clock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import type { DeviceId } from "#shared/ids";
import type { AlertBook } from "./alert-book.ts";
import { isHeard } from "./device-values.ts";
import type { EndingWatch } from "./ending-watch.ts";
import type { RuleOn, RuleSet } from "./rule-set.ts";

export interface DeviceWatchOptions {
  readonly book: AlertBook;
  readonly clock: Clock;
  /** Looks after what has ended, with each round. */
  readonly ends: Pick<EndingWatch, "endOld">;
  /** Every device, by and by. */
  readonly devices: () => readonly DeviceId[];
  readonly rulesOf: (device: DeviceId) => RuleSet;
  readonly without: (kind: "console" | "job") => readonly RuleOn[];
  /** What names stand for of a device; undefined where it is gone, or retired. @param heardFrom from when on it could have been heard */
  readonly lookUp: (device: DeviceId, heardFrom: number) => LookUp | undefined;
  /** Whether the console's clock is to be believed. */
  readonly timely: () => boolean;
  /** Whether the console hears its broker. */
  readonly hears: () => boolean;
  /** Whether the store takes samples. */
  readonly stores: () => boolean;
}

/** Milliseconds between two looks, and how many of them go round the fleet: each device every ten seconds. */
export const watchEvery = 1_000;
export const watchTurns = 10;
/** Milliseconds by which the clock may go wrong between two looks and is only put right bit by bit: what is more is a step. */
export const clockSteps = 5_000;

/** Rules about what is known of devices, and about the console. Moments are of the console's clock. */
export class DeviceWatch {
  readonly #options: DeviceWatchOptions;
  #cancel: (() => void) | undefined;
  #round: readonly DeviceId[] = [];
  #at = 0;
  /** From when on devices could have been heard, epoch ms; undefined while they cannot be. */
  #heardFrom: number | undefined;
  /** The clock beside the monotonic one, ms. */
  #offset: number | undefined;
  #started = false;

  constructor(options: DeviceWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
    this.#next();
  }

  stop(): void {
    this.#started = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Something else is known of a device. */
  changed(device: DeviceId): void {
    if (this.#started && this.#options.timely()) this.#look(device);
  }

  #next(): void {
    if (!this.#started) return;
    this.#cancel = this.#options.clock.after(watchEvery, () => {
      this.#turn();
      this.#next();
    });
  }

  #turn(): void {
    const { devices, timely, hears } = this.#options;
    if (!timely()) return;
    const now = this.#now();
    this.#heardFrom = hears() ? (this.#heardFrom ?? now) : undefined;
    if (this.#at >= this.#round.length) {
      this.#round = devices();
      this.#at = 0;
      this.#console();
      this.#options.ends.endOld();
    }
    const end = Math.min(this.#round.length, this.#at + Math.ceil(this.#round.length / watchTurns));
    for (; this.#at < end; this.#at += 1) this.#look(this.#round[this.#at]!);
  }

  #look(device: DeviceId): void {
    const { book, rulesOf, lookUp } = this.#options;
    const { ofDevice } = rulesOf(device);
    if (ofDevice.length === 0) return;
    const now = this.#now();
    const grace = lookUp(device, this.#heardFrom ?? now);
    if (!grace) return;
    let plain: LookUp | undefined;
    for (const on of ofDevice) {
      const { when, stays } = on.check;
      const { name } = on.read.rule;
      const state = book.stateOf(name, device, "");
      const isFiring = state.phase === "firing";
      const condition = isFiring ? stays : when;
      // While nobody can be heard, nothing is known of who is silent.
      if (this.#heardFrom === undefined && comparisonsOf(condition).some((one) => isHeard(one.name))) continue;
      const values = isFiring ? (plain ??= lookUp(device, 0) ?? grace) : grace;
      const { holds } = evaluateFilter(condition, values, { several: "any" });
      this.#step(on, device, "", advance(state, on.timing, now, now, holds), state, valueIn(condition, values), now);
    }
  }

  /** The present moment, by a clock of which it is known when it was put: a step is no time that has passed. */
  #now(): number {
    const { clock } = this.#options;
    const now = Math.round(clock.now());
    const offset = now - clock.monotonic();
    const step = offset - (this.#offset ?? offset);
    this.#offset = offset;
    if (Math.abs(step) >= clockSteps) this.#stepped(Math.round(step), now);
    return now;
  }

  /** What has held for a while has held for as long by the new clock; who was heard by the old one gets the rule's time to be heard again. */
  #stepped(step: number, now: number): void {
    if (this.#heardFrom !== undefined) this.#heardFrom = now;
    for (const { rule, device, series, state } of this.#options.book.slots()) {
      const on = this.#ruleByClock(rule, device);
      if (!on || state.phase === "normal") continue;
      const since = Math.min(now, state.since + step);
      const next = state.phase === "pending" ? { ...state, since } : { ...state, fired: Math.min(now, state.fired) };
      this.#options.book.note({ read: on.read, device, series, state: next, value: null, at: now });
    }
  }

  /** Of a rule that goes by the console's clock. */
  #ruleByClock(rule: string, device: string): RuleOn | undefined {
    const { rulesOf, without } = this.#options;
    const all = device === "" ? [...without("console"), ...without("job")] : undefined;
    const its = rulesOf(device as DeviceId);
    return (all ?? [...its.ofDevice, ...its.ofCommands]).find(({ read }) => read.rule.name === rule);
  }

  #console(): void {
    const { book, without, hears, stores } = this.#options;
    const now = this.#now();
    const lookUp: LookUp = (name) => ((name === "console.broker" ? hears() : stores()) ? "ok" : "away");
    for (const on of without("console")) {
      const state = book.stateOf(on.read.rule.name, "", "");
      const { holds } = evaluateFilter(state.phase === "firing" ? on.check.stays : on.check.when, lookUp, {
        several: "any",
      });
      this.#step(on, "", "", advance(state, on.timing, now, now, holds), state, null, now);
    }
  }

  #step(
    on: RuleOn,
    device: string,
    series: string,
    next: AlertState,
    before: AlertState,
    value: FieldValue,
    at: number,
  ): void {
    if (next.phase === before.phase && next.phase !== "pending") return;
    if (next === before) return;
    this.#options.book.note({ read: on.read, device, series, state: next, value, at });
  }
}

/** What the first comparison has looked at, for people. */
function valueIn(condition: FilterCondition, lookUp: LookUp): FieldValue {
  const [first] = comparisonsOf(condition);
  const value: Valued = first && lookUp(first.name);
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : null;
}
