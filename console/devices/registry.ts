import { systemClock, type Clock } from "#shared/clock";
import type { Valued } from "#shared/filter/evaluate-filter";
import { shortId, type DeviceId } from "#shared/ids";
import { learnedOf, silentAfter, type Lived } from "#shared/liveness";
import type { Birth, Status } from "#shared/messages/presence-messages";
import { Signal } from "#shared/signal";
import { newEntry, toDevice, type Device, type DeviceEntry, type Observed, type PeoplesWord } from "./device.ts";
import { born, gone, shutOut, spoken, unheard } from "./device-presence.ts";
import { DeviceRows } from "./device-rows.ts";
import { twoMachines } from "./identity-guard.ts";
import { Revisions } from "./revisions.ts";
import type { ClockState } from "../clock/skews.ts";
import type { Overwritten, Sample } from "./latest-values.ts";
import type { Database } from "../database/database.ts";
import type { SeriesColumns } from "../store/store.ts";

export interface RegistryOptions {
  /** Takes what a listener to changes throws, and what the disk does not take. */
  readonly failed?: (thrown: unknown) => void;
  readonly database: Database;
  readonly clock?: Clock;
  /** Whether the device has an account; such a device is known before it is first heard. */
  readonly enrolled: (id: string) => boolean;
  /** What people say of it; nothing unless given. */
  readonly people?: (id: DeviceId) => PeoplesWord;
}

/** Milliseconds that agents have to come back after the broker did, before they count as offline: their longest back-off and a bit. */
const confirmationGrace = 45_000;

/** Milliseconds between two writes of when a device was heard last: of ten thousand devices, some twenty in a second. */
export const keepSeenEvery = 600_000;

/** Every device that was ever heard or enrolled: presence, what it offers, its newest values. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #clock: Clock;
  readonly #rows: DeviceRows;
  readonly #entries = new Map<DeviceId, DeviceEntry>();
  /** By their ids, until one more comes. */
  #sorted: readonly DeviceEntry[] | undefined;
  /** Every change of a device's presence or of what it says about itself. */
  readonly changes: Signal<Device>;
  /** Every device that is no more. */
  readonly removals: Signal<DeviceId>;
  /** One that only publishes was heard after having been silent; and when it had been heard before, epoch ms. */
  readonly returns: Signal<{ readonly id: DeviceId; readonly last: number }>;
  /** Whoever is there has had time to say so, since the broker came. */
  readonly settled: Signal<void>;
  /** Every change of anything that is known of a device, numbered. */
  readonly revisions: Revisions;
  #cancelGrace: (() => void) | undefined;
  #recalledAll = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.changes = new Signal(options.failed);
    this.removals = new Signal(options.failed);
    this.returns = new Signal(options.failed);
    this.settled = new Signal(options.failed);
    this.#clock = options.clock ?? systemClock;
    this.#rows = new DeviceRows(options.database);
    this.revisions = new Revisions(shortId());
  }

  /** Reads what is kept. Nobody counts as online before being heard. */
  start(): void {
    for (const entry of this.#rows.all()) this.#entries.set(entry.id, entry);
  }

  stop(): void {
    this.#cancelGrace?.();
    for (const entry of this.#entries.values()) this.#save(entry);
  }

  /** Whether messages of this device are taken: it has an account, or has introduced itself with a birth. */
  isKnown(id: DeviceId): boolean {
    return this.#entries.has(id) || this.#options.enrolled(id);
  }

  get(id: string): Device | undefined {
    const entry = this.#entries.get(id as DeviceId);
    if (entry) return this.#whole(entry);
    return this.#options.enrolled(id) ? this.#whole(newEntry(id as DeviceId)) : undefined;
  }

  /** Lets go of a device; its row is deleted with {@link erase}. */
  remove(id: DeviceId): void {
    this.#entries.delete(id);
    this.#sorted = undefined;
    this.revisions.went(id);
    this.removals.emit(id);
  }

  /** @throws Error of the database */
  erase(id: DeviceId): void {
    this.#rows.erase(id);
  }

  /** Whether each is there, by their ids, from behind one on: without all else that is known of it. */
  *lives(after = ""): Generator<Lived & { readonly id: DeviceId; readonly since: number | null }, void, void> {
    const sorted = this.#byId();
    const first = after === "" ? 0 : sorted.findIndex(({ id }) => id > after);
    for (let at = first; at >= 0 && at < sorted.length; at++) {
      const entry = sorted[at];
      if (!entry) continue;
      const { id, online, since, lastSeen, birth, rhythm } = entry;
      yield { id, online, since, lastSeen, boot: birth?.boot ?? null, silentAfter: silentAfter(rhythm) };
    }
  }

  /** How many devices there are, and how many of them are online. */
  counts(): { readonly known: number; readonly online: number } {
    let online = 0;
    for (const entry of this.#entries.values()) if (entry.online) online += 1;
    return { known: this.#entries.size, online };
  }

  /** How many devices there are. */
  get size(): number {
    return this.#entries.size;
  }

  list(): readonly Device[] {
    return [...this.walk()];
  }

  /**
   * By their ids, one by one, to be gone through in several turns of the event loop.
   * @param after only those behind this id
   * @param since only those that have changed after this revision
   */
  *walk(after = "", since = -1): Generator<Device, void, void> {
    const sorted = this.#byId();
    const first = sorted.findIndex(({ id }) => id > after);
    for (let at = first; at >= 0 && at < sorted.length; at++) {
      const entry = sorted[at];
      if (entry && entry.revision > since) yield this.#whole(entry);
    }
  }

  /** Those that have changed after a revision, the one that changed the longest ago first. @param most of them */
  changedSince(revision: number, most: number): { readonly devices: readonly Device[]; readonly upTo: number } {
    const changed: DeviceEntry[] = [];
    for (const entry of this.#entries.values()) if (entry.revision > revision) changed.push(entry);
    const told = changed.sort((a, b) => a.revision - b.revision).slice(0, most);
    const upTo = told.length < changed.length ? told.at(-1)?.revision : this.revisions.last;
    return { devices: told.map((entry) => this.#whole(entry)), upTo: upTo ?? revision };
  }

  /** Those of the newest values that tell how a device is, for a list of many. */
  glance(id: string): readonly Sample[] {
    return this.#entries.get(id as DeviceId)?.latest.glance() ?? [];
  }

  latest(id: string): readonly Sample[] {
    return this.#entries.get(id as DeviceId)?.latest.list() ?? [];
  }

  /** The newest value of a measurement's field: of the whole, or of each series. @param since samples from before this moment say nothing */
  valued(id: string, measurement: string, field: string, since?: number): Valued {
    return this.#entries.get(id as DeviceId)?.latest.valued(measurement, field, since);
  }

  /** When a device's newest sample was taken, epoch ms. */
  sampled(id: string): number | undefined {
    return this.#entries.get(id as DeviceId)?.latest.newest;
  }

  /** What a device measures, as filters name it. */
  valueNames(id: string): Iterable<string> {
    return this.#entries.get(id as DeviceId)?.latest.names() ?? [];
  }

  /**
   * Takes a presence message.
   * @param retained whether the broker had kept it
   * @returns a refusal to send to that run of the agent, when another one proved to live under the same id
   */
  presence(
    id: DeviceId,
    status: Status,
    retained = false,
  ): { readonly boot: string; readonly why: string } | undefined {
    const entry = this.#entry(id);
    if (!status.online) {
      if (gone(entry, status, { retained, now: this.#clock.now() })) this.#changed(entry);
      return undefined;
    }
    // What a broker had kept may be of a run that is over: it proves nothing about who is alive.
    if (!(retained && entry.guard.knows) && entry.guard.born(status, this.#clock.now())) {
      const { problem, refusal } = twoMachines(id, entry.birth?.facts, status.facts);
      entry.problem = problem;
      this.#changed(entry);
      return { boot: status.boot, why: refusal };
    }
    // The one that was refused has taken the place of one that is gone.
    if (entry.problem !== null && entry.birth?.instance !== status.instance) entry.problem = null;
    born(entry, status, this.#clock.now());
    this.#changed(entry);
    return undefined;
  }

  /**
   * Notes that the device was heard just now, with a newest sample of the moment `taken`, epoch ms, where it sent some. Who sends all the time is written
   * down now and then: the process may be killed, or copied.
   */
  seen(id: DeviceId, taken?: number): void {
    const entry = this.#entry(id);
    const now = this.#clock.now();
    const last = entry.lastSeen;
    if (!entry.birth && last !== null && now - last > silentAfter(entry.rhythm)) this.returns.emit({ id, last });
    entry.lastSeen = now;
    entry.confirmed = true;
    entry.revision = this.revisions.next();
    if (!entry.birth) entry.rhythm = learnedOf(entry.rhythm, taken, now);
    if (Math.abs(now - (entry.kept ?? -Infinity)) >= keepSeenEvery) this.#save(entry);
  }

  /** The store was asked for the values of all devices. */
  recalledAll(): void {
    this.#recalledAll = true;
  }

  /** Whether a value that nobody tells is told by nobody: what the store has is known, and each agent that is there has sent something. */
  knowsValues(): boolean {
    if (!this.#recalledAll) return false;
    for (const { online, birth, latest } of this.#entries.values())
      if (online && birth && !birth.paused && latest.newest === undefined) return false;
    return true;
  }

  /** Takes newest values that the store has kept, of a device that sends its series seldom, or not again; what has come since stays. */
  recall(id: DeviceId, series: readonly SeriesColumns[]): void {
    const entry = this.#entries.get(id);
    if (!entry || series.length === 0) return;
    const now = this.#clock.now();
    entry.latest.observe(series, now);
    const last = Math.max(...series.map(({ times }) => times.at(-1) ?? 0));
    // What a clock of its own has said of the future was heard before all the same.
    if (last > (entry.lastSeen ?? 0)) entry.lastSeen = Math.min(last, now);
    entry.revision = this.revisions.next();
    this.changes.emit(this.#whole(entry));
  }

  /**
   * The device itself has said something, a batch or a reply. Not every broker hands out births by wildcard when the console comes, so one that
   * counts as offline only because nothing was heard is there.
   */
  spoke(id: DeviceId): void {
    const entry = this.#entries.get(id);
    if (entry && spoken(entry, this.#clock.now())) this.#changed(entry);
  }

  /** Keeps values that are newer than the ones known. The rest is as with {@link ValuesSection.observe}. */
  observe(id: DeviceId, series: readonly SeriesColumns[], latest?: number): Overwritten | undefined {
    const entry = this.#entry(id);
    entry.revision = this.revisions.next();
    return entry.latest.observe(series, latest);
  }

  /** Notes what the device's clock is like. Only what a person should know is a change. */
  observeClock(id: DeviceId, { skew, problem }: ClockState): void {
    if (!this.isKnown(id)) return;
    const entry = this.#entry(id);
    entry.skew = skew;
    this.observeProblem(id, "clock", problem);
  }

  /** Notes what a person should look at of a device, as a sentence; null when it is over. */
  observeProblem(id: DeviceId, what: Observed, problem: string | null): void {
    // Whoever it is about may be gone for good: that makes no device of it.
    if (!this.isKnown(id)) return;
    const entry = this.#entry(id);
    if ((entry.observed.get(what) ?? null) === problem) return;
    if (problem === null) entry.observed.delete(what);
    else entry.observed.set(what, problem);
    this.#changed(entry);
  }

  /** What was open with it ends, and its last word is not taken any more. @param presumed whether it is there if it speaks all the same @returns whether it was online */
  shutOut(id: DeviceId, reason: string, presumed = true): boolean {
    const entry = this.#entries.get(id);
    if (!entry || !shutOut(entry, { reason, presumed, now: this.#clock.now() })) return false;
    this.#changed(entry);
    return true;
  }

  /** How a device that is online has introduced itself; undefined of all others. */
  birthOf(id: string): Birth | undefined {
    const entry = this.#entries.get(id as DeviceId);
    return entry?.online ? entry.birth : undefined;
  }

  /** People say something else of it by now. */
  peopleSaid(id: DeviceId): void {
    const entry = this.#entries.get(id);
    if (entry) entry.revision = this.revisions.next();
    const device = this.get(id);
    if (device) this.changes.emit(device);
  }

  /** The broker came back and may have lost wills meanwhile: who is not heard within the grace counts as offline. */
  brokerCameBack(): void {
    for (const entry of this.#entries.values()) entry.confirmed = false;
    this.#cancelGrace?.();
    this.#cancelGrace = this.#clock.after(confirmationGrace, () => {
      const now = this.#clock.now();
      for (const entry of this.#entries.values()) if (unheard(entry, now)) this.#changed(entry);
      this.settled.emit();
    });
  }

  #byId(): readonly DeviceEntry[] {
    return (this.#sorted ??= [...this.#entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }

  #entry(id: DeviceId): DeviceEntry {
    const known = this.#entries.get(id);
    if (known) return known;
    const entry = newEntry(id);
    this.#entries.set(id, entry);
    this.#sorted = undefined;
    // A device without a birth, such as one that only sends simple samples, shows up with its first message.
    this.#changed(entry);
    return entry;
  }

  #changed(entry: DeviceEntry): void {
    entry.revision = this.revisions.next();
    this.#save(entry);
    this.changes.emit(this.#whole(entry));
  }

  #whole(entry: DeviceEntry): Device {
    return { ...toDevice(entry), ...this.#options.people?.(entry.id) };
  }

  /** What the disk does not take is known all the same, and saved when it does: no message is lost for it. */
  #save(entry: DeviceEntry): void {
    try {
      this.#rows.save(entry, this.#clock.now());
    } catch (thrown) {
      if (!this.#options.failed) throw thrown;
      this.#options.failed(thrown);
    }
  }
}
