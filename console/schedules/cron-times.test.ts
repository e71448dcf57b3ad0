import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { suite } from "../../test/suite.ts";
import { cronTimes, maxCronLength, nextTimes } from "./cron-times.ts";
import { dueRuns, maxMissedTold, punctualWithin, type DueRuns } from "./due.ts";

const at = (text: string): number => Date.parse(`${text}Z`);
const texts = (all: readonly number[]): string[] => all.map((ts) => new Date(ts).toISOString().slice(0, 16));
const minute = 60_000;

/** Line, zone, the moment behind which, and when it is due from there on. */
const cases: readonly (readonly [what: string, line: string, zone: string, after: string, due: readonly string[]])[] = [
  ["each night", "0 3 * * *", "UTC", "2026-01-01T00:00", ["2026-01-01T03:00", "2026-01-02T03:00"]],
  ["in a zone", "0 3 * * *", "Asia/Kolkata", "2026-01-01T00:00", ["2026-01-01T21:30", "2026-01-02T21:30"]],
  [
    "an hour that is left out",
    "30 2 * * *",
    "Europe/Berlin",
    "2026-03-28T12:00",
    ["2026-03-29T01:00", "2026-03-30T00:30"],
  ],
  [
    "an hour that comes twice",
    "30 2 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00",
    ["2026-10-25T00:30", "2026-10-26T01:30"],
  ],
  [
    "each hour, where one is left out",
    "0 * * * *",
    "Europe/Berlin",
    "2026-03-29T00:10",
    ["2026-03-29T01:00", "2026-03-29T02:00"],
  ],
  [
    "each hour, where one comes twice",
    "0 * * * *",
    "Europe/Berlin",
    "2026-10-24T23:10",
    ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"],
  ],
  [
    "half an hour that is left out",
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-03T00:00",
    ["2026-10-03T15:30", "2026-10-04T15:15"],
  ],
  [
    "half an hour that comes twice",
    "45 1 * * *",
    "Australia/Lord_Howe",
    "2026-04-04T00:00",
    ["2026-04-04T14:45", "2026-04-05T15:15"],
  ],
  [
    "two minutes of an hour that is left out",
    "0,30 2 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-29T00:00"],
  ],
  [
    "steps of an hour that is left out",
    "*/15 2 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-29T00:00"],
  ],
  [
    "each minute of an hour that is left out",
    "* 2 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-29T00:00", "2027-03-29T00:01"],
  ],
  [
    "an hour that is left out, and another",
    "0 2,4 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-28T02:00", "2027-03-29T00:00"],
  ],
  [
    "an hour that is left out, and the next",
    "0 2-3 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-29T00:00"],
  ],
  [
    "each other hour, where one is left out",
    "0 */2 * * *",
    "Europe/Berlin",
    "2027-03-27T23:00",
    ["2027-03-28T01:00", "2027-03-28T02:00"],
  ],
  [
    "each half hour, where an hour is left out",
    "*/30 * * * *",
    "Europe/Berlin",
    "2027-03-28T00:10",
    ["2027-03-28T00:30", "2027-03-28T01:00", "2027-03-28T01:30"],
  ],
  [
    "an hour before midnight that is left out",
    "30 23 * * *",
    "America/Nuuk",
    "2027-03-27T12:00",
    ["2027-03-28T01:00", "2027-03-29T00:30"],
  ],
  [
    "two minutes of an hour that comes twice",
    "0,30 2 * * *",
    "Europe/Berlin",
    "2027-10-30T12:00",
    ["2027-10-31T00:00", "2027-10-31T00:30", "2027-11-01T01:00"],
  ],
  [
    "steps of an hour that comes twice",
    "*/30 2 * * *",
    "Europe/Berlin",
    "2027-10-30T12:00",
    ["2027-10-31T00:00", "2027-10-31T00:30", "2027-11-01T01:00"],
  ],
  [
    "an hour that comes twice, and another",
    "30 2,4 * * *",
    "Europe/Berlin",
    "2027-10-30T12:00",
    ["2027-10-31T00:30", "2027-10-31T03:30", "2027-11-01T01:30"],
  ],
  [
    "behind the first of both",
    "30 2 * * *",
    "Europe/Berlin",
    "2027-10-31T00:40",
    ["2027-11-01T01:30", "2027-11-02T01:30"],
  ],
  [
    "each half hour, where an hour comes twice",
    "*/30 * * * *",
    "Europe/Berlin",
    "2027-10-31T00:10",
    ["2027-10-31T00:30", "2027-10-31T01:00", "2027-10-31T01:30", "2027-10-31T02:00"],
  ],
  ["either of both days", "0 0 13 * 5", "UTC", "2026-01-03T00:00", ["2026-01-09T00:00", "2026-01-13T00:00"]],
  ["29 February", "0 0 29 2 *", "UTC", "2026-03-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]],
  ["never", "0 0 31 2 *", "UTC", "2026-03-01T00:00", []],
];

suite("cron lines", ({ test }) => {
  for (const [what, line, zone, after, due] of cases)
    test(`${what}: ${line} ${zone}`, () => {
      const times = cronTimes(line, zone);
      assert.equal(texts(nextTimes(times, at(after), due.length)), due);
      const last = due.at(-1);
      if (last === undefined) return assert.is(times.after(at(after)), undefined);
      assert.equal(texts(times.before(at(last) + 1, due.length)), due, "and the same seen from behind");
    });

  test("from the second of two like hours back, the first is seen once", () => {
    const times = cronTimes("30,45 2 * * *", "Europe/Berlin");
    const due = ["2027-10-30T00:45", "2027-10-31T00:30", "2027-10-31T00:45"];
    assert.equal(texts(times.before(at("2027-10-31T01:10"), 3)), due);
  });

  const bad: readonly (readonly [line: string, zone: string, why: RegExp])[] = [
    ["* * * * * *", "UTC", /expected five fields/],
    ["@daily", "UTC", /expected five fields/],
    ["61 * * * *", "UTC", /the minute is "61": expected 0 to 59, with lists/],
    ["a b c d e", "UTC", /the minute is "a": expected/],
    ["* 25 * * *", "UTC", /the hour is "25": expected 0 to 23/],
    ["* * * * 9", "UTC", /the day of the week is "9"/],
    ["*/0 * * * *", "UTC", /the minute is "\*\/0"/],
    ["0 3 * * *", "Mars/Olympus", /"Mars\/Olympus" is no time zone/],
    [`0 3 * * ${"1,".repeat(maxCronLength)}1`, "UTC", /expected 200 at most/],
  ];
  for (const [line, zone, why] of bad)
    test(`refused: ${line.slice(0, 30)} ${zone}`, () => {
      try {
        cronTimes(line, zone);
        assert.unreachable("it was taken");
      } catch (error) {
        assert.instance(error, BadInputError);
        assert.match((error as Error).message, why);
      }
    });
  test("a line of the greatest length is read", () =>
    assert.ok(cronTimes(`0 3 * * ${"1,".repeat((maxCronLength - 9) / 2)}1`.slice(0, maxCronLength), "UTC")));
});

suite("what is due", ({ test }) => {
  const hourly = cronTimes("0 * * * *", "UTC");
  const look = (
    handled: string,
    now: number,
    given: { window?: number; missed?: "run" | "tell"; known?: readonly number[] } = {},
  ): DueRuns => {
    const { window = 30 * minute, missed = "run", known = [] } = given;
    return dueRuns({ handled: at(handled), window, missed }, hourly, now, (due) => known.includes(due));
  };
  const ten = at("2026-01-01T10:00");

  test("nothing before its time, and the run at its time", () => {
    assert.equal(look("2026-01-01T09:30", ten - 1), { begin: undefined, missed: [], more: false });
    assert.equal(look("2026-01-01T09:30", ten), { begin: { due: ten, late: false }, missed: [], more: false });
    assert.equal(look("2026-01-01T10:00", ten + minute).begin, undefined, "once");
  });
  test("a minute late is punctual, more is late, and beyond the window it is missed", () => {
    assert.equal(look("2026-01-01T09:30", ten + punctualWithin).begin, { due: ten, late: false });
    assert.equal(look("2026-01-01T09:30", ten + punctualWithin + 1).begin, { due: ten, late: true });
    assert.equal(look("2026-01-01T09:30", ten + 30 * minute).begin, { due: ten, late: true });
    assert.equal(look("2026-01-01T09:30", ten + 30 * minute + 1), { begin: undefined, missed: [ten], more: false });
  });
  test("of several missed ones the newest is begun, or all are told", () => {
    const now = ten + 5 * minute;
    const older = [at("2026-01-01T08:00"), at("2026-01-01T09:00")];
    assert.equal(look("2026-01-01T07:30", now), { begin: { due: ten, late: true }, missed: older, more: false });
    assert.equal(look("2026-01-01T07:30", now, { missed: "tell" }).missed, [...older, ten]);
  });
  test("what something has become of is not begun again, whatever the clock says", () => {
    assert.equal(look("2026-01-01T09:30", ten, { known: [ten] }), { begin: undefined, missed: [], more: false });
  });
  test("of a long time away the newest are told, and that there were more", () => {
    const all = look("2025-12-01T00:00", ten + 40 * minute);
    assert.equal([all.missed.length, all.more], [maxMissedTold + 1, true]);
    const most = look("2025-12-31T14:00", ten + 40 * minute);
    assert.equal([most.missed.length, most.more], [maxMissedTold, false]);
  });
});
