import { normal, type AlertState } from "#shared/alerts/alert-state";
import type { ReadRule } from "#shared/alerts/read-rule";
import type { Episode } from "#shared/alerts/replay";
import type { Clock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import type { FieldUnit } from "#shared/field-units";
import { sortableId } from "#shared/ids";
import type { Log } from "#shared/log";
import { Signal } from "#shared/signal";
import type { Database } from "../database/database.ts";
import type { Notice } from "../notifications/notice.ts";
import { isForMany, slotKey, withEvent, type Alert, type AlertEvent } from "./alert.ts";
import type { AlertRows, LateRow, PointRow, SlotRow } from "./alert-rows.ts";
import { textOfAlert } from "./alert-text.ts";
import { AlertTrim } from "./alert-trim.ts";
import { AlertWrites, type AlertTurn } from "./alert-writes.ts";
import { BehindGateway, type Gateway } from "./behind-gateway.ts";
import { FiringAlerts } from "./firing-alerts.ts";
import { Flapping } from "./flapping.ts";
import { TellingLater } from "./telling-later.ts";
import type { Mute } from "./mutes.ts";
import { RuleStates } from "./rule-states.ts";
import { Telling } from "./telling.ts";

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
  /** By which other device one is reached. */
  readonly gatewayOf: (device: string) => Gateway | undefined;
  /** Whether a rule is about a device being heard. */
  readonly isAboutHearing: (rule: string) => boolean;
  /** What a field of a device is measured in. */
  readonly unitOf: (device: string, measurement: string, field: string) => FieldUnit;
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
  readonly #states = new RuleStates();
  readonly #firing = new FiringAlerts();
  readonly #writes: AlertWrites;
  readonly #trim: AlertTrim;
  readonly #telling: Telling;
  readonly #tellingLater: TellingLater;
  readonly #flapping: Flapping;
  /** When alerts of an earlier run ended that were the last of their series. */
  #ended: ReadonlyMap<string, number> = new Map();

  constructor(options: AlertBookOptions) {
    this.#options = options;
    const { rows, failed } = options;
    this.changes = new Signal(failed);
    this.#trim = new AlertTrim(rows);
    this.#writes = new AlertWrites({ ...options, trim: () => this.#trim.trim(), written: () => this.#written() });
    this.#telling = new Telling(options);
    this.#tellingLater = new TellingLater({
      ...options,
      firing: this.#firing,
      telling: this.#telling,
      writes: this.#writes,
      gateways: new BehindGateway({ ...options, firing: this.#firing, states: this.#states }),
      put: (turn, alert) => this.#put(turn, alert),
      putOver: (turn, alert) => this.#putOver(turn, alert),
    });
    this.#flapping = new Flapping({
      ...options,
      firing: this.#firing,
      put: (turn, alert) => this.#put(turn, alert),
      hasRoom: (device) => this.#telling.limit.hasRoom(device, options.clock.monotonic()),
      tell: (turn, alert) => this.#telling.tellIfHeard(turn, alert),
      end: (alert, why) => this.#end(alert, why),
    });
  }

  start(): void {
    const { rows } = this.#options;
    for (const slot of rows.slots()) this.#states.set(slot);
    this.#ended = new Map(rows.lastEnds().map(({ rule, device, series, at }) => [slotKey(rule, device, series), at]));
    for (const alert of rows.open()) this.#firing.set(alert);
    this.#writes.start();
    this.#tellingLater.start();
    this.#flapping.start();
    this.#endForNobody();
  }

  stop(): void {
    this.#flapping.stop();
    this.#tellingLater.stop();
    this.#writes.stop();
  }

  /** Those that fire. */
  open(): readonly Alert[] {
    return this.#firing.all();
  }

  find(id: string): Alert | undefined {
    return this.#firing.find(id) ?? this.#options.rows.find(id);
  }

  /** Devices whose alerts fire and were told with this one. */
  devicesBehind(id: string): ReadonlySet<string> {
    return new Set(this.#firing.childrenOf(id).map(({ device }) => device));
  }

  stateOf(rule: string, device: string, series: string): AlertState {
    return this.#states.of(rule, device, series);
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
    return this.#states.isQuiet(device);
  }

  /** What is not at rest, of one device or of all. */
  slots(device?: string): Generator<SlotRow, void, void> {
    return this.#states.slots(device);
  }

  /** Whether one more series of a device may be watched that is not at rest. */
  hasRoom(device: string): boolean {
    return this.#states.hasRoom(device);
  }

  /** Takes a change: it counts at once, and is written with the next flush. */
  note(change: AlertChange): void {
    const { read, device, series, state } = change;
    const slot = { rule: read.rule.name, device, series, state };
    const key = slotKey(slot.rule, device, series);
    this.#states.set(slot);
    const work = (turn: AlertTurn): void => {
      this.#options.rows.putSlot(slot);
      if (state.phase === "firing") this.#fire(turn, key, change, state);
      else this.#resolve(turn, key, change.at, change.why);
    };
    this.#writes.later(device, work, key);
  }

  /** Writes down that a series has to be looked at again. */
  noteLate(late: LateRow): void {
    this.#writes.later(late.device, () => this.#options.rows.putLate(late));
  }

  /** Writes down the newest sample of a series with the next flush. @param row made when it is written */
  notePoint(key: string, row: () => PointRow): void {
    this.#writes.putPoint(key, row);
  }

  /** An alert that is found once it is over. */
  noteEpisode(change: Omit<AlertChange, "state" | "at">, { since, fired, resolved }: Episode): void {
    const state = { phase: "firing" as const, since, fired };
    this.#writes.later(change.device, (turn) => {
      const over = { ...this.#made({ ...change, state, at: fired }, state), resolved };
      const told = this.#telling.tellIfHeard(turn, over, "it was told late: its samples came late");
      this.#putOver(turn, told);
      turn.after(() => this.changes.emit(told));
    });
  }

  /** Ends what does not count any more, of one device or of all. @param counts whether it still does */
  endWhere(counts: (rule: string, device: string, series: string) => boolean, why: string, only?: string): void {
    const at = Math.round(this.#options.clock.now());
    for (const { rule, device, series } of this.slots(only)) {
      if (counts(rule, device, series)) continue;
      const slot = { rule, device, series, state: normal };
      const key = slotKey(rule, device, series);
      this.#states.set(slot);
      const work = (turn: AlertTurn): void => {
        this.#options.rows.putSlot(slot);
        this.#resolve(turn, key, at, why);
      };
      this.#writes.later(device, work, key);
    }
  }

  /** Somebody has said something of an alert. Within a transaction of the caller. @returns what to call when that is through */
  say(alert: Alert, event: AlertEvent, change: Partial<Pick<Alert, "acknowledged">> = {}): () => Alert {
    const next = { ...withEvent(alert, event), ...change };
    this.#options.rows.putAlert(next);
    return () => {
      if (this.#firing.find(alert.id)) this.#firing.set(next);
      this.changes.emit(next);
      return next;
    };
  }

  /** Tells of some once more that fire still, and that nobody sees to. */
  remind(alerts: readonly Alert[]): void {
    for (const alert of alerts)
      this.#writes.later(alert.device, (turn) => {
        // What has changed since is looked at anew.
        if (this.#firing.find(alert.id) === alert) this.#put(turn, this.#telling.remind(alert));
      });
  }

  /** The device is no more: nothing is told. */
  forget(device: string): void {
    this.#writes.forget(device);
    this.#states.forget(device);
    this.#firing.forget(device);
    this.#tellingLater.forget(device);
    this.#flapping.forget(device);
    this.#trim.forget(device);
    this.#telling.limit.forget(device);
    this.#endForNobody();
  }

  /** What stood for others that were removed, all of them, is over. */
  #endForNobody(): void {
    for (const alert of this.#firing.forNobody()) this.#end(alert, "its devices were removed");
  }

  #end(alert: Alert, why: string): void {
    const at = Math.round(this.#options.clock.now());
    this.#writes.later("", (turn) => {
      if (!this.#firing.hasChildren(alert.id))
        this.#resolve(turn, slotKey(alert.rule, alert.device, alert.series), at, why);
    });
  }

  /** Writes what has changed. @returns whether something has @throws Error of the database: then it waits, and is tried again */
  flush(): boolean {
    return this.#writes.flush();
  }

  #written(): void {
    try {
      this.#options.wake();
    } catch (thrown) {
      // It is written down, and whoever brings it looks again by himself.
      this.#options.failed?.(thrown);
    }
    this.#tellingLater.wake();
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
      ...textOfAlert(read, {
        device,
        series,
        state,
        value,
        unitOf: (...field) => this.#options.unitOf(device, ...field),
      }),
      told: "no",
      parent: null,
      acknowledged: null,
      channels: rule.channels ?? null,
      labels: rule.labels ?? {},
      history: [{ ts: now, what: "fired" }],
    };
  }

  #fire(turn: AlertTurn, key: string, change: AlertChange, state: AlertState & { phase: "firing" }): void {
    // It goes on: what was between was too much to be kept.
    if (this.#firing.get(key)) return;
    if (this.#firing.size >= (this.#options.mostOpen ?? maxOpenAlerts)) {
      this.dropped += 1;
      return;
    }
    const made = this.#made(change, state);
    if (!change.read.rule.each && this.#flapping.fold(turn, made)) return;
    const gathers = change.read.kind === "device" || this.#tellingLater.isBurst(made);
    this.#put(turn, gathers ? made : this.#telling.tellIfHeard(turn, made));
  }

  #put(turn: AlertTurn, alert: Alert): void {
    this.#options.rows.putAlert(alert);
    this.#firing.put(turn, alert);
    turn.after(() => this.changes.emit(alert));
  }

  /** Keeps one that is over, and tells of its end who was told of its beginning. */
  #putOver(turn: AlertTurn, alert: Alert): void {
    this.#options.rows.putAlert(alert);
    this.#trim.count(alert.device);
    if (alert.told === "yes") this.#telling.tellOver(alert);
    if (alert.told === "no" && !this.#options.muted(alert.rule, alert.device)) this.#tellingLater.pass(turn, alert);
  }

  #resolve(turn: AlertTurn, key: string, at: number, why: string | undefined): void {
    const alert = this.#firing.get(key);
    if (!alert) return;
    const now = Math.round(this.#options.clock.now());
    // It was over before others like it had gathered.
    const told = alert.told === "no" ? this.#telling.tellIfHeard(turn, alert) : alert;
    const over = withEvent(
      { ...told, resolved: Math.max(at, alert.fired), why: why ?? null },
      { ts: now, what: "resolved", ...(why === undefined ? {} : { text: why }) },
    );
    this.#putOver(turn, over);
    this.#firing.remove(turn, key);
    turn.after(() => this.changes.emit(over));
    if (over.parent !== null) this.#endFolded(turn, over.parent, over.resolved ?? at);
  }

  /** One that stands for others ends with the last of them. */
  #endFolded(turn: AlertTurn, id: string, at: number): void {
    const parent = this.#firing.hasChildren(id) ? undefined : this.#firing.find(id);
    if (parent && isForMany(parent))
      this.#resolve(turn, slotKey(parent.rule, parent.device, parent.series), at, undefined);
  }
}
