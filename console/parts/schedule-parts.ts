import type { ClockDoubt } from "../clock/clock-doubt.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Schedule, ScheduleRun } from "../schedules/schedule.ts";
import { Scheduler } from "../schedules/scheduler.ts";
import { Schedules } from "../schedules/schedules.ts";
import { failedListener, type Surroundings } from "./surroundings.ts";

/** Commands and jobs that are begun by the clock. */
export function scheduleParts(
  given: Surroundings,
  { jobs, doubt }: { readonly jobs: Jobs; readonly doubt: ClockDoubt },
): { readonly schedules: Schedules; readonly scheduler: Scheduler } {
  const { clock, log } = given;
  const { database, accounts, groups, audit } = given.state;
  const schedules = new Schedules({ database, clock, failed: failedListener(given) });
  const tell = ({ id, name }: Schedule, { due, state, why }: ScheduleRun): void => {
    const detail = { name, due: new Date(due).toISOString() };
    const result = `${state}: ${why ?? ""}`;
    audit.note({ who: "console", from: "console", what: `schedule.${state}`, on: id, result, detail });
    log.warn({ schedule: id, ...detail }, `the schedule ${name} did not begin: ${why ?? state}`);
  };
  const scheduler = new Scheduler({
    schedules,
    jobs,
    accounts,
    groupsOf: (device) => groups.of(device),
    clock,
    timely: () => doubt.trust === "full",
    tell,
    log,
  });
  return { schedules, scheduler };
}
