import { counted } from "#shared/counted";
import { BadInputError } from "#shared/errors";
import { sortableId } from "#shared/ids";
import type { Clock } from "#shared/clock";
import { quoted } from "#shared/printable";
import { Signal } from "#shared/signal";
import { personsName } from "#shared/device-labels";
import type { Database } from "../database/database.ts";
import { cronTimes, nextTimes, type CronTimes } from "./cron-times.ts";
import { ScheduleRows } from "./schedule-rows.ts";
import type { Schedule, ScheduleOrder, ScheduleRun } from "./schedule.ts";

/** Schedules kept at once: all are looked at each minute. */
export const maxSchedules = 200;
/** Of these those of one person: a program that makes one at each start fills up its own share, and no other's. */
export const maxSchedulesOfOne = 50;
/** Of these those that administrators alone may make: they are not kept out by all others together. */
export const schedulesOfAdmins = 50;
/** Milliseconds that a run may be late at most: what is more is another run. */
export const maxWindow = 7 * 86_400_000;
/** Instants that are shown of the future. */
export const maxNextShown = 5;

export interface SchedulesOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly failed?: (thrown: unknown) => void;
}

/** Who makes a schedule. */
export interface ScheduleMaker extends Pick<Schedule, "by" | "account" | "token" | "limit"> {
  /** Whether it is an administrator of the whole fleet. */
  readonly admin: boolean;
}

/** The schedules as they are kept; the scheduler carries them out. */
export class Schedules {
  /** One was made, changed or removed. */
  readonly changes: Signal<string>;
  readonly #clock: Clock;
  readonly #rows: ScheduleRows;
  readonly #times = new Map<string, CronTimes>();
  #known: Map<string, Schedule> | undefined;

  constructor({ database, clock, failed }: SchedulesOptions) {
    this.changes = new Signal(failed);
    this.#clock = clock;
    this.#rows = new ScheduleRows(database);
  }

  list(): readonly Schedule[] {
    return [...this.#all.values()];
  }

  find(id: string): Schedule | undefined {
    return this.#all.get(id);
  }

  /** What became of its times, the newest first. */
  runs(id: string): readonly ScheduleRun[] {
    return this.#rows.runs(id);
  }

  isKnown(id: string, due: number): boolean {
    return this.#rows.isKnown(id, due);
  }

  /** When it is due next; nothing while it is paused. */
  next(schedule: Schedule, count = maxNextShown): readonly number[] {
    if (schedule.paused) return [];
    return nextTimes(this.times(schedule), Math.max(schedule.handled, this.#clock.now()), count);
  }

  /** @throws BadInputError where its cron line does not read any more, as of another version of its reader */
  times({ id, cron, zone }: Schedule): CronTimes {
    const known = this.#times.get(id);
    if (known) return known;
    const times = cronTimes(cron, zone);
    this.#times.set(id, times);
    return times;
  }

  /**
   * Makes one. Within a transaction of the caller. @returns it, and what to call when that is through
   * @throws BadInputError for what cannot be
   */
  create(
    order: ScheduleOrder,
    { admin, ...maker }: ScheduleMaker,
  ): { readonly schedule: Schedule; readonly done: () => void } {
    this.#assertShare(maker);
    this.#assertRoom(admin);
    const now = Math.round(this.#clock.now());
    const schedule: Schedule = {
      ...this.#checked(order, now),
      id: sortableId(now),
      ...maker,
      created: now,
      paused: null,
      handled: now,
    };
    return { schedule, done: this.#put(schedule) };
  }

  /**
   * Has one do something else, or at other times, from now on. It is its changer's from then on: who says what is done answers for it, and it ends with
   * his account or token. Within a transaction of the caller. @returns what to call when that is through @throws BadInputError for what cannot be
   */
  change({ id, created, paused }: Schedule, order: ScheduleOrder, maker: Omit<ScheduleMaker, "admin">): () => void {
    const { by, account, token, limit } = maker;
    const before = this.find(id);
    if (before?.by !== by || before.account !== account) this.#assertShare(maker);
    const now = Math.round(this.#clock.now());
    return this.#put({ ...this.#checked(order, now), id, by, account, token, limit, created, paused, handled: now });
  }

  #checked(order: ScheduleOrder, now: number): ScheduleOrder {
    if (cronTimes(order.cron, order.zone).after(now) === undefined)
      throw new BadInputError(`the cron line ${quoted(order.cron)} is never due: expected one that some day is`);
    if (!(order.window >= 0 && order.window <= maxWindow))
      throw new BadInputError("the window is too long: expected 7d at most");
    const name = personsName(order.name);
    if (name === "") throw new BadInputError("the schedule has no name: expected a few words for people");
    return { ...order, name };
  }

  #assertShare({ by, account }: Omit<ScheduleMaker, "admin">): void {
    const own = this.list().filter((one) => one.by === by && one.account === account).length;
    if (own >= maxSchedulesOfOne)
      throw new BadInputError(`"${by}" has ${counted(own, "schedule")}, and may have no more: remove one first`);
  }

  #assertRoom(admin: boolean): void {
    const all = this.#all.size;
    if (all >= maxSchedules)
      throw new BadInputError(`there are ${counted(all, "schedule")}, and no more may: remove one first`);
    if (!admin && all >= maxSchedules - schedulesOfAdmins)
      throw new BadInputError(
        `there are ${counted(all, "schedule")}, and the rest are for administrators of the whole fleet: remove one first`,
      );
  }

  /** What is due meanwhile is not missed. Within a transaction of the caller. @returns what to call when that is through */
  pause(schedule: Schedule, by: string): () => void {
    return this.#put({ ...schedule, paused: { by, ts: Math.round(this.#clock.now()) } });
  }

  resume(schedule: Schedule): () => void {
    return this.#put({ ...schedule, paused: null, handled: Math.round(this.#clock.now()) });
  }

  /** With what is remembered of it; jobs that it has become stay. Within a transaction of the caller. */
  remove({ id }: Schedule): () => void {
    this.#rows.remove(id);
    return () => {
      this.#known?.delete(id);
      this.#times.delete(id);
      this.changes.emit(id);
    };
  }

  /** What became of some of its times. @throws Error of the database: then nothing has changed */
  note(schedule: Schedule, handled: number, runs: readonly ScheduleRun[]): void {
    this.#rows.note(schedule.id, handled, runs);
    this.#all.set(schedule.id, { ...schedule, handled });
    if (runs.length > 0) this.changes.emit(schedule.id);
  }

  #put(schedule: Schedule): () => void {
    this.#rows.put(schedule);
    return () => {
      this.#all.set(schedule.id, schedule);
      this.#times.delete(schedule.id);
      this.changes.emit(schedule.id);
    };
  }

  get #all(): Map<string, Schedule> {
    this.#known ??= new Map(this.#rows.all().map((schedule) => [schedule.id, schedule]));
    return this.#known;
  }
}
