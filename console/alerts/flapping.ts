import type { Clock } from "#shared/clock";
import { sortableId } from "#shared/ids";
import { isForFlaps, seriesForFlaps, slotKey, withEvent, type Alert } from "./alert.ts";
import type { AlertTurn } from "./alert-writes.ts";
import type { FiringAlerts } from "./firing-alerts.ts";

export interface FlappingOptions {
  readonly clock: Clock;
  readonly firing: FiringAlerts;
  /** Keeps one that fires, and shows it. Within a transaction. */
  readonly put: (turn: AlertTurn, alert: Alert) => void;
  /** Whether one more alert of a device would be told by itself: what nobody hears of disturbs nobody. */
  readonly hasRoom: (device: string) => boolean;
  /** Tells of an alert unless nobody is to hear of it. */
  readonly tell: (turn: AlertTurn, alert: Alert) => Alert;
  /** Ends one. */
  readonly end: (alert: Alert, why: string) => void;
}

/** Times that one series may fire by one rule within {@link flapWithin} and be told each time; from the next one on it is told as one. */
export const maxToldFlaps = 3;
/** Milliseconds in which these are counted, by the samples' own times: a backlog of a week comes within seconds. */
export const flapWithin = 3_600_000;
/** Milliseconds that it has to be well until that one is over. */
export const flapQuiet = 1_800_000;
/** Milliseconds between two looks for that. */
const lookEvery = 60_000;
/** Series of which it is remembered when they fired: as many as may fire at once. Beyond it the one that fired longest ago is forgotten. */
export const maxFlapsKnown = 20_000;

/** What fires again and again: each time stands in the list, and people are told of it once. */
export class Flapping {
  readonly #options: FlappingOptions;
  readonly #fired = new Map<string, readonly number[]>();
  /** Since when nothing fires for which an alert stands, by its id; monotonic. */
  readonly #quietSince = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #started = false;

  constructor(options: FlappingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
    if (this.#options.firing.all().some(isForFlaps)) this.#later();
  }

  stop(): void {
    this.#started = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Takes one that fires. @returns whether it is told with others of its series, and kept */
  fold(turn: AlertTurn, alert: Alert): boolean {
    const { firing, put, tell, clock, hasRoom } = this.#options;
    const times = this.#count(slotKey(alert.rule, alert.device, alert.series), alert.fired);
    const standing = firing.get(slotKey(alert.rule, alert.device, seriesForFlaps(alert.series)));
    if (!standing && (times <= maxToldFlaps || !hasRoom(alert.device))) return false;
    const parent = standing ?? tell(turn, forFlaps(alert, times, Math.round(clock.now())));
    if (!standing) put(turn, parent);
    this.#quietSince.delete(parent.id);
    const event = { ts: Math.round(clock.now()), what: "folded" as const, text: parent.id };
    put(turn, withEvent({ ...alert, told: "folded", parent: parent.id }, event));
    this.#later();
    return true;
  }

  forget(device: string): void {
    for (const key of this.#fired.keys()) if (key.split("\n")[1] === device) this.#fired.delete(key);
  }

  #count(key: string, at: number): number {
    const near = (this.#fired.get(key) ?? []).filter((ts) => Math.abs(at - ts) < flapWithin);
    const times = [...near, at].slice(-maxToldFlaps - 1);
    this.#fired.delete(key);
    this.#fired.set(key, times);
    const [oldest] = this.#fired.keys();
    if (this.#fired.size > maxFlapsKnown && oldest !== undefined) this.#fired.delete(oldest);
    return times.length;
  }

  #later(): void {
    if (!this.#started) return;
    this.#cancel ??= this.#options.clock.after(lookEvery, () => {
      this.#cancel = undefined;
      const now = this.#options.clock.monotonic();
      const standing = this.#options.firing.all().filter(isForFlaps);
      for (const alert of standing) this.#look(alert, now);
      if (standing.length > 0) this.#later();
    });
  }

  #look(alert: Alert, now: number): void {
    if (this.#options.firing.hasChildren(alert.id)) return void this.#quietSince.delete(alert.id);
    const since = this.#quietSince.get(alert.id);
    if (since === undefined) this.#quietSince.set(alert.id, now);
    else if (now - since >= flapQuiet) {
      this.#quietSince.delete(alert.id);
      this.#options.end(alert, "it was well for half an hour");
    }
  }
}

function forFlaps(alert: Alert, times: number, now: number): Alert {
  return {
    ...alert,
    id: sortableId(now),
    series: seriesForFlaps(alert.series),
    title: `${alert.title}, again and again`,
    text: `${alert.text}. It fires for the ${times}th time within an hour, and is told as one until it was well for half an hour`,
  };
}
