import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { suite, type Scope } from "../../test/suite.ts";
import type { Jobs, JobSummary } from "../jobs/jobs.ts";
import { JobRefusedError } from "../jobs/job-errors.ts";
import { migrations } from "../database/schema.ts";
import { openState, type State } from "../state/state.ts";
import { maxRunsKept } from "./schedule-rows.ts";
import { runId, type ScheduleOrder } from "./schedule.ts";
import { Scheduler, firstLookAfter } from "./scheduler.ts";
import {
  maxSchedules,
  maxSchedulesOfOne,
  maxWindow,
  Schedules,
  schedulesOfAdmins,
  type ScheduleMaker,
} from "./schedules.ts";

const minute = 60_000;
const day = 86_400_000;
const begin = Date.UTC(2026, 0, 1);
const nightly: ScheduleOrder = {
  name: "nightly",
  cron: "0 3 * * *",
  zone: "UTC",
  window: 30 * minute,
  missed: "run",
  order: { key: "ping", args: {}, target: { all: true }, rate: 10, canary: 0, abort: null, ttl: 1_000, timeout: null },
};

/** Jobs that are written down as made, and what refuses them; kept over starts, as their rows are. */
class Ledger implements Pick<Jobs, "create" | "look"> {
  readonly made: string[] = [];
  refuses: Error | undefined;
  reaches: readonly boolean[] = [];

  create: Jobs["create"] = (order, by, sender) => {
    if (this.refuses) throw this.refuses;
    if (this.made.includes(order.id ?? "")) throw new JobRefusedError("id-taken", "made twice");
    this.made.push(order.id ?? "");
    this.reaches = ["rpi-7", "rpi-8"].map((device) => sender?.reaches?.(device) ?? true);
    return { by } as JobSummary;
  };
  look: Jobs["look"] = (id) => (this.made.includes(id) ? ({ id } as JobSummary) : undefined);
}

interface Place {
  readonly clock: ManualClock;
  readonly state: State;
  readonly jobs: Ledger;
  readonly schedules: Schedules;
  readonly told: string[];
  /** A console that begins; the one before is gone without a word, as by a kill. */
  readonly start: (more?: { timely?: () => boolean; doubt?: string }) => Schedules;
}

async function place(scope: Scope): Promise<Place> {
  const clock = new ManualClock(begin);
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  state.accounts.set("ann", "operator");
  const jobs = new Ledger();
  const told: string[] = [];
  let running: Scheduler | undefined;
  const start: Place["start"] = ({ timely = () => true, doubt } = {}) => {
    running?.stop();
    const schedules = new Schedules({ database: state.database, clock });
    running = new Scheduler({
      schedules,
      jobs,
      accounts: state.accounts,
      groupsOf: (device) => state.groups.of(device),
      clock,
      timely,
      tell: (_, run) => told.push(`${run.state}: ${run.why}`),
      log: silentLog,
    });
    running.start(doubt);
    return schedules;
  };
  scope.cleanup(() => running?.stop());
  return { clock, state, jobs, told, start, schedules: start() };
}

function made(schedules: Schedules, order: Partial<ScheduleOrder> = {}, more: Partial<ScheduleMaker> = {}) {
  const maker = { by: "ann", account: begin, admin: false, ...more };
  const { schedule, done } = schedules.create({ ...nightly, ...order }, maker);
  done();
  return schedule;
}

suite("the scheduler", ({ test }) => {
  test("begins each run at its time, once, also where the console is killed in between and starts again", async (scope) => {
    const { clock, schedules, jobs, start, state } = await place(scope);
    const schedule = made(schedules);
    clock.advance(3 * 3_600_000);
    const first = runId(schedule, begin + 3 * 3_600_000);
    assert.equal(jobs.made, [first]);
    assert.match(first, /^[a-z0-9]{16,40}$/);
    // Killed behind the job's row and before the schedule's own.
    state.database.prepare("DELETE FROM schedule_runs").run();
    state.database.prepare("UPDATE schedules SET handled = ?").run(begin);
    const again = start();
    clock.advance(firstLookAfter);
    assert.equal(jobs.made, [first], "its job is found, and not made twice");
    assert.equal(
      again.runs(schedule.id).map(({ state: how, job }) => [how, job]),
      [["begun", first]],
    );
    // Killed before the job's row.
    jobs.made.length = 0;
    state.database.prepare("DELETE FROM schedule_runs").run();
    state.database.prepare("UPDATE schedules SET handled = ?").run(begin);
    start();
    clock.advance(firstLookAfter);
    assert.equal(jobs.made, [first], "it is made now");
    start();
    clock.advance(day);
    assert.is(jobs.made.length, 2, "and the next one at its time");
  });

  test("a changed one goes by its new line from then on, is its changer's, and fills his share", async (scope) => {
    const { clock, schedules, jobs, state } = await place(scope);
    state.accounts.set("bob", "operator");
    const schedule = made(schedules);
    const maker = { by: "bob", account: state.accounts.madeAt("bob"), admin: false };
    // At once: nothing but the line tells it from before.
    schedules.change(schedule, { ...nightly, name: "early", cron: "0 2 * * *" }, maker)();
    clock.advance(2 * 3_600_000);
    assert.equal(jobs.made, [runId(schedule, begin + 2 * 3_600_000)]);
    clock.advance(3_600_000);
    assert.is(jobs.made.length, 1, "and no more by its old one");
    assert.equal(
      schedules.list().map(({ id, name, by, created }) => [id, name, by, created]),
      [[schedule.id, "early", "bob", begin]],
    );
    for (let at = 1; at < maxSchedulesOfOne; at++) made(schedules, {}, maker);
    const full = made(schedules);
    const changing = (): unknown => schedules.change(full, nightly, maker);
    assert.throws(changing, /has 50 schedules, and may have no more/);
    schedules.change(full, nightly, { by: "ann", account: begin })();
  });

  test("what was missed is begun late once within its window, told beyond it, and only told where that is wished", async (scope) => {
    const { clock, schedules, jobs, start, told } = await place(scope);
    const runs = made(schedules);
    const tells = made(schedules, { missed: "tell" });
    clock.setWall(begin + 3 * day + 3 * 3_600_000 + 20 * minute);
    const now = start();
    clock.advance(firstLookAfter);
    const third = begin + 3 * day + 3 * 3_600_000;
    assert.equal(jobs.made, [runId(runs, third)]);
    const [latest, ...older] = now.runs(runs.id);
    assert.equal([latest?.state, latest?.why, older.length], ["begun", "begun 20m 2s late", 3]);
    assert.equal([...new Set(older.map(({ state }) => state))], ["missed"]);
    assert.equal([...new Set(now.runs(tells.id).map(({ state }) => state))], ["missed"]);
    assert.is(told.length, 7);
    assert.match(told.at(-1) ?? "", /^missed: the console was not there, or could not, until 20m 2s later$/);
    clock.setWall(begin + 5 * day);
    start();
    clock.advance(firstLookAfter);
    assert.equal(jobs.made, [runId(runs, third)], "beyond the window nothing is begun");
  });

  test("paused it begins nothing and misses nothing; removed it is gone with its runs", async (scope) => {
    const { clock, schedules, jobs, start, told } = await place(scope);
    const schedule = made(schedules);
    schedules.pause(schedule, "ann")();
    assert.equal(schedules.next(schedules.find(schedule.id) ?? schedule), []);
    clock.advance(2 * day);
    const again = start();
    clock.advance(firstLookAfter);
    const paused = again.find(schedule.id);
    assert.is(paused?.paused?.by, "ann");
    if (paused) again.resume(paused)();
    assert.equal([jobs.made.length, told.length], [0, 0]);
    clock.advance(day);
    assert.equal([jobs.made.length, told.length], [1, 0]);
    const resumed = again.find(schedule.id);
    if (resumed) again.remove(resumed)();
    clock.advance(2 * day);
    assert.equal([jobs.made.length, again.list().length, again.runs(schedule.id).length], [1, 0, 0]);
  });

  test("it does what its maker may at that time, and no more than at its making", async (scope) => {
    const { clock, schedules, jobs, state, told } = await place(scope);
    state.groups.set("rpi-7" as never, ["lab"]);
    made(schedules, {}, { limit: ["lab"] });
    clock.advance(day);
    assert.equal(jobs.reaches, [true, false], "the limit of its making");
    state.accounts.setRights("ann", { groups: ["field"] });
    clock.advance(day);
    assert.equal(jobs.reaches, [false, false], "and of now");
    state.accounts.setRights("ann", { role: "viewer", groups: null });
    clock.advance(day);
    assert.match(told.at(-1) ?? "", /refused: "ann", who made the schedule, is viewer by now/);
    state.accounts.remove("ann");
    clock.advance(day);
    assert.match(told.at(-1) ?? "", /refused: "ann", who made the schedule, has no account any more/);
    assert.is(jobs.made.length, 2);
    state.accounts.set("ann", "operator");
    clock.advance(day);
    assert.match(told.at(-1) ?? "", /refused: "ann" is not who made the schedule, but another account/);
    assert.is(jobs.made.length, 2);
  });

  test("one that a token made ends with the token: where it is revoked, and where it expires", async (scope) => {
    const { clock, schedules, jobs, state, told } = await place(scope);
    const issue = (ttl: number) => {
      const { id } = state.accounts.tokens.issue({ account: "ann", kind: "token", ttl, name: "deploys" });
      return { id, name: "deploys" };
    };
    const revoked = issue(30 * day);
    for (const token of [revoked, issue(2 * day)]) made(schedules, {}, { token });
    clock.advance(day);
    assert.equal([jobs.made.length, told], [2, []]);
    state.accounts.endToken(revoked.id);
    clock.advance(day);
    assert.is(jobs.made.length, 3);
    const ended = 'refused: the token "deploys" of "ann", which made the schedule, has ended';
    assert.equal(told, [ended]);
    clock.advance(day);
    assert.equal([jobs.made.length, told], [3, [ended, ended, ended]]);
  });

  test("those of before are their makers', where the account is older than the schedule", async (scope) => {
    const { state, schedules, start } = await place(scope);
    const kept = made(schedules, {}, { account: undefined });
    const foreign = made(schedules, {}, { by: "late", account: undefined });
    state.accounts.set("late", "operator");
    const later = state.database.prepare("UPDATE accounts SET created = ? WHERE name = 'late'");
    later.run(begin + day);
    state.database.prepare("INSERT INTO schedules (id, document, handled) VALUES ('bad', '{', 0)").run();
    const belongs = migrations.find((one) => one.includes("UPDATE schedules SET document = json_set"));
    state.database.exec(belongs ?? "");
    state.database.prepare("DELETE FROM schedules WHERE id = 'bad'").run();
    const now = start();
    assert.equal([now.find(kept.id)?.account, now.find(foreign.id)?.account], [begin, undefined]);
  });

  test("what cannot be begun is told with the reason; what the disk does not take is tried again within seconds", async (scope) => {
    const { clock, schedules, jobs, told } = await place(scope);
    const schedule = made(schedules);
    jobs.refuses = new JobRefusedError("no-devices", "there are no devices in group lab");
    clock.advance(day);
    assert.equal(told, ["refused: there are no devices in group lab"]);
    jobs.refuses = Object.assign(new Error("database or disk is full"), { sqliteCode: 13 });
    clock.advance(3 * 3_600_000 + 1_000);
    assert.is(schedules.runs(schedule.id).length, 1, "nothing is decided while the disk is full");
    jobs.refuses = undefined;
    clock.advance(5_000);
    assert.equal([jobs.made.length, schedules.runs(schedule.id)[0]?.state], [1, "begun"]);
  });

  test("while nobody knows whether the clock is right nothing is begun, nor what an older copy of the state may have begun", async (scope) => {
    const { clock, schedules, jobs, start, told } = await place(scope);
    made(schedules);
    let sure = false;
    start({ timely: () => sure });
    clock.advance(3 * 3_600_000 + 10 * minute);
    assert.equal(jobs.made, []);
    sure = true;
    clock.advance(minute);
    assert.is(jobs.made.length, 1);
    clock.setWall(begin + day + 3 * 3_600_000 + minute / 2);
    start({ doubt: "the console's state was put back to a copy of yesterday" });
    clock.advance(firstLookAfter);
    assert.equal([jobs.made.length, told], [1, ["missed: the console's state was put back to a copy of yesterday"]]);
    clock.advance(day);
    assert.is(jobs.made.length, 2, "from then on as ever");
  });

  test("a clock that is put back begins nothing twice", async (scope) => {
    const { clock, schedules, jobs } = await place(scope);
    made(schedules);
    clock.advance(4 * 3_600_000);
    clock.setWall(begin + 2 * 3_600_000);
    clock.advance(2 * 3_600_000);
    assert.is(jobs.made.length, 1);
    clock.advance(day);
    assert.is(jobs.made.length, 2);
  });

  test("bounds: so many schedules, so long a window, so many runs remembered; what never is due is refused", async (scope) => {
    const { clock, schedules, start } = await place(scope);
    const refused = (order: Partial<ScheduleOrder>, why: RegExp, more: Partial<ScheduleMaker> = {}): void => {
      try {
        made(schedules, order, more);
        assert.unreachable("it was taken");
      } catch (error) {
        assert.instance(error, BadInputError);
        assert.match((error as Error).message, why);
      }
    };
    refused({ window: maxWindow + 1 }, /expected 7d at most/);
    refused({ cron: "0 0 31 2 *" }, /is never due/);
    refused({ name: " " }, /has no name/);
    const often = made(schedules, { cron: "* * * * *", window: maxWindow });
    const yearly = { cron: "0 0 1 1 *" };
    const fill = (most: number, more: Partial<ScheduleMaker> = {}): void => {
      for (let count = 0; count < most; count += 1) made(schedules, yearly, more);
    };
    fill(maxSchedulesOfOne - 1);
    refused({}, /"ann" has 50 schedules, and may have no more/);
    made(schedules, yearly, { account: begin + 1 });
    const others = maxSchedules - schedulesOfAdmins - maxSchedulesOfOne - 1;
    for (let at = 0; at < others; at += 1) made(schedules, yearly, { by: `bob${at}` });
    refused({}, /there are 150 schedules, and the rest are for administrators/, { by: "eve" });
    fill(schedulesOfAdmins - 1, { by: "root", admin: true });
    made(schedules, yearly, { by: "root2", admin: true });
    refused({}, /there are 200 schedules, and no more may/, { by: "root3", admin: true });
    clock.advance((maxRunsKept + 10) * minute);
    assert.is(start().runs(often.id).length, maxRunsKept);
  });
});
