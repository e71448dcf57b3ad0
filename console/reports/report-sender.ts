import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { isRefusedWrite, transaction, type Database } from "../database/database.ts";
import { enqueue } from "../notifications/enqueue.ts";
import { cronTimes } from "../schedules/cron-times.ts";
import type { FleetReports } from "./fleet-reports.ts";
import { calendarPeriod, type PeriodKind } from "./periods.ts";
import { maxRowsSent, reportNotice } from "./report-notice.ts";

/** To whom reports go by themselves: by which channels, each by its name; none where there are none. */
export interface ReportsSent {
  readonly weekly: readonly string[];
  readonly monthly: readonly string[];
  /** The time zone whose weeks, months and mornings are meant. */
  readonly zone: string;
}

export interface ReportSenderOptions {
  readonly database: Database;
  readonly reports: Pick<FleetReports, "make">;
  /** Asked each time: it changes while Muster runs. */
  readonly sent: () => ReportsSent;
  /** Where the page of reports is, as browsers reach it. */
  readonly url: string | null;
  readonly clock: Clock;
  /** Whether the present moment is known well enough. */
  readonly timely: () => boolean;
  /** There is something to be said. */
  readonly wake: () => void;
  readonly log: Log;
}

/** When each is due: on Monday, and on the first, at seven in the morning. */
const dueAt: Readonly<Record<PeriodKind, string>> = { week: "0 7 * * 1", month: "0 7 1 * *" };
/** Milliseconds after a start until the first look: the devices come first. */
export const firstReportLook = 60_000;
/** Milliseconds between two looks: the settings and the clock may be others by then. */
const lookEach = 60_000;
/** Milliseconds by which a clock may be put back so that what was sent before is not sent again: it was right by so much. */
const forgivenStep = 86_400_000;

/**
 * Sends reports when they are due, by the queue of the notices: written down in one transaction with the moment up to which all that was due is
 * dealt with, so that whatever is killed, each goes there once. Of those that were due while the console was away the newest goes as it is back.
 */
export class ReportSender {
  readonly #options: ReportSenderOptions;
  #cancel: (() => void) | undefined;
  /** What is being made: a report goes through the whole fleet. */
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ReportSenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.#plan(firstReportLook);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#work;
  }

  #plan(after: number): void {
    this.#cancel = this.#options.clock.after(after, () => {
      this.#work = this.look().finally(() => {
        if (!this.#stopped) this.#plan(lookEach);
      });
    });
  }

  /** Sends what is due. */
  async look(): Promise<void> {
    const { sent, timely, log } = this.#options;
    if (!timely()) return;
    const { weekly, monthly, zone } = sent();
    for (const [kind, channels] of [["week", weekly] as const, ["month", monthly] as const]) {
      try {
        await this.#serve(kind, channels, zone);
      } catch (thrown) {
        // The next look tries again.
        if (!isRefusedWrite(thrown))
          log.error({ err: asError(thrown) }, `the report of the last ${kind} could not be sent`);
      }
    }
  }

  async #serve(kind: PeriodKind, channels: readonly string[], zone: string): Promise<void> {
    const { database, clock, reports, url, wake } = this.#options;
    const now = Math.round(clock.now());
    const handled = this.#handled(kind);
    if (channels.length === 0) {
      if (handled !== undefined) this.#forget(kind);
      return;
    }
    // What was due before anybody wanted it is nobody's; nor is what was due by a clock that was put back since.
    if (handled === undefined || handled > now + forgivenStep) return this.#note(kind, now);
    const [due] = cronTimes(dueAt[kind], zone).before(now + 1, 1);
    if (due === undefined || due <= handled) return;
    const period = calendarPeriod(kind, 1, { zone, now: due });
    const report = await reports.make({ period, group: undefined, limit: maxRowsSent });
    if (this.#stopped) return;
    transaction(database, () => {
      enqueue(database, reportNotice(report, due, url), channels);
      this.#note(kind, due);
    });
    wake();
  }

  #handled(kind: PeriodKind): number | undefined {
    const row = this.#options.database.prepare("SELECT handled FROM report_times WHERE kind = ?").get(kind);
    return (row as { readonly handled: number } | undefined)?.handled;
  }

  #note(kind: PeriodKind, handled: number): void {
    this.#options.database
      .prepare("INSERT OR REPLACE INTO report_times (kind, handled) VALUES (?, ?)")
      .run(kind, handled);
  }

  #forget(kind: PeriodKind): void {
    this.#options.database.prepare("DELETE FROM report_times WHERE kind = ?").run(kind);
  }
}
