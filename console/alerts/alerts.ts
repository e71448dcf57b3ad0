import type { AlertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import type { Episode } from "#shared/alerts/replay";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { FieldUnit } from "#shared/field-units";
import type { LookUp } from "#shared/filter/evaluate-filter";
import { sortableId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Database } from "../database/database.ts";
import type { Command } from "../desk/command.ts";
import { ReadQueue } from "../store/read-queue.ts";
import type { MetricsStore, SeriesColumns } from "../store/store.ts";
import type { Notice } from "../notifications/notice.ts";
import { AlertBook } from "./alert-book.ts";
import { AlertRows } from "./alert-rows.ts";
import { isAboutHearing } from "./device-values.ts";
import { DeviceWatch } from "./device-watch.ts";
import { EndingWatch, type EndedJob, type Endings } from "./ending-watch.ts";
import type { Gateway } from "./behind-gateway.ts";
import { replayInTurns, rowsFromStore, usualInterval } from "./history.ts";
import { LateSamples } from "./late-samples.ts";
import { Mutes, assertMute, maxMutes, maxMutesOfOne, type Mute } from "./mutes.ts";
import { Reminders } from "./reminders.ts";
import { RuleBook } from "./rule-book.ts";
import { RuleSets, ruleOn, type RuleOn, type RuleSet } from "./rule-set.ts";
import { SampleWatch } from "./sample-watch.ts";
import { seriesFits } from "./series-choice.ts";
import { tagsOfSeries, type Alert } from "./alert.ts";

/** What is known of a device, as rules and mutes look at it. */
export interface KnownDevice {
  readonly groups: readonly string[];
  /** Between its agent's samples, ms; null where it has none. */
  readonly interval: number | null;
  /** Between the rounds of a device that only publishes, ms, where that is learned. */
  readonly rhythm: number | null;
  /** Through which other one it is reached, where that is there. */
  readonly gateway: Gateway | undefined;
  /** By what lasts: filters' names. */
  readonly plain: LookUp;
  /** @param heardFrom epoch ms, from when on it could have been heard */
  readonly all: (heardFrom: number) => LookUp;
}

export interface AlertsOptions {
  readonly database: Database;
  readonly store: Pick<MetricsStore, "query">;
  readonly clock: Clock;
  readonly log: Log;
  readonly enqueue: (notice: Notice, channels: readonly string[] | undefined) => void;
  readonly wake: () => void;
  /** Every device that is in service. */
  readonly devices: () => readonly DeviceId[];
  /** Undefined where it is gone or retired. */
  readonly known: (device: DeviceId) => KnownDevice | undefined;
  /** What a field of a device is measured in. */
  readonly unitOf: (device: string, measurement: string, field: string) => FieldUnit;
  readonly evaluatedUpTo: (device: DeviceId) => number | null;
  readonly awaits: (device: DeviceId) => boolean;
  readonly timely: () => boolean;
  readonly hears: () => boolean;
  readonly stores: () => boolean;
  readonly failed: (thrown: unknown) => void;
  /** Alerts that fire at once, and what is beyond it is counted. */
  readonly mostOpen?: number | undefined;
}

/** When a rule would have fired. */
export interface Preview {
  /** Each value is the mean of so many milliseconds; 0: each sample. */
  readonly every: number;
  readonly series: readonly { readonly series: string; readonly episodes: readonly Episode[] }[];
}

const noRules: RuleSet = { ofValues: new Map(), ofDevice: [], ofCommands: [] };
/** Times that a preview tells of one series at most. */
export const maxPreviewed = 200;
/** The longest that a preview looks back, ms; and up to which span each sample counts, and not the mean of each minute. */
export const maxPreview = 7 * 86_400_000;
const previewedRaw = 6 * 3_600_000;
const aMinute = 60_000;

/** Rules, what they find, and whom nobody is to be told of. */
export class Alerts {
  readonly book: AlertBook;
  readonly rules: RuleBook;
  readonly late: LateSamples;
  readonly #options: AlertsOptions;
  readonly #rows: AlertRows;
  readonly #sets = new RuleSets();
  /** Of each device, until something of it changes. */
  readonly #setOf = new Map<DeviceId, RuleSet>();
  readonly #mutes = new Mutes();
  readonly #samples: SampleWatch;
  readonly #devices: DeviceWatch;
  readonly #ends: EndingWatch;
  /** One at a time, and people take turns: each goes through many samples. */
  readonly #previews: ReadQueue;
  readonly #reminders: Reminders;
  #started = false;

  constructor(options: AlertsOptions) {
    this.#options = options;
    const { database, store, clock, log, failed, evaluatedUpTo, awaits } = options;
    this.#previews = new ReadQueue(clock, 1);
    const rows = (this.#rows = new AlertRows(database));
    const muted = (rule: string, device: string): Mute | undefined =>
      this.#mutes.of(rule, device, device === "" ? undefined : options.known(device as DeviceId)?.plain, clock.now());
    this.book = new AlertBook({
      ...options,
      rows,
      muted,
      gatewayOf: (device) => options.known(device as DeviceId)?.gateway,
      isAboutHearing: (rule) => isAboutHearing(this.rules.read(rule)),
    });
    this.rules = new RuleBook({ rows, log, failed });
    const rulesOf = (device: DeviceId): RuleSet => this.#rulesOf(device);
    this.#samples = new SampleWatch({
      book: this.book,
      rows,
      clock,
      log,
      rulesOf,
      evaluatedUpTo,
      late: (...told) => this.late.note(...told),
    });
    this.late = new LateSamples({
      book: this.book,
      rows,
      watch: this.#samples,
      store,
      clock,
      log,
      ruleOn: (rule, device) => this.#ruleOn(rule, device),
      awaits,
    });
    this.#ends = new EndingWatch({
      book: this.book,
      rows,
      clock,
      rulesOf,
      without: (kind) => this.#sets.without(kind),
      looksAtCommands: () => this.rules.active().some(({ kind }) => kind === "command"),
    });
    this.#devices = new DeviceWatch({
      ...options,
      book: this.book,
      ends: this.#ends,
      rulesOf,
      without: (kind) => this.#sets.without(kind),
      lookUp: (device, heardFrom) => options.known(device)?.all(heardFrom),
    });
    this.#reminders = new Reminders({
      clock,
      open: () => this.book.open(),
      changes: this.book.changes,
      every: (rule) => this.rules.read(rule)?.remind,
      muted: (rule, device) => muted(rule, device) !== undefined,
      remind: (due) => this.book.remind(due),
    });
    this.rules.changes.on(() => this.#rulesChanged());
  }

  start(): void {
    this.rules.start();
    this.#mutes.set(this.#rows.mutes());
    this.#sets.set(this.rules.active());
    this.book.start();
    this.#started = true;
    this.late.start();
    this.#devices.start();
    this.#ends.start();
    this.#reminders.start();
  }

  /** Looks at commands and jobs that have ended while an earlier run was killed. */
  catchUp(endings: Endings): void {
    this.#ends.catchUp(endings);
  }

  async stop(): Promise<void> {
    this.#reminders.stop();
    this.#devices.stop();
    this.#ends.stop();
    await this.late.stop();
    this.#started = false;
    this.book.stop();
  }

  /** Looks at a device's samples as they come. What they lead to is written by {@link flush}. @param follows whether nothing is missing before them */
  observe(device: DeviceId, series: readonly SeriesColumns[], follows = true): void {
    if (!this.#started || series.length === 0) return;
    try {
      this.#samples.observe(device, series, follows, this.#options.clock.now());
    } catch (thrown) {
      // A fault of a rule's must not keep a sample from the store.
      this.#options.failed(thrown);
    }
  }

  /**
   * Writes down what samples have led to, before anybody may let go of them. @returns whether there was something
   * @throws Error of the database: it is tried again
   */
  flush(): boolean {
    return this.#started && this.book.flush();
  }

  deviceChanged(device: DeviceId): void {
    if (!this.#started) return;
    this.#setOf.delete(device);
    this.#samples.stale(device);
    this.#endWhatCountsNoMore(device);
    this.#devices.changed(device);
  }

  commandChanged(command: Command): void {
    this.#ends.command(command);
  }

  jobChanged(job: EndedJob): void {
    this.#ends.job(job);
  }

  forget(device: DeviceId): void {
    this.#setOf.delete(device);
    this.#samples.forget(device);
    this.late.forget(device);
    this.book.forget(device);
    this.#reminders.forget(device);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#rows.erase(device);
  }

  mutes(): readonly Mute[] {
    return this.#mutes.list();
  }

  activeMutes(): readonly Mute[] {
    return this.#mutes.active(this.#options.clock.now());
  }

  /** By which nobody is told of an alert at this moment. */
  muted(rule: string, device: string): Mute | undefined {
    const known = device === "" ? undefined : this.#options.known(device as DeviceId);
    return this.#mutes.of(rule, device, known?.plain, this.#options.clock.now());
  }

  /** Within a transaction of the caller. @returns it, and what to call when that is through @throws BadInputError */
  addMute(order: Omit<Mute, "id" | "ts">): { readonly mute: Mute; readonly done: () => void } {
    const ts = Math.round(this.#options.clock.now());
    const mute = { ...order, id: sortableId(ts), ts };
    assertMute(mute);
    for (const one of this.#mutes.list()) if (one.until !== null && one.until < ts) this.#rows.removeMute(one.id);
    const kept = this.#mutes.list().filter(({ until }) => until === null || until >= ts);
    if (kept.filter(({ by }) => by === mute.by).length >= maxMutesOfOne)
      throw new BadInputError(
        `"${mute.by}" has ${maxMutesOfOne} silences and maintenance windows, and may have no more: remove one first`,
      );
    if (kept.length >= maxMutes)
      throw new BadInputError(
        `there are ${maxMutes} silences and maintenance windows, and no more may: remove one first`,
      );
    this.#rows.putMute(mute);
    return { mute, done: () => this.#mutes.set(this.#rows.mutes()) };
  }

  /** Within a transaction of the caller. */
  removeMute(id: string): () => void {
    this.#rows.removeMute(id);
    return () => this.#mutes.set(this.#rows.mutes());
  }

  /** Alerts of a rule on a device that have fired since then. */
  firedSince(rule: string, device: string, since: number): readonly Alert[] {
    return this.#rows.firedSince(rule, device, since);
  }

  /** Alerts that are over, the newest first. @param before an id */
  over(before?: string): ReturnType<AlertRows["over"]> {
    return this.#rows.over(before);
  }

  /** When a rule would have fired on a device, series by series. @param by who asks @throws BadInputError, StoreUnavailableError */
  preview(
    rule: AlertRule,
    device: DeviceId,
    range: { readonly from: number; readonly to: number },
    by: string,
  ): Promise<Preview> {
    return this.#previews.run(by, () => this.#preview(rule, device, { ...range, by: `preview of ${by}` }));
  }

  async #preview(
    rule: AlertRule,
    device: DeviceId,
    { from, to, by }: { readonly from: number; readonly to: number; readonly by: string },
  ): Promise<Preview> {
    const read = readRule(rule);
    if (read.kind !== "value")
      throw new BadInputError(
        "only rules about measured values can be tried on what was: expected one such as mem.used_percent > 90",
      );
    const known = this.#options.known(device);
    const { overrides, base } = read;
    const variant = overrides.find(({ group }) => known?.groups.includes(group)) ?? base;
    const every = to - from <= previewedRaw ? 0 : aMinute;
    const interval = known?.interval ?? null;
    const { check, timing } = ruleOn(read, variant, RuleSets.gapOf(interval));
    const found = await rowsFromStore(this.#options.store, check, { device, from, to, every, by });
    const all = [];
    for (const [series, rows] of found) {
      if (rule.series && !seriesFits(rule.series, tagsOfSeries(series) ?? {})) continue;
      // Who only publishes says no interval, and may have had another one then than now: the rows themselves show it.
      const gap = interval === null ? RuleSets.gapOf(usualInterval(rows)) : timing.gap;
      const { episodes } = await replayInTurns(check, { ...timing, gap }, rows);
      all.push({ series, episodes: episodes.slice(-maxPreviewed) });
    }
    const wholes = all.filter(({ series }) => series.includes('-total"'));
    return { every, series: wholes.length > 0 && !rule.series ? wholes : all };
  }

  #rulesOf(device: DeviceId): RuleSet {
    const found = this.#setOf.get(device);
    if (found) return found;
    const known = this.#options.known(device);
    const made = known ? this.#sets.of(known.plain, known.groups, known.interval ?? known.rhythm) : noRules;
    this.#setOf.set(device, made);
    return made;
  }

  #ruleOn(rule: string, device: DeviceId): RuleOn | undefined {
    for (const all of this.#rulesOf(device).ofValues.values())
      for (const on of all) if (on.read.rule.name === rule) return on;
    return undefined;
  }

  #rulesChanged(): void {
    this.#sets.set(this.rules.active());
    this.#setOf.clear();
    this.#samples.stale();
    this.#endWhatCountsNoMore();
    this.#reminders.look();
  }

  /** Ends what a rule has found that is gone, or means a device no more. */
  #endWhatCountsNoMore(only?: DeviceId): void {
    if (this.book.isQuiet(only)) return;
    const active = new Set(this.rules.active().map(({ rule }) => rule.name));
    const ofDevices = new Map<string, ReadonlySet<string>>();
    const counts = (rule: string, device: string): boolean => {
      if (device === "") return active.has(rule);
      const names = ofDevices.get(device) ?? namesOf(this.#rulesOf(device as DeviceId));
      ofDevices.set(device, names);
      return names.has(rule);
    };
    this.book.endWhere(counts, "the rule does not count for it any more", only);
  }
}

function namesOf({ ofValues, ofDevice, ofCommands }: RuleSet): ReadonlySet<string> {
  const all = [...[...ofValues.values()].flat(), ...ofDevice, ...ofCommands];
  return new Set(all.map(({ read }) => read.rule.name));
}
