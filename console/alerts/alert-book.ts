import { normal, type AlertState } from "#shared/alerts/alert-state";
import type { ReadRule } from "#shared/alerts/read-rule";
import type { Episode } from "#shared/alerts/replay";
import type { Clock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import { asError } from "#shared/errors";
import { sortableId } from "#shared/ids";
import type { Log } from "#shared/log";
import { Signal } from "#shared/signal";
import { isRefusedWrite, transaction, type Database } from "../database/database.ts";
import type { Notice } from "../notifications/notice.ts";
import { slotKey, withEvent, type Alert, type AlertEvent } from "./alert.ts";
import type { AlertRows, LateRow, PointRow } from "./alert-rows.ts";
import { textOfAlert } from "./alert-text.ts";
import { crowdKey, foldCrowd, withPassed, type Passed } from "./device-crowd.ts";
import { fold, foldAtLeast, foldWithin } from "./folding.ts";
import type { Mute } from "./mutes.ts";
import { maxToldOfDevice, TellLimit } from "./tell-limit.ts";

export interface AlertBookOptions {
  readonly database: Database;
  readonly rows: AlertRows;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes down that there is something to say, within the transaction. */
  readonly enqueue: (notice: Notice, channels: readonly string[] | undefined) => void;
  /** Called when that is committed. */
  readonly wake: () => void;
  /** By which nobody is told of an alert at this moment. */
  readonly muted: (rule: string, device: string) => Mute | undefined;
  readonly failed?: (thrown: unknown) => void;
  /** Alerts that fire at once; {@link maxOpenAlerts} unless given. */
  readonly mostOpen?: number | undefined;
}

/** A rule has come to stand otherwise for a series. */
export interface AlertChange {
  readonly read: ReadRule;
  readonly device: string;
  readonly series: string;
  readonly state: AlertState;
  readonly value: FieldValue;
  /** The sample's time, epoch ms. */
  readonly at: number;
  /** What has ended it, where that is not a sample. */
  readonly why?: string;
}

/** Alerts that fire at once at most: beyond it more are counted, and not told. */
export const maxOpenAlerts = 20_000;
/** States that are pending or fire, of one device: its series' names come from outside. */
export const maxSlotsOfDevice = 1_000;
/** Milliseconds for which alerts that may have one cause are gathered. */
export const gatherAlerts = 10_000;
/** Alerts that end until old ones are looked for: no more than are then let go of at once. */
const trimEach = 1_000;
/** The same, of one device. */
const trimDeviceEach = 200;
/** Milliseconds until what the disk refused is tried again. */
const retryLater = 1_000;

/**
 * Where each rule stands, and every alert that fires. What changes is gathered for the rest of a turn and written in one transaction, with the word
 * of it: `flush` comes before anything that the samples' senders take for an acknowledgement, so that samples which come again find what they have led to.
 */
export class AlertBook {
  /** An alert has begun, ended, or somebody has said something of it. */
  readonly changes: Signal<Alert>;
  /** Alerts that could not be kept, because too many were. */
  dropped = 0;
  readonly #options: AlertBookOptions;
  readonly #states = new Map<string, AlertState>();
  readonly #slotsOf = new Map<string, number>();
  readonly #open = new Map<string, Alert>();
  /** When alerts of an earlier run ended that were the last of their series. */
  #ended: ReadonlyMap<string, number> = new Map();
  #waiting: { readonly device: string; readonly work: (effects: (() => void)[]) => void }[] = [];
  /** What takes back what a transaction has made of those that fire, where it fails. */
  #undo: (() => void)[] = [];
  readonly #points = new Map<string, () => PointRow>();
  #scheduled: NodeJS.Immediate | undefined;
  #cancelTell: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  /** When alerts of a rule fired last: many at once are told as one. */
  readonly #recent = new Map<string, { readonly ts: number; readonly device: string }[]>();
  /** Alerts that have ended since old ones were looked for: in all, and of a device. */
  #over = trimEach;
  readonly #overOf = new Map<string, number>();
  readonly #limit = new TellLimit();
  /** What was over before it could be told with others. */
  readonly #passed = new Map<string, Passed>();
  /** How many that fire were told with another one. */
  readonly #children = new Map<string, number>();
  #started = false;

  constructor(options: AlertBookOptions) {
    this.#options = options;
    this.changes = new Signal(options.failed);
  }

  start(): void {
    const { rows } = this.#options;
    this.#started = true;
    for (const { rule, device, series, state } of rows.slots())
      this.#remember(slotKey(rule, device, series), device, state);
    this.#ended = new Map(rows.lastEnds().map(({ rule, device, series, at }) => [slotKey(rule, device, series), at]));
    for (const alert of rows.open()) this.#setOpen(slotKey(alert.rule, alert.device, alert.series), alert);
    this.#tellLater();
  }

  stop(): void {
    this.#started = false;
    this.#cancelTell?.();
    this.#cancelRetry?.();
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#cancelTell = this.#cancelRetry = this.#scheduled = undefined;
    this.#tryFlush();
  }

  /** Those that fire. */
  open(): readonly Alert[] {
    return [...this.#open.values()];
  }

  find(id: string): Alert | undefined {
    for (const alert of this.#open.values()) if (alert.id === id) return alert;
    return this.#options.rows.find(id);
  }

  stateOf(rule: string, device: string, series: string): AlertState {
    return this.#states.get(slotKey(rule, device, series)) ?? normal;
  }

  /** Up to which of its moments a series' state was written down by an earlier run; -Infinity where that is not known. */
  settledUpTo(rule: string, device: string, series: string): number {
    const state = this.stateOf(rule, device, series);
    const ended = this.#ended.get(slotKey(rule, device, series)) ?? -Infinity;
    if (state.phase === "normal") return ended;
    return Math.max(ended, state.phase === "firing" ? state.fired : state.since);
  }

  /** Whether nothing is pending or fires, of one device or of all. */
  isQuiet(device?: string): boolean {
    return device === undefined ? this.#states.size === 0 : (this.#slotsOf.get(device) ?? 0) === 0;
  }

  /** What is not at rest. */
  *slots(): Generator<{
    readonly rule: string;
    readonly device: string;
    readonly series: string;
    readonly state: AlertState;
  }> {
    for (const [key, state] of this.#states) {
      const [rule = "", device = "", series = ""] = key.split("\n");
      yield { rule, device, series, state };
    }
  }

  /** Whether one more series of a device may be watched that is not at rest. */
  hasRoom(device: string): boolean {
    return (this.#slotsOf.get(device) ?? 0) < maxSlotsOfDevice;
  }

  /** Takes a change: it counts at once, and is written with the next flush. */
  note(change: AlertChange): void {
    const { read, device, series, state } = change;
    const key = slotKey(read.rule.name, device, series);
    this.#remember(key, device, state);
    this.#later(device, (effects) => {
      const { rows } = this.#options;
      rows.putSlot({ rule: read.rule.name, device, series, state });
      if (state.phase === "firing") this.#fire(change, state, effects);
      else this.#resolve(key, change.at, change.why, effects);
    });
  }

  /** Writes down that a series has to be looked at again. */
  noteLate(late: LateRow): void {
    this.#later(late.device, () => this.#options.rows.putLate(late));
  }

  /** Writes down the newest sample of a series with the next flush. @param row made when it is written */
  notePoint(key: string, row: () => PointRow): void {
    this.#points.set(key, row);
  }

  /** An alert that is found once it is over. */
  noteEpisode(change: Omit<AlertChange, "state" | "at">, { since, fired, resolved }: Episode): void {
    const state = { phase: "firing" as const, since, fired };
    this.#later(change.device, (effects) => {
      const alert = this.#made({ ...change, state, at: fired }, state);
      const over = { ...alert, resolved };
      const told = this.#told(over, "firing", "it was told late: its samples came late");
      this.#putOver(told);
      effects.push(() => this.changes.emit(told));
    });
  }

  /** Ends what does not count any more. @param counts whether it still does */
  endWhere(
    counts: (rule: string, device: string, series: string) => boolean,
    why: string,
    ruleOf: (name: string) => ReadRule | undefined,
  ): void {
    const at = Math.round(this.#options.clock.now());
    for (const { rule, device, series } of this.slots()) {
      if (counts(rule, device, series)) continue;
      const read = ruleOf(rule);
      const key = slotKey(rule, device, series);
      this.#remember(key, device, normal);
      this.#later(device, (effects) => {
        this.#options.rows.putSlot({ rule: read?.rule.name ?? rule, device, series, state: normal });
        this.#resolve(key, at, why, effects);
      });
    }
  }

  /** Somebody has said something of an alert. Within a transaction of the caller. @returns what to call when that is through */
  say(alert: Alert, event: AlertEvent, change: Partial<Pick<Alert, "acknowledged">> = {}): () => Alert {
    const next = { ...withEvent(alert, event), ...change };
    this.#options.rows.putAlert(next);
    return () => {
      const key = slotKey(alert.rule, alert.device, alert.series);
      if (this.#open.get(key)?.id === alert.id) this.#open.set(key, next);
      this.changes.emit(next);
      return next;
    };
  }

  /** The device is no more: nothing is told. */
  forget(device: string): void {
    this.#waiting = this.#waiting.filter((one) => one.device !== device);
    for (const key of this.#states.keys()) if (key.split("\n")[1] === device) this.#states.delete(key);
    for (const [key, alert] of this.#open) if (alert.device === device) this.#setOpen(key, undefined);
    for (const key of this.#points.keys()) if (key.split("\n")[1] === device) this.#points.delete(key);
    for (const key of this.#passed.keys()) if (key.startsWith(`${device}\n`)) this.#passed.delete(key);
    this.#slotsOf.delete(device);
    this.#overOf.delete(device);
    this.#limit.forget(device);
  }

  /** Writes what has changed. @throws Error of the database: then it waits, and is tried again */
  flush(): void {
    if (this.#waiting.length === 0 && this.#points.size === 0) return;
    const { database, rows, wake } = this.#options;
    const effects: (() => void)[] = [];
    this.#undo = [];
    const write = (): void => {
      for (const { work } of this.#waiting) this.#try(() => work(effects));
      for (const row of this.#points.values()) this.#try(() => rows.putPoint(row()));
      this.#try(() => this.#trim());
    };
    try {
      if (database.isTransaction) write();
      else transaction(database, write);
    } catch (thrown) {
      for (const undo of this.#undo.toReversed()) undo();
      this.#retry();
      throw thrown;
    }
    this.#waiting = [];
    this.#points.clear();
    if (effects.length === 0) return;
    for (const done of effects) done();
    try {
      wake();
    } catch (thrown) {
      // It is written down, and whoever brings it looks again by himself.
      this.#options.failed?.(thrown);
    }
    if (this.#started && this.#hasUntold()) this.#tellLater();
  }

  /** What fails by a fault of its own, and not for want of a disk, holds up nothing else: samples wait for this. */
  #try(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (isRefusedWrite(thrown)) throw thrown;
      this.#options.failed?.(thrown);
    }
  }

  /** Lets go of what is old as fast as it comes. */
  #trim(): void {
    const { rows } = this.#options;
    for (const [device, over] of this.#overOf) {
      if (over < trimDeviceEach) continue;
      rows.trimDevice(device);
      this.#overOf.delete(device);
    }
    if (this.#over < trimEach) return;
    rows.trim();
    this.#over = 0;
  }

  #hasUntold(): boolean {
    if (this.#passed.size > 0) return true;
    for (const { told } of this.#open.values()) if (told === "no") return true;
    return false;
  }

  #putOpen(key: string, alert: Alert | undefined): void {
    const before = this.#open.get(key);
    this.#undo.push(() => this.#setOpen(key, before));
    this.#setOpen(key, alert);
  }

  #setOpen(key: string, alert: Alert | undefined): void {
    this.#countChild(this.#open.get(key)?.parent, -1);
    this.#countChild(alert?.parent, 1);
    if (alert) this.#open.set(key, alert);
    else this.#open.delete(key);
  }

  #countChild(parent: string | null | undefined, more: number): void {
    if (parent === null || parent === undefined) return;
    const count = (this.#children.get(parent) ?? 0) + more;
    if (count > 0) this.#children.set(parent, count);
    else this.#children.delete(parent);
  }

  #later(device: string, work: (effects: (() => void)[]) => void): void {
    this.#waiting.push({ device, work });
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#tryFlush();
    });
  }

  #tryFlush(): void {
    try {
      this.flush();
    } catch (thrown) {
      this.#options.log.error(
        { err: asError(thrown) },
        "what alerts have come to could not be written, and is tried again",
      );
    }
  }

  #retry(): void {
    if (!this.#started) return;
    this.#cancelRetry ??= this.#options.clock.after(retryLater, () => {
      this.#cancelRetry = undefined;
      this.#tryFlush();
    });
  }

  #remember(key: string, device: string, state: AlertState): void {
    const before = this.#states.has(key);
    if (state.phase === "normal") this.#states.delete(key);
    else this.#states.set(key, state);
    const more = Number(this.#states.has(key)) - Number(before);
    if (more !== 0) this.#slotsOf.set(device, (this.#slotsOf.get(device) ?? 0) + more);
  }

  #made({ read, device, series, value }: AlertChange, state: AlertState & { phase: "firing" }): Alert {
    const { rule } = read;
    const now = Math.round(this.#options.clock.now());
    return {
      id: sortableId(now),
      rule: rule.name,
      severity: rule.severity,
      device,
      series,
      since: state.since,
      fired: state.fired,
      resolved: null,
      why: null,
      value,
      ...textOfAlert(read, { device, series, state, value }),
      told: "no",
      parent: null,
      acknowledged: null,
      channels: rule.channels ?? null,
      labels: rule.labels ?? {},
      history: [{ ts: now, what: "fired" }],
    };
  }

  #fire(change: AlertChange, state: AlertState & { phase: "firing" }, effects: (() => void)[]): void {
    if (this.#open.size >= (this.#options.mostOpen ?? maxOpenAlerts)) {
      this.dropped += 1;
      return;
    }
    const made = this.#made(change, state);
    const gathers = change.read.kind === "device" || this.#isBurst(made);
    const alert = gathers ? made : this.#told(made, "firing");
    this.#options.rows.putAlert(alert);
    this.#putOpen(slotKey(alert.rule, alert.device, alert.series), alert);
    effects.push(() => this.changes.emit(alert));
  }

  /** Whether as many of a rule fire as have one cause. */
  #isBurst({ rule, device }: Alert): boolean {
    const now = this.#options.clock.now();
    const others = (this.#recent.get(rule) ?? []).filter(
      (one) => now - one.ts < foldWithin && one.ts <= now && one.device !== device,
    );
    const recent = [...others, { ts: now, device }].slice(-foldAtLeast);
    this.#recent.set(rule, recent);
    return recent.length >= foldAtLeast;
  }

  /** Tells of an alert, unless nobody is to hear of it now. */
  #told(alert: Alert, kind: "firing", text?: string): Alert {
    const ts = Math.round(this.#options.clock.now());
    const mute = this.#options.muted(alert.rule, alert.device);
    if (mute) {
      const why = `held back by ${mute.note === "" ? `a silence of ${mute.by}` : mute.note}`;
      return held(alert, ts, why);
    }
    const giveBack = this.#limit.take(alert.device, this.#options.clock.monotonic());
    if (!giveBack) return held(alert, ts, `${maxToldOfDevice} of the device were told within a minute`);
    this.#undo.push(giveBack);
    return this.#tell(alert, kind, text);
  }

  #tell(alert: Alert, kind: "firing", text?: string): Alert {
    this.#say(alert, kind, text);
    return withEvent({ ...alert, told: "yes" }, { ts: Math.round(this.#options.clock.now()), what: "told" });
  }

  /** Keeps one that is over, and tells of its end who was told of its beginning. */
  #putOver(alert: Alert): void {
    this.#options.rows.putAlert(alert);
    this.#over += 1;
    if (alert.device !== "") this.#overOf.set(alert.device, (this.#overOf.get(alert.device) ?? 0) + 1);
    if (alert.told === "yes") this.#say(alert, "resolved");
    if (alert.told !== "no" || this.#options.muted(alert.rule, alert.device)) return;
    const key = crowdKey(alert);
    this.#keepPassed(key, withPassed(this.#passed.get(key), alert));
  }

  #keepPassed(key: string, passed: Passed | undefined): void {
    const before = this.#passed.get(key);
    const keep = (one: Passed | undefined): void => void (one ? this.#passed.set(key, one) : this.#passed.delete(key));
    this.#undo.push(() => keep(before));
    keep(passed);
  }

  #say(alert: Alert, kind: "firing" | "resolved", more?: string): void {
    const { id, rule, severity, device, since, fired, resolved, title, text, value, channels, labels, why } = alert;
    const over = why === null ? "" : `: ${why}`;
    this.#options.enqueue(
      {
        alert: id,
        kind,
        rule,
        severity,
        device: device === "" ? null : device,
        at: kind === "resolved" ? (resolved ?? fired) : fired,
        since,
        title,
        text: kind === "resolved" ? `over${over}. It was: ${text}` : more === undefined ? text : `${text} (${more})`,
        value,
        url: null,
        labels,
      },
      channels ?? undefined,
    );
  }

  #resolve(key: string, at: number, why: string | undefined, effects: (() => void)[]): void {
    const alert = this.#open.get(key);
    if (!alert) return;
    const now = Math.round(this.#options.clock.now());
    // It was over before others like it had gathered.
    const told = alert.told === "no" ? this.#told(alert, "firing") : alert;
    const over = withEvent(
      { ...told, resolved: Math.max(at, alert.fired), why: why ?? null },
      { ts: now, what: "resolved", ...(why === undefined ? {} : { text: why }) },
    );
    this.#putOver(over);
    this.#putOpen(key, undefined);
    effects.push(() => this.changes.emit(over));
    if (over.parent !== null) this.#endFolded(over.parent, over.resolved ?? at, effects);
  }

  /** One that stands for others ends with the last of them. */
  #endFolded(parent: string, at: number, effects: (() => void)[]): void {
    if (this.#children.has(parent)) return;
    for (const [key, alert] of this.#open) if (alert.id === parent) this.#resolve(key, at, undefined, effects);
  }

  /** Tells what was gathered or held back, now and then while there is something. */
  #tellLater(): void {
    if (!this.#started) return;
    this.#cancelTell ??= this.#options.clock.after(gatherAlerts, () => {
      this.#cancelTell = undefined;
      if (!this.#hasUntold()) return;
      this.#later("", (effects) => this.#tellUntold(effects));
      this.#tellLater();
    });
  }

  #tellUntold(effects: (() => void)[]): void {
    const { rows, muted, clock } = this.#options;
    const now = Math.round(clock.now());
    const byRule = new Map<string, Alert[]>();
    for (const alert of this.#open.values()) {
      if (alert.told !== "no" || muted(alert.rule, alert.device)) continue;
      const those = byRule.get(alert.rule);
      if (those) those.push(alert);
      else byRule.set(alert.rule, [alert]);
    }
    const put = (alert: Alert): void => {
      rows.putAlert(alert);
      this.#putOpen(slotKey(alert.rule, alert.device, alert.series), alert);
      effects.push(() => this.changes.emit(alert));
    };
    const crowd: Alert[] = [];
    for (const [rule, alerts] of byRule) {
      // Those that come a little later have perhaps the same cause, and are told as one as well where they are as many.
      if (!this.#limit.mayFold(rule, clock.monotonic())) continue;
      if (new Set(alerts.map(({ device }) => device)).size >= foldAtLeast) {
        const { parent, children } = fold(alerts, sortableId(now), now);
        this.#undo.push(this.#limit.fold(rule, clock.monotonic()));
        put(this.#told(parent, "firing"));
        for (const child of children) put(child);
        continue;
      }
      for (const one of alerts) {
        const told = this.#told(one, "firing");
        if (told !== one) put(told);
        if (told.told === "no") crowd.push(told);
      }
    }
    this.#tellCrowds(crowd, put);
  }

  /** Tells as one what a device has more of than is told. */
  #tellCrowds(crowd: readonly Alert[], put: (alert: Alert) => void): void {
    const { clock } = this.#options;
    const now = Math.round(clock.now());
    const crowds = new Map<string, Alert[]>([...this.#passed.keys()].map((key) => [key, []]));
    for (const alert of crowd) {
      const key = crowdKey(alert);
      const those = crowds.get(key);
      if (those) those.push(alert);
      else crowds.set(key, [alert]);
    }
    for (const [key, alerts] of crowds) {
      if (!this.#limit.mayFold(key, clock.monotonic())) continue;
      const { parent, children } = foldCrowd(alerts, this.#passed.get(key), sortableId(now), now);
      this.#undo.push(this.#limit.fold(key, clock.monotonic()));
      this.#keepPassed(key, undefined);
      const told = this.#tell(parent, "firing");
      if (children.length > 0) put(told);
      else this.#putOver(withEvent({ ...told, resolved: Math.max(now, told.fired) }, { ts: now, what: "resolved" }));
      for (const child of children) put(child);
    }
  }
}

function held(alert: Alert, ts: number, why: string): Alert {
  if (alert.history.some(({ what }) => what === "held")) return alert;
  return withEvent(alert, { ts, what: "held", text: why });
}
