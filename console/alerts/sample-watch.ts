import { normal } from "#shared/alerts/alert-state";
import { ColumnWalk, mayHold, type Watched } from "#shared/alerts/rule-check";
import type { Clock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { SeriesColumns } from "../store/store.ts";
import { seriesOfTags } from "./alert.ts";
import type { AlertBook } from "./alert-book.ts";
import type { AlertRows } from "./alert-rows.ts";
import { seriesFits } from "./series-choice.ts";
import type { RuleOn, RuleSet } from "./rule-set.ts";
import { goOn, ofInterest, SeriesSlots, type SeriesSlot } from "./series-slot.ts";
import { findWholes, isWhole, planOf, type SeriesPlan, type WatchedDevice } from "./watched-device.ts";

export interface SampleWatchOptions {
  readonly book: Pick<AlertBook, "stateOf" | "settledUpTo" | "hasRoom" | "note" | "notePoint">;
  readonly rows: Pick<AlertRows, "spans" | "point" | "dropPoints">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Pick<Log, "warn">;
  /** The rules that count for a device. */
  readonly rulesOf: (device: DeviceId) => RuleSet;
  /** The newest instant of a device's numbered batches that was written down, epoch ms: what is not later was looked at. */
  readonly evaluatedUpTo: (device: DeviceId) => number | null;
  /** Something came late of a series, and is to be looked at in the order of its times: the first and the last of a batch. */
  readonly late: (device: DeviceId, on: RuleOn, series: string, first: number, last: number) => void;
}

/** Series of one device that rules look at; more are not looked at, which is logged. */
export const maxWatchedSeries = 2_000;
/** Milliseconds after which one that was not heard makes room for a new one: containers come and go, as the budget of series has it. */
export const watchForgets = 3_600_000;
/** Milliseconds between two looks for such, where there is no room: each goes through all of them. */
const tidyEvery = 60_000;

/**
 * Looks at samples as they come, with their own times. A series is looked for where it was in the batch before, and of most nothing fits: then
 * nothing is made.
 */
export class SampleWatch {
  readonly #options: SampleWatchOptions;
  readonly #slots: SeriesSlots;
  readonly #devices = new Map<DeviceId, WatchedDevice>();
  readonly #walks: ColumnWalk[] = [];
  readonly #values: FieldValue[] = [];
  /** Instants of what came late of one series: one question to the database is about all of them. */
  readonly #lateAt: number[] = [];

  constructor(options: SampleWatchOptions) {
    this.#options = options;
    this.#slots = new SeriesSlots(options);
  }

  /** @param follows whether nothing is missing between this and what came before @param now epoch ms */
  observe(device: DeviceId, series: readonly SeriesColumns[], follows: boolean, now: number): void {
    const watch = this.#watchOf(device);
    const { ofValues } = watch.rules;
    if (ofValues.size === 0) return;
    const heard = this.#options.clock.monotonic();
    let isNew = false;
    for (let position = 0; position < series.length; position += 1) {
      const one = series[position]!;
      if (!ofValues.has(one.measurement)) continue;
      let plan = planOf(watch, one, position);
      if (!plan) {
        if (!isNew) {
          isNew = true;
          this.#makeRoom(device, watch, heard);
          // What is the whole of something may come behind its parts.
          findWholes(watch, series);
        }
        plan = this.#newPlan(device, watch, one, position, heard);
      }
      if (!plan) continue;
      plan.heard = heard;
      this.#look(device, plan, one, follows);
      // What a clock that was ahead has placed in the future, and is right again, hides nothing.
      for (const at of one.times) if (at > plan.last) plan.last = Math.min(at, now);
    }
  }

  /** Rules have changed, or a device has: of all devices unless one is named. */
  stale(device?: DeviceId): void {
    if (device === undefined) for (const watch of this.#devices.values()) watch.isStale = true;
    else {
      const watch = this.#devices.get(device);
      if (watch) watch.isStale = true;
    }
  }

  forget(device: DeviceId): void {
    this.#devices.delete(device);
  }

  /** What is watched of a series now, and up to which instant it was looked at. */
  watched(
    device: DeviceId,
    on: string,
    series: string,
  ): { readonly watched: Watched; readonly last: number; readonly on: RuleOn } | undefined {
    for (const plan of this.#devices.get(device)?.plans.values() ?? []) {
      if (plan.series !== series) continue;
      const slot = plan.slots.find((one) => one.on.read.rule.name === on);
      if (slot) return { watched: slot.watched, last: plan.last, on: slot.on };
    }
    return undefined;
  }

  #watchOf(device: DeviceId): WatchedDevice {
    const known = this.#devices.get(device);
    if (known && !known.isStale) return known;
    const rules = this.#options.rulesOf(device);
    if (!known) {
      const floor = this.#options.evaluatedUpTo(device) ?? -Infinity;
      const made = {
        rules,
        isStale: false,
        floor,
        tidied: -Infinity,
        told: -Infinity,
        plans: new Map<string, SeriesPlan>(),
        wholes: new Set<string>(),
        order: [],
      };
      this.#devices.set(device, made);
      return made;
    }
    known.isStale = false;
    if (known.rules === rules) return known;
    known.rules = rules;
    for (const plan of known.plans.values()) {
      const before = plan.slots;
      plan.slots = this.#slotsOf(device, known, plan);
      for (const slot of plan.slots) goOn(slot, before);
    }
    return known;
  }

  /** Forgets what was silent for long, where there is no room for more. */
  #makeRoom(device: DeviceId, watch: WatchedDevice, now: number): void {
    const { plans } = watch;
    if (plans.size < maxWatchedSeries || now - watch.tidied < tidyEvery) return;
    watch.tidied = now;
    watch.order.length = 0;
    const wholes = new Set<string>();
    for (const [key, plan] of plans) {
      const { heard, last, tags, measurement } = plan;
      if (now - heard >= watchForgets) {
        plans.delete(key);
        this.#slots.drop(device, plan.series, plan.slots);
        // Should it be heard again, nothing is looked at twice: what is older than this counts as late.
        watch.floor = Math.max(watch.floor, last);
      } else if (isWhole(tags)) wholes.add(measurement);
    }
    const before = watch.wholes;
    watch.wholes = wholes;
    for (const plan of plans.values())
      if (before.has(plan.measurement) && !wholes.has(plan.measurement))
        plan.slots = this.#slotsOf(device, watch, plan);
  }

  #tellFull(device: DeviceId, watch: WatchedDevice, now: number): void {
    if (now - watch.told < watchForgets) return;
    watch.told = now;
    this.#options.log.warn(
      { device, series: maxWatchedSeries },
      "rules of alerts do not look at more series of this device: let it tell fewer, or wait until those that are silent for an hour make room",
    );
  }

  #newPlan(
    device: DeviceId,
    watch: WatchedDevice,
    { measurement, tags }: SeriesColumns,
    position: number,
    heard: number,
  ): SeriesPlan | undefined {
    if (watch.plans.size >= maxWatchedSeries) {
      this.#tellFull(device, watch, heard);
      return undefined;
    }
    const plan: SeriesPlan = { measurement, tags, series: seriesOfTags(tags), slots: [], last: watch.floor, heard };
    watch.plans.set(`${measurement}\n${plan.series}`, plan);
    plan.slots = this.#slotsOf(device, watch, plan);
    if (position <= watch.order.length) watch.order[position] = plan;
    return plan;
  }

  #slotsOf(device: DeviceId, watch: WatchedDevice, { measurement, tags, series }: SeriesPlan): readonly SeriesSlot[] {
    const isPart = watch.wholes.has(measurement) && !isWhole(tags);
    return (watch.rules.ofValues.get(measurement) ?? [])
      .filter(({ read: { rule } }) => (rule.series ? seriesFits(rule.series, tags) : !isPart))
      .map((on) => this.#slots.open(device, on, series));
  }

  #look(device: DeviceId, plan: SeriesPlan, one: SeriesColumns, follows: boolean): void {
    const { slots } = plan;
    for (let place = 0; place < slots.length; place += 1) {
      const slot = slots[place]!;
      const { check } = slot.watched;
      const [input] = check.inputs;
      if (check.plain && input?.by === "value" && slot.watched.state === normal) {
        const column = one.fields[input.field];
        if (column === undefined || !mayHold(column, check.plain.when, one.times.length)) continue;
      }
      this.#walk(device, plan, slot, one, follows);
    }
  }

  #walk(
    device: DeviceId,
    plan: SeriesPlan,
    slot: SeriesSlot,
    { times, fields }: SeriesColumns,
    follows: boolean,
  ): void {
    const { watched, on } = slot;
    const { inputs } = watched.check;
    for (let place = 0; place < inputs.length; place += 1)
      (this.#walks[place] ??= new ColumnWalk()).begin(fields[inputs[place]!.field]);
    const values = this.#values;
    values.length = inputs.length;
    let last = Math.max(plan.last, slot.floor);
    let previous = follows ? last : -Infinity;
    this.#lateAt.length = 0;
    for (let at = 0; at < times.length; at += 1) {
      const ts = times[at]!;
      for (let place = 0; place < inputs.length; place += 1) values[place] = this.#walks[place]!.at(at);
      if (ts <= last) {
        if (ofInterest(slot, ts, values)) this.#lateAt.push(ts);
        continue;
      }
      const before = watched.state;
      if (watched.next(on.timing, ts, previous, values)) {
        if (before === normal && !this.#options.book.hasRoom(device)) watched.state = normal;
        else this.#note(device, plan.series, slot, ts);
      }
      last = previous = ts;
    }
    if (this.#lateAt.length > 0) this.#late(device, plan, on);
    this.#slots.keep(device, plan.series, slot);
  }

  #note(device: DeviceId, series: string, { on, watched }: SeriesSlot, at: number): void {
    const { state, value } = watched;
    this.#options.book.note({ read: on.read, device, series, state, value, at });
  }

  /** What came late of one series in one batch, but for what lies within alerts that people know of. */
  #late(device: DeviceId, { series }: SeriesPlan, on: RuleOn): void {
    const { rows, late } = this.#options;
    const all = this.#lateAt.sort((one, other) => one - other);
    const spans = rows.spans({ rule: on.read.rule.name, device, series }, all[0]!, all.at(-1)!);
    let [first, last] = [Infinity, -Infinity];
    let [place, known] = [0, -Infinity];
    for (const at of all) {
      for (; place < spans.length && spans[place]!.since <= at; place += 1)
        known = Math.max(known, spans[place]!.resolved ?? Infinity);
      if (at <= known) continue;
      first = Math.min(first, at);
      last = at;
    }
    if (first !== Infinity) late(device, on, series, first, last);
  }
}
