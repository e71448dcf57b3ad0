import * as assert from "uvu/assert";
import { alertRule, maxAlertRules } from "#shared/alerts/alert-rule";
import type { DeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { withEvent, maxAlertEvents, type Alert } from "./alert.ts";
import { maxOpenAlerts } from "./alert-book.ts";
import { maxSlotsOfDevice } from "./rule-states.ts";
import { maxChangesAtOnce } from "./alert-writes.ts";
import { FiringAlerts } from "./firing-alerts.ts";
import { Flapping, maxFlapsKnown, maxToldFlaps } from "./flapping.ts";
import { AlertRows, maxAlertsKept, maxAlertsOfDevice } from "./alert-rows.ts";
import { maxPreview, maxPreviewed } from "./alerts.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";
import { maxCaughtUp } from "./ending-watch.ts";
import { lateSettles, maxEpisodes, maxLateSeries, maxLateSpan } from "./late-samples.ts";
import { maxMuteLasts, maxMutes, maxMutesOfOne } from "./mutes.ts";
import { ruleOn } from "./rule-set.ts";
import { maxWatchedSeries } from "./sample-watch.ts";
import { maxToldOfDevice, toldWithin } from "./tell-limit.ts";

const mute = { rule: "R", where: null, device: null, cron: null, zone: "UTC", lasts: 0, note: "", by: "ann" };

suite("bounds of alerts", ({ test }) => {
  test("series of a device that are watched, and of these that are not at rest", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5 for 1h" });
    const tags = (number: number) => ({ tags: { n: `${number}` } });
    const all = Array.from({ length: maxWatchedSeries + 1 }, (_, number) => ({
      ...columns(begin, [9]),
      ...tags(number),
    }));
    at.alerts.observe(rpi, all);
    assert.is([...at.alerts.book.slots()].length, maxSlotsOfDevice);
    assert.equal(at.failures, []);
  });

  test("alerts that fire at once: what is beyond is counted, and ends in silence", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope), undefined, 2);
    assert.ok(maxOpenAlerts > 2);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    const send = (ts: number, value: number): void => {
      for (const n of ["a", "b", "c"]) at.alerts.observe(rpi, [{ ...columns(ts, [value]), tags: { n } }]);
      at.alerts.flush();
    };
    send(begin, 9);
    assert.equal([at.alerts.book.open().length, at.alerts.book.dropped], [2, 1]);
    send(begin + 10, 1);
    assert.equal([at.alerts.book.open().length, at.told.length], [0, 4]);
  });

  test("alerts that are over: the oldest go", async (scope) => {
    const database = await openAlertDisk(scope);
    database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${maxAlertsKept + 5})
      INSERT INTO alerts SELECT printf('%06d', i), 'R', 'd', '', i, i, i, '{}' FROM n`);
    new AlertRows(database).trim();
    const left = database.prepare("SELECT count(*) AS count, min(id) AS first FROM alerts").get();
    assert.equal([left?.["count"], left?.["first"]], [maxAlertsKept, "000006"]);
  });

  test("alerts of one device: its oldest that are over go, and those of no other", async (scope) => {
    const database = await openAlertDisk(scope);
    const insert = (device: string, count: number): void =>
      database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        INSERT INTO alerts SELECT printf('${device}-%06d', i), 'R', '${device}', '', i, i, nullif(i, 1), '{}' FROM n`);
    insert("a", 3);
    insert("d", maxAlertsOfDevice + 5);
    new AlertRows(database).trimDevice("d");
    const left = database.prepare("SELECT count(*) AS count FROM alerts WHERE device = ?");
    assert.is(left.get("a")?.["count"], 3);
    assert.is(left.get("d")?.["count"], maxAlertsOfDevice + 1, "the first still fires");
    assert.is(database.prepare("SELECT 1 FROM alerts WHERE id = 'd-000005'").get(), undefined);
  });

  test("alerts of one device that are told in a minute: the others are one notice with their number, and few are kept", async (scope) => {
    const database = await openAlertDisk(scope);
    const at = openAlerts(database);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    let batch = 0;
    const send = (value: number): void => {
      const series = columns(begin + (batch += 1) * 1_000, [value]);
      const all = Array.from({ length: maxSlotsOfDevice }, (_, n) => ({ ...series, tags: { n: `${n}` } }));
      at.alerts.observe(rpi, all);
      at.alerts.flush();
    };
    for (let time = 0; time < 3; time += 1) {
      send(9);
      send(1);
    }
    send(9);
    const firing = () => at.told.filter(({ kind }) => kind === "firing");
    assert.is(firing().length, maxToldOfDevice);
    assert.is(at.alerts.book.open().length, maxSlotsOfDevice, "each counts");
    at.clock.advance(10_000);
    at.alerts.flush();
    const one = firing().at(-1);
    const count = 4 * maxSlotsOfDevice - maxToldOfDevice;
    assert.equal([firing().length, one?.device, one?.value], [maxToldOfDevice + 1, rpi, count]);
    assert.match(one?.title ?? "", /: 3990 more alerts$/);
    assert.match(one?.text ?? "", /R \(3990\); 2990 of them are over/);
    send(1);
    assert.equal(at.told.at(-1), { ...at.told.at(-1), kind: "resolved", alert: one?.alert });
    assert.equal([at.alerts.book.open().length, at.told.length], [0, 2 * (maxToldOfDevice + 1)]);
    const kept = database.prepare("SELECT count(*) AS count FROM alerts").get();
    assert.ok(Number(kept?.["count"]) <= maxAlertsOfDevice + maxSlotsOfDevice + 1);
    at.clock.advance(toldWithin);
    send(9);
    assert.is(firing().length, 2 * maxToldOfDevice + 1, "a minute later there is room again");
    assert.equal(at.failures, []);
  });

  test("changes of one device at once: beyond them how each series stands in the end", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5", each: true });
    const zigzag = Array.from({ length: maxChangesAtOnce + 7 }, (_, place) => (place % 2 ? 1 : 9));
    at.alerts.observe(rpi, [columns(begin, zigzag)]);
    at.alerts.flush();
    const over = () => [...at.alerts.over()].length;
    assert.equal([over(), at.alerts.book.open().length], [maxChangesAtOnce / 2, 1], "the last of them fires");
    at.alerts.observe(rpi, [columns(begin + 60_000, [1, 9, 1])]);
    at.alerts.flush();
    assert.equal([over(), at.alerts.book.open().length], [maxChangesAtOnce / 2 + 2, 0]);
    const [newest] = at.alerts.over();
    assert.equal([newest?.fired, newest?.resolved], [begin + 60_010, begin + 60_020]);
  });

  test("series that fire again and again: told as one from there on; as many as are known", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    let time = 0;
    const fires = (device: DeviceId, times: number): void => {
      for (let turn = 0; turn < times; turn += 1) {
        at.alerts.observe(device, [{ ...columns(begin + (time += 1_000), [9, 1]), device }]);
        at.alerts.flush();
      }
    };
    fires(rpi, maxToldFlaps);
    assert.is(at.told.length, 2 * maxToldFlaps);
    fires(rpi, 2);
    assert.is(at.told.length, 2 * maxToldFlaps + 1);
    assert.match(at.told.at(-1)?.title ?? "", /again and again$/);

    const flapping = new Flapping({
      clock: at.clock,
      firing: new FiringAlerts(),
      put: () => {},
      hasRoom: () => true,
      tell: (_, alert) => alert,
      end: () => {},
    });
    const turn = { after: () => {}, undo: () => {} };
    const [one] = at.alerts.over();
    const folds = (device: string): boolean => flapping.fold(turn, { ...one!, device, fired: begin });
    for (let times = 0; times < maxToldFlaps; times += 1) assert.not(folds("first"));
    for (let device = 1; device <= maxFlapsKnown; device += 1) folds(`d-${device}`);
    assert.not(folds("first"), "it was forgotten");
    assert.not(folds("first") || folds("first"));
    assert.ok(folds("first"));
  });

  test("what samples that came late have fired on one series: the newest", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    at.alerts.observe(rpi, [columns(begin, [1])]);
    const before = begin - 10_000_000;
    const zigzag = Array.from({ length: 2 * (maxEpisodes + 3) }, (_, place) => (place % 2 ? 1 : 9));
    for (const [place, value] of zigzag.entries()) at.stored.set(before + place * 10, value);
    at.alerts.observe(rpi, [columns(before, zigzag)]);
    at.alerts.flush();
    at.clock.advance(lateSettles);
    while (at.alerts.late.size > 0) await new Promise((resolve) => setImmediate(resolve));
    const over = [...at.alerts.over()];
    assert.equal([over.length, at.alerts.late.dropped], [maxEpisodes, 3]);
    assert.is(Math.min(...over.map(({ fired }) => fired)), before + 60);
  });

  test("commands and jobs that a start looks at: the newest", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "job = aborted", each: true });
    at.alerts.catchUp({ commands: () => [], jobs: () => [] });
    at.alerts.flush();
    const jobs = Array.from({ length: maxCaughtUp.jobs + 5 }, (_, place) => {
      const ts = begin + 60_000 - place;
      return { id: `j-${place}`, key: "update", state: "aborted", ts, ended: ts + 10 };
    });
    assert.ok(maxCaughtUp.commands > maxCaughtUp.jobs);
    at.alerts.catchUp({ commands: () => [], jobs: () => jobs });
    at.alerts.flush();
    assert.is(at.alerts.book.open().length, maxCaughtUp.jobs);
  });

  test("events of one alert: the newest", () => {
    let alert = { history: [] } as unknown as Alert;
    for (let ts = 0; ts <= maxAlertEvents; ts += 1) alert = withEvent(alert, { ts, what: "told" });
    assert.equal([alert.history.length, alert.history[0]?.ts], [maxAlertEvents, 1]);
  });

  test("rules, silences and how long they last", async (scope) => {
    const database = await openAlertDisk(scope);
    const at = openAlerts(database);
    const insert = database.prepare("INSERT INTO alert_mutes (id, document) VALUES (?, ?)");
    const kept = (by: string) => JSON.stringify({ ...mute, by, from: begin, until: begin + 1_000, ts: begin });
    for (let number = 1; number < maxMutes; number += 1)
      insert.run(`${number}`, kept(number < maxMutesOfOne - 1 ? "ann" : `of-${number}`));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    const add = (until: number) => at.alerts.addMute({ ...mute, from: begin, until }).done();
    assert.throws(() => add(begin + maxMuteLasts + 1), /90d at most/);
    const never = { ...mute, from: begin, until: null, cron: "0 0 30 2 *", lasts: 1_000 };
    assert.throws(() => at.alerts.addMute(never), /"0 0 30 2 \*" is never due/);
    add(begin + maxMuteLasts);
    assert.throws(() => add(begin + 1_000), /no more may/);
    at.clock.advance(2_000);
    for (let number = 1; number < maxMutesOfOne; number += 1) add(begin + maxMuteLasts);
    assert.throws(
      () => add(begin + maxMuteLasts),
      /"ann" has 50 silences and maintenance windows, and may have no more/,
    );
    const shipped = at.alerts.rules.list().length;
    const rules = (count: number) =>
      Array.from({ length: count }, (_, number) => alertRule.parse({ name: `r${number}`, when: "m.v > 1" }));
    const apply = (count: number) => at.alerts.rules.apply(rules(count), { by: "ann", ts: 0 })();
    assert.throws(() => apply(maxAlertRules - shipped + 1), /expected 200 at most/);
    apply(maxAlertRules - shipped);
    assert.is(at.alerts.rules.list().length, maxAlertRules);
  });

  test("series that wait because of late samples, and how far they are looked back", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    const read = at.alerts.rules.read("R");
    assert.ok(read && maxLateSpan >= maxPreview);
    const on = ruleOn(read, read.base, 1);
    for (let number = 0; number <= maxLateSeries; number += 1) at.alerts.late.note(rpi, on, `{"n":"${number}"}`, begin);
    assert.equal([at.alerts.late.size, at.alerts.late.dropped], [maxLateSeries, 1]);
    at.alerts.forget(rpi);
    assert.is(at.alerts.late.size, 0);
  });

  test("what a preview tells of one series: the newest", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    for (let number = 0; number < 2 * maxPreviewed + 4; number += 1)
      at.stored.set(begin + number * 10, number % 2 ? 9 : 1);
    const rule = alertRule.parse({ name: "R", when: "m.v > 5" });
    const { series, every } = await at.alerts.preview(rule, rpi, { from: begin, to: begin + 100_000 }, "ann");
    assert.equal([every, series.length, series[0]?.episodes.length], [0, 1, maxPreviewed]);
    assert.equal(series[0]?.episodes.at(-1), { since: begin + 4_030, fired: begin + 4_030, resolved: null, value: 9 });
  });
});
