import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { livenessOf, silentByDefault, type Lived } from "#shared/liveness";
import { transaction, type Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { PresenceRows, type PresenceChange, type PresenceWatch } from "./presence-rows.ts";

/** What is asked of a device: its id, and what tells whether it is there. */
export interface PresentDevice extends Lived {
  readonly id: DeviceId;
  readonly since: number | null;
}

export interface PresenceHistoryOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** By their ids, from behind one on. */
  readonly devices: (after?: string) => Iterable<PresentDevice>;
  /** Whether the present moment is known well enough to be written down. */
  readonly timely: () => boolean;
}

/** Milliseconds between two notes: what a kill takes with it is unknown afterwards. */
export const notedEach = 60_000;
/** Milliseconds without a note after which the time between was not watched: the machine slept, or its clock was put forward. */
const unwatchedAfter = 3 * notedEach;
/** Changes of one device between two notes: of one that comes and goes all the time every other is left out. */
const maxChangesEach = 20;
/** Devices whose changes are written in one turn of the event loop, and of which old ones are let go with each note. */
const atOnce = 500;
const trimmedEach = 100;
/** Devices whose changes wait for the disk at most: beyond it that time is unknown. */
const maxAwaiting = 50_000;

/**
 * Keeps when each device was there, and when anybody would have noticed: the console was at work, had the broker, and knew the time. What changes
 * is written once a minute, with the moment up to which it is all, so that a kill makes of at most a minute an unknown one and of nothing an
 * outage.
 */
export class PresenceHistory {
  readonly rows: PresenceRows;
  readonly #options: PresenceHistoryOptions;
  #watch: PresenceWatch | undefined;
  /** What is known of each, written or not; undefined where nothing is. */
  readonly #known = new Map<DeviceId, PresenceChange | undefined>();
  readonly #waiting = new Map<DeviceId, PresenceChange[]>();
  #isConnected = false;
  #isSettled = false;
  #cancel: (() => void) | undefined;
  #portion: NodeJS.Immediate | undefined;
  #surveying: NodeJS.Immediate | undefined;
  #trimmedUpTo = "";

  constructor(options: PresenceHistoryOptions) {
    this.#options = options;
    this.rows = new PresenceRows(options.database);
  }

  start(): void {
    this.#plan();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#portion) clearImmediate(this.#portion);
    if (this.#surveying) clearImmediate(this.#surveying);
    this.disconnected();
  }

  /** There is a broker: who is there is known once all have had time to say so. */
  connected(): void {
    this.disconnected();
    this.#isConnected = true;
    this.#begin();
  }

  /** Whoever is there has said so by now. */
  settled(): void {
    if (!this.#isConnected) return;
    this.#isSettled = true;
    if (this.#watch) this.#survey(this.#watch);
  }

  /** Nothing is heard from now on. */
  disconnected(): void {
    if (this.#watch) this.flush();
    this.#watch = undefined;
    this.#isConnected = false;
    this.#isSettled = false;
  }

  /** Something of a device is another now. */
  changed(device: PresentDevice): void {
    const watch = this.#watch;
    if (!watch) return;
    const now = this.#now();
    if (device.online) return this.#put(device.id, now, true);
    if (device.boot === null) return;
    // Of one that is not heard yet nobody knows; one that has gone just now was there.
    if (this.#isSettled || (device.since ?? 0) >= watch.begun) this.#put(device.id, now, false);
  }

  /** One that only publishes was heard after having been silent. @param last when it had been heard before, epoch ms */
  heardAgain(id: DeviceId, last: number): void {
    const watch = this.#watch;
    if (!watch) return;
    const now = this.#now();
    const wasHere = last >= watch.begun || now - watch.begun > silentByDefault;
    if (wasHere && this.#last(id)?.up) this.#put(id, Math.max(last, watch.begun), false);
    this.#put(id, now, true);
  }

  /** Lets go of a device in memory. */
  forget(id: DeviceId): void {
    this.#known.delete(id);
    this.#waiting.delete(id);
  }

  /** Writes down what is known up to this moment. */
  flush(): void {
    while (this.write()) {
      // Another portion of those that wait.
    }
  }

  #plan(): void {
    this.#cancel = this.#options.clock.after(notedEach, () => {
      this.#plan();
      this.#note();
    });
  }

  #note(): void {
    const now = this.#now();
    const { timely } = this.#options;
    const watch = this.#watch;
    if (!timely() || this.#waiting.size > maxAwaiting) {
      this.#watch = undefined;
      this.#known.clear();
      this.#waiting.clear();
      return;
    }
    if (!watch || now < watch.until || now - watch.until > unwatchedAfter) this.#begin();
    else if (this.#isSettled) this.#listen(watch, now);
    this.#writeInTurns();
    this.#upkeep(now);
  }

  #writeInTurns(): void {
    if (this.write()) this.#portion = setImmediate(() => this.#writeInTurns());
  }

  /** Writes down a portion of it. @returns whether there is more to write; once there is not, all is known up to now */
  write(): boolean {
    const { database } = this.#options;
    const watch = this.#watch;
    const until = Math.max(watch?.until ?? 0, this.#now());
    const some = [...this.#waiting].slice(0, atOnce);
    const isLast = some.length === this.#waiting.size;
    if (some.length === 0 && !watch) return false;
    if (watch && isLast) this.#watch = { ...watch, until };
    const noted = isLast ? this.#watch : undefined;
    let written = false;
    persistOf(database).write("presence", () => {
      transaction(database, () => {
        for (const [, changes] of some) for (const change of changes) this.rows.put(change);
        if (noted) this.rows.putWatch(noted);
      });
      for (const [id, changes] of some) if (this.#waiting.get(id) === changes) this.#waiting.delete(id);
      written = true;
    });
    return written && !isLast;
  }

  #upkeep(now: number): void {
    const { database, devices } = this.#options;
    const some: DeviceId[] = [];
    for (const { id } of devices(this.#trimmedUpTo)) {
      some.push(id);
      if (some.length === trimmedEach) break;
    }
    this.#trimmedUpTo = some.length < trimmedEach ? "" : (some.at(-1) ?? "");
    persistOf(database).write("presence: upkeep", () =>
      transaction(database, () => {
        for (const id of some) {
          this.rows.trim(id, now);
          this.rows.count(id, now);
        }
        this.rows.trimWatches(now);
      }),
    );
  }

  /** Watches from now on. */
  #begin(): void {
    this.#watch = undefined;
    if (!this.#isConnected || !this.#options.timely()) return;
    const { database } = this.#options;
    const now = this.#now();
    if ((this.rows.newestWatch()?.until ?? now) > now) {
      this.#known.clear();
      this.#waiting.clear();
      persistOf(database).write("presence: a clock that was put back", () =>
        transaction(database, () => this.rows.forgetFrom(now)),
      );
    }
    this.#watch = { begun: now, settled: null, until: now };
    if (this.#isSettled) this.#survey(this.#watch);
  }

  /** All are known from now on: who is there, and who is not. */
  #survey(watch: PresenceWatch): void {
    const now = this.#now();
    this.#watch = { ...watch, settled: watch.settled ?? now };
    const all = this.#options.devices()[Symbol.iterator]();
    const look = (): void => {
      for (let count = 0; count < atOnce; count += 1) {
        const { done, value: device } = all.next();
        if (done || this.#watch?.begun !== watch.begun) return;
        if (device.online) this.#put(device.id, now, true);
        else if (device.boot !== null) this.#put(device.id, now, false);
      }
      this.#surveying = setImmediate(look);
    };
    look();
  }

  /** Those that only publish do not say that they go. */
  #listen({ begun }: PresenceWatch, now: number): void {
    for (const device of this.#options.devices()) {
      const { id, online, boot, lastSeen, silentAfter } = device;
      if (online || boot !== null || lastSeen === null) continue;
      const isHeard = livenessOf(device, now) === "reporting";
      if (isHeard && lastSeen >= begun) this.#put(id, lastSeen, true);
      else if (!isHeard && now - begun > (silentAfter ?? silentByDefault))
        this.#put(id, Math.max(lastSeen, begun), false);
    }
  }

  #put(device: DeviceId, ts: number, up: boolean): void {
    const last = this.#last(device);
    if (last?.up === up) return;
    // One change behind the other, whatever the clock does in between.
    const change = { device, ts: Math.round(Math.max(ts, (last?.ts ?? -Infinity) + 1)), up };
    this.#known.set(device, change);
    const waiting = this.#waiting.get(device) ?? [];
    // A new list: the one that is being written stays what it is.
    this.#waiting.set(device, waiting.length < maxChangesEach ? [...waiting, change] : waiting.slice(0, -1));
  }

  #last(device: DeviceId): PresenceChange | undefined {
    if (!this.#known.has(device)) this.#known.set(device, this.rows.last(device));
    return this.#known.get(device);
  }

  #now(): number {
    return Math.round(this.#options.clock.now());
  }
}
