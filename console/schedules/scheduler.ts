import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import type { Clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import type { Log } from "#shared/log";
import { quoted } from "#shared/printable";
import { mayReach, type GroupsOf } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import { both } from "../accounts/group-limits.ts";
import { isRefusedWrite } from "../database/database.ts";
import { retryAfter } from "../database/persist.ts";
import { JobRefusedError } from "../jobs/job-errors.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Reach } from "../jobs/target.ts";
import { dueRuns, maxMissedTold, type DueRuns } from "./due.ts";
import { runId, type Schedule, type ScheduleRun } from "./schedule.ts";
import type { Schedules } from "./schedules.ts";

export interface SchedulerOptions {
  readonly schedules: Schedules;
  readonly jobs: Pick<Jobs, "create" | "look">;
  readonly accounts: Pick<Accounts, "find" | "madeAt" | "tokens">;
  readonly groupsOf: GroupsOf;
  readonly clock: Clock;
  /** Whether the present moment is known well enough to begin something by it. */
  readonly timely: () => boolean;
  /** How a run that is not begun is written down. */
  readonly tell: (schedule: Schedule, run: ScheduleRun) => void;
  readonly log: Log;
}

/** Milliseconds after a start until the first look: by then the broker has told which devices are there. */
export const firstLookAfter = 2_000;
/** Milliseconds between two looks at most: the wall clock may be put forward meanwhile, which no timer hears. */
export const maxSleep = 30_000;

/**
 * Begins what is due. A run is a job whose id is made of its schedule and its time, so that whatever is killed between the job's row and the
 * schedule's, the next start finds the job and makes no second one.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  /** By schedule, the first time behind those that are dealt with, of its line as that was. */
  readonly #next = new Map<string, { readonly of: string; readonly next: number | undefined }>();
  #cancel: (() => void) | undefined;
  #off: () => void = () => {};
  #doubt: string | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** @param doubt why nobody knows what was begun before this moment, as a sentence: it is told, and not begun */
  start(doubt?: string): void {
    this.#doubt = doubt;
    this.#off = this.#options.schedules.changes.on(() => this.#plan());
    this.#plan(firstLookAfter);
  }

  stop(): void {
    this.#off();
    this.#cancel?.();
  }

  #look(): void {
    const { schedules, clock, timely } = this.#options;
    let retry = false;
    if (timely()) {
      const now = Math.round(clock.now());
      for (const schedule of schedules.list()) if (!schedule.paused) retry = !this.#serve(schedule, now) || retry;
      this.#doubt = undefined;
    }
    this.#plan(retry ? retryAfter : undefined);
  }

  /** @param after milliseconds, where it is not the next time that something is due */
  #plan(after?: number): void {
    const { schedules, clock } = this.#options;
    this.#cancel?.();
    this.#cancel = undefined;
    const open = schedules.list().filter(({ paused }) => !paused);
    if (open.length === 0) return;
    const now = clock.now();
    const next = Math.min(...open.map((schedule) => this.#nextOf(schedule) ?? Infinity));
    // What is due and was not dealt with waits for the clock to be believed.
    const wait = after ?? (next > now ? Math.min(maxSleep, next - now) : maxSleep);
    this.#cancel = clock.after(wait, () => this.#look());
  }

  /** Reckoned once for each time that it is dealt with: a look at a time zone costs a quarter of a millisecond. */
  #nextOf(schedule: Schedule): number | undefined {
    const { id, handled, cron, zone } = schedule;
    const of = `${handled} ${cron} ${zone}`;
    const known = this.#next.get(id);
    if (known?.of === of) return known.next;
    const next = this.#reckon(schedule);
    this.#next.set(id, { of, next });
    return next;
  }

  #reckon(schedule: Schedule): number | undefined {
    const { schedules, log } = this.#options;
    try {
      return schedules.times(schedule).after(schedule.handled);
    } catch (thrown) {
      if (!(thrown instanceof BadInputError)) throw thrown;
      log.error({ schedule: schedule.id }, `the schedule ${schedule.name} is never due: ${thrown.message}`);
      return undefined;
    }
  }

  /** @returns false where it is to be tried again, because the disk takes nothing now */
  #serve(schedule: Schedule, now: number): boolean {
    const { schedules, log } = this.#options;
    try {
      // The clock was put back: what comes again is known by its runs.
      if (schedule.handled > now) schedules.note(schedule, now, []);
      const next = this.#nextOf(schedules.find(schedule.id) ?? schedule);
      if (next === undefined || next > now) return true;
      const known = (due: number): boolean => schedules.isKnown(schedule.id, due);
      const due = dueRuns(schedule, schedules.times(schedule), now, known);
      const runs = this.#runs(schedule, due, now);
      schedules.note(schedule, now, runs);
      for (const run of runs) if (run.state !== "begun") this.#options.tell(schedule, run);
      return true;
    } catch (thrown) {
      if (isRefusedWrite(thrown) || thrown instanceof EnvironmentError) return false;
      log.error(
        { err: asError(thrown), schedule: schedule.id },
        `the schedule ${schedule.name} could not be looked at`,
      );
      return true;
    }
  }

  #runs(schedule: Schedule, { begin, missed, more }: DueRuns, now: number): readonly ScheduleRun[] {
    const doubt = this.#doubt;
    const told = missed.slice(-maxMissedTold).map((due, at) => missedRun(due, now, doubt, more && at === 0));
    if (!begin) return told;
    if (doubt !== undefined) return [...told, missedRun(begin.due, now, doubt, false)];
    return [...told, this.#begin(schedule, begin, now)];
  }

  #begin(schedule: Schedule, { due, late }: NonNullable<DueRuns["begin"]>, now: number): ScheduleRun {
    const { jobs } = this.#options;
    const id = runId(schedule, due);
    const why = late ? `begun ${formatDuration(now - due)} late` : null;
    if (jobs.look(id)) return { due, ts: now, state: "begun", job: id, why };
    try {
      const reaches = this.#reachOf(schedule);
      jobs.create({ ...schedule.order, id }, `${schedule.by} (schedule ${schedule.name})`, {
        from: "schedule",
        reaches,
        schedule: { id: schedule.id, name: schedule.name },
      });
      return { due, ts: now, state: "begun", job: id, why };
    } catch (thrown) {
      if (thrown instanceof JobRefusedError || thrown instanceof BadInputError)
        return { due, ts: now, state: "refused", job: null, why: thrown.message };
      throw thrown;
    }
  }

  /** What its maker may reach at this moment, and no more than at its making. @throws BadInputError where he may not send commands any more */
  #reachOf({ by, account, token, limit }: Schedule): Reach | undefined {
    const { accounts } = this.#options;
    const maker = accounts.find(by);
    if (!maker) throw new BadInputError(`"${by}", who made the schedule, has no account any more`);
    if (accounts.madeAt(by) !== account)
      throw new BadInputError(`"${by}" is not who made the schedule, but another account of the same name`);
    if (token && !accounts.tokens.live(token.id))
      throw new BadInputError(`the token ${quoted(token.name)} of "${by}", which made the schedule, has ended`);
    if (maker.role !== "operator" && maker.role !== "admin")
      throw new BadInputError(`"${by}", who made the schedule, is ${maker.role} by now, and sends no commands`);
    const groups = both(maker.groups, limit);
    return groups && ((device) => mayReach({ groups }, device, this.#options.groupsOf));
  }
}

function missedRun(due: number, now: number, doubt: string | undefined, more: boolean): ScheduleRun {
  const late = formatDuration(now - due);
  const why = doubt ?? `the console was not there, or could not, until ${late} later`;
  return { due, ts: now, state: "missed", job: null, why: more ? `${why}; so were those before it` : why };
}
