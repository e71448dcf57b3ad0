import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { arrowOf, reportSections, reportSummary, reportTitle, shareText } from "#shared/report-text";
import { asDeviceId, type DeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { PresenceRows, type PresenceWatch } from "../presence/presence-rows.ts";
import { availabilityOf } from "./availability.ts";
import { makeReport } from "./make-report.ts";
import { calendarPeriod, maxReportTime, periodBefore, periodBetween } from "./periods.ts";
import { samplesBetween, type ReportDevice } from "./reckon-period.ts";
import { ReportRows } from "./report-rows.ts";

const hour = 3_600_000;
const iso = (ts: number): string => new Date(ts).toISOString().slice(0, 16);

/** `+` and `-` with a moment each. */
const changes = (text: string) =>
  text.split(" ").flatMap((one) => (one === "" ? [] : [{ ts: Number(one.slice(1)), up: one.startsWith("+") }]));
const watch = (begun: number, settled: number | null, until: number): PresenceWatch => ({ begun, settled, until });

const cases: readonly [
  string,
  string,
  PresenceWatch[],
  readonly [known: number, up: number, outages: number, longest: number, away: boolean],
][] = [
  ["nobody watched", "+0", [], [0, 0, 0, 0, false]],
  ["nothing is known of it", "", [watch(0, 0, 100)], [0, 0, 0, 0, false]],
  ["there all the time", "+0", [watch(0, 0, 100)], [100, 100, 0, 0, false]],
  ["gone once", "+0 -20 +30", [watch(0, 0, 100)], [100, 90, 1, 10, false]],
  ["gone before, and still", "-0", [watch(0, 0, 100)], [100, 0, 1, 100, true]],
  ["known from its first word on", "+40", [watch(0, 0, 100)], [60, 60, 0, 0, false]],
  ["what was so before goes on", "+-50", [watch(0, 10, 100)], [90, 90, 0, 0, false]],
  ["not known before all had time to say so", "+-50", [watch(0, null, 100)], [0, 0, 0, 0, false]],
  ["but from its own word on", "+-50 +30", [watch(0, null, 100)], [70, 70, 0, 0, false]],
  ["nobody watched in between", "+0", [watch(0, 0, 30), watch(60, 70, 100)], [60, 60, 0, 0, false]],
  ["gone in between", "+0 -70", [watch(0, 0, 30), watch(60, 70, 100)], [60, 30, 1, 30, true]],
  ["one outage, across an unwatched time", "+0 -20", [watch(0, 0, 30), watch(60, 70, 100)], [60, 20, 1, 40, true]],
  [
    "a change that nobody watched is what is so behind it",
    "+0 -40",
    [watch(0, 0, 30), watch(60, 70, 100)],
    [60, 30, 1, 30, true],
  ],
  ["twice gone", "+0 -10 +20 -50 +55", [watch(0, 0, 100)], [100, 85, 2, 10, false]],
  ["of the time before and behind nothing counts", "-0 +10 -95", [watch(-50, -50, 200)], [100, 85, 2, 10, true]],
];

suite("reports", ({ test }) => {
  test("availability is of the time that somebody watched", () => {
    for (const [what, of, watches, [known, up, outages, longest, isAway]] of cases)
      assert.equal(
        availabilityOf(changes(of), watches, { from: 0, to: 100 }),
        { known, up, outages, longest, isAway },
        what,
      );
  });

  test("weeks and months are those of a time zone, also where its clocks are changed", () => {
    const now = Date.UTC(2026, 10, 4, 12);
    const told = (kind: "week" | "month", back: number, zone: string): string[] => {
      const { from, to } = calendarPeriod(kind, back, { zone, now });
      return [iso(from), iso(to)];
    };
    assert.equal(told("week", 1, "UTC"), ["2026-10-26T00:00", "2026-11-02T00:00"]);
    assert.equal(told("week", 0, "UTC"), ["2026-11-02T00:00", "2026-11-09T00:00"]);
    // Summer time ends on 25 October there: a week of 169 hours, and a month of 745.
    assert.equal(told("week", 2, "Europe/Berlin"), ["2026-10-18T22:00", "2026-10-25T23:00"]);
    assert.equal(told("month", 1, "Europe/Berlin"), ["2026-09-30T22:00", "2026-10-31T23:00"]);
    assert.equal(told("month", 11, "America/New_York"), ["2025-12-01T05:00", "2026-01-01T05:00"]);
    // The clocks there are put forward at midnight.
    const cairo = calendarPeriod("week", 1, { zone: "Africa/Cairo", now: Date.UTC(2026, 4, 1) });
    assert.is((cairo.to - cairo.from) / hour, 167);
    const october = calendarPeriod("month", 1, { zone: "Europe/Berlin", now });
    assert.equal(iso(periodBefore(october).from), "2026-08-31T22:00");
    assert.is(periodBefore(october).to, october.from);
    assert.is(periodBefore(periodBetween(100, 300, "UTC")).from, -100);
    assert.throws(() => calendarPeriod("week", 1, { zone: "Mars/Base", now }), /no time zone/);
    assert.throws(() => periodBetween(5, 5, "UTC"), /later `to`/);
    assert.throws(() => periodBetween(0, maxReportTime + 1, "UTC"), /366 days/);
  });

  test("samples are counted once a day, and by the line between two counts", () => {
    const counts = [0, 10, 20].map((ts) => ({ ts, stored: ts * 100, setAside: ts }));
    const within = (from: number, to: number, present?: number) =>
      samplesBetween(counts, present === undefined ? undefined : { stored: present, setAside: 30 }, {
        from,
        to,
        now: 30,
      })?.stored;
    assert.is(within(5, 15), 1_000);
    assert.is(within(-10, 5), 500);
    assert.is(within(15, 30), 500);
    assert.is(within(15, 25, 4_000), 1_500);
    // The counting began anew.
    assert.is(within(15, 30, 0), 0);
    assert.is(samplesBetween([], { stored: 5, setAside: 0 }, { from: 0, to: 1, now: 2 }), undefined);
  });

  test("a report has the worst first, by group, beside the period before", async (scope) => {
    const clock = new ManualClock(1_000);
    const state = openState(await scope.directory(), clock);
    scope.cleanup(() => state.close());
    const { database } = state;
    const presence = new PresenceRows(database);
    const ids = ["good", "bad", "new", "far"].map((name) => asDeviceId(name) as DeviceId);
    const [good, bad, , far] = ids as [DeviceId, DeviceId, DeviceId, DeviceId];
    presence.putWatch({ begun: 0, settled: 0, until: 300 });
    for (const device of [good, bad, far]) presence.put({ device, ts: 0, up: true });
    presence.put({ device: bad, ts: 150, up: false });
    database.exec(`
      INSERT INTO outbox_gaps (device, outbox, first, last, batches, samples, estimated, since, until, why)
        VALUES ('bad', 'o', 1, 2, 2, 10, 0, 50, 150, 'no room'), ('bad', 'o', 5, 6, 1, 7, 0, 20, 30, 'before');
      INSERT INTO alerts VALUES
        ('a1', 'DiskFull', 'bad', '', 100, 110, 130, '{}'), ('a2', 'DiskFull', 'bad', '', 140, 150, NULL, '{"title":"full <soon>"}'),
        ('a3', 'Old', 'good', '', 10, 20, 30, '{}'), ('a4', 'Broker', '', '', 100, 101, 102, '{}');
      INSERT INTO commands (id, device, state, ts, document) VALUES
        ('1', 'good', 'succeeded', 120, '{}'), ('2', 'bad', 'expired', 120, '{}'), ('3', 'bad', 'failed', 199, '{}'), ('4', 'bad', 'failed', 200, '{}');
      INSERT INTO jobs VALUES ('j', 'done', 150, '{}', '');`);
    const devices = (): ReportDevice[] =>
      ids.map((id) => ({ id, agent: id === good ? "9.9.9" : null, groups: id === far ? ["field"] : ["lab"] }));
    const makings = { rows: new ReportRows(database), presence, devices, now: 1_000, version: "1.0.0" };
    const made = (order: { group?: string; reaches?: (device: string) => boolean } = {}) => {
      const isForecast = (rule: string): boolean => rule === "DiskFull";
      const steps = makeReport(
        { ...makings, isForecast },
        { period: periodBetween(100, 200, "UTC"), group: undefined, ...order },
      );
      for (;;) {
        const { done, value } = steps.next();
        if (done) return value;
      }
    };
    const report = made();
    assert.equal(
      report.devices.map(({ id, up, known, outages, missing, alerts, commandsFailed }) => [
        id,
        up,
        known,
        outages,
        missing,
        alerts,
        commandsFailed,
      ]),
      [
        ["bad", 50, 100, 1, 5, 2, 1],
        ["far", 100, 100, 0, 0, 0, 0],
        ["good", 100, 100, 0, 0, 0, 0],
        ["new", 0, 0, 0, 0, 0, 0],
      ],
    );
    const { totals, before } = report;
    assert.equal([totals.devices, totals.heard, totals.known, totals.up, totals.outages], [4, 3, 300, 250, 1]);
    assert.equal([before.known, before.up, before.samples.missing, before.alerts.fired], [300, 300, 12, 1]);
    assert.equal(totals.commands, { sent: 3, succeeded: 1, failed: 1, late: 1, cancelled: 0, open: 0 });
    assert.equal(totals.alerts, { fired: 3, open: 1, median: 1 });
    assert.equal(report.rules[0], { rule: "DiskFull", fired: 2, open: 1, median: 20 });
    assert.equal([report.open[0]?.title, report.open[0]?.forecast], ["full <soon>", true]);
    assert.equal([report.lost, report.jobs], [[{ why: "no room", samples: 5, devices: 1 }], { done: 1 }]);
    assert.equal(
      report.groups.map(({ group, known }) => [group, known]),
      [
        ["lab", 200],
        ["field", 100],
      ],
    );
    assert.is(report.agents.outdated, 1);
    const near = made({ reaches: (device) => device === far });
    assert.equal([near.totals.devices, near.totals.alerts.fired, near.open, near.jobs], [1, 0, [], null]);
    assert.is(made({ group: "field" }).totals.devices, 1);
    assert.is(reportTitle(report), "Report, 1970-01-01 to 1970-01-01");
    assert.match(reportSummary(report), /^4 devices: 83.33 % available, 1 outage; –/);
    const [glance] = reportSections(report);
    assert.equal(glance?.rows[0], ["Availability", "83.33 %", "100.00 %", "↓"]);
    assert.equal([shareText(999_999, 1_000_000), shareText(0, 0), arrowOf(1, null)], ["99.9999 %", "–", ""]);
  });
});
