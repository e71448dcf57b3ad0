import * as assert from "uvu/assert";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { checkOf } from "#shared/alerts/rule-check";
import { silentAfter } from "#shared/liveness";
import { suite } from "../../test/suite.ts";
import { maxPoints, tooManyPoints } from "../store/points.ts";
import type { MetricsQuery } from "../store/store.ts";
import { newEntry, toDevice } from "../devices/device.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";
import { maxPointsAsked, rowsFromStore } from "./history.ts";

/** A store that has one point each millisecond, or each span that is asked for, and gives as many at once as it may. */
function storeOf(count: number) {
  const asked: MetricsQuery[] = [];
  const query = async (one: MetricsQuery) => {
    asked.push(one);
    const step = Math.max(1, one.every);
    const first = Math.floor(one.from / step) * step;
    const points: [number, number][] = [];
    for (let at = first; at < Math.min(one.to, begin + count * step); at += step) {
      points.push([at, 1]);
      if (points.length > maxPoints) throw tooManyPoints(one);
    }
    return [{ tags: {}, points }];
  };
  return { asked, query };
}

const check = checkOf(readRule(alertRule.parse({ name: "R", when: "m.v > 5" })).base);

suite("history as rules read it", ({ test }) => {
  for (const every of [0, 7])
    test(`what is too much for one answer is read in portions, each point once (every=${every})`, async () => {
      const store = storeOf(2.5 * maxPoints);
      const step = Math.max(1, every);
      const to = begin + 3 * maxPoints * step;
      const found = await rowsFromStore(store, check, { device: rpi, from: begin, to, series: "", every, by: "ann" });
      const first = Math.floor(begin / step) * step;
      assert.equal(
        [found.get("")?.length, found.get("")?.[0]?.[0]],
        [Math.ceil(2.5 * maxPoints + (begin - first) / step), first],
      );
      assert.ok(store.asked.length < 20, `${store.asked.length} questions`);
    });

  for (const hold of ["5s", "25m"])
    test(`a device that only publishes, and that seldom, has its own interval (for ${hold})`, async (scope) => {
      const at = openAlerts(await openAlertDisk(scope));
      at.alerts.start();
      scope.cleanup(() => at.alerts.stop());
      const minutes = (count: number) => begin + count * 60_000;
      const isHot = (minute: number) => [1_440, 5_760].some((from) => minute >= from && minute < from + 120);
      for (let minute = 0; minute < 6.5 * 1_440; minute += 10)
        at.stored.set(minutes(minute), isHot(minute) ? 33.5 : 21);
      // An outage for which nobody knows what was; and a sample before it that says nothing of the time behind.
      at.stored.set(minutes(8_000), 33.5);
      for (let minute = 8_010; minute < 8_100; minute += 10) at.stored.delete(minutes(minute));
      at.stored.set(minutes(8_100), 33.5);
      const rule = alertRule.parse({ name: "R", when: `m.v > 30 for ${hold}` });
      const { series } = await at.alerts.preview(rule, rpi, { from: begin, to: minutes(9_360) }, "ann");
      const fired = hold === "5s" ? 10 : 30;
      assert.equal(
        series[0]?.episodes.map(({ since, fired: at, resolved }) => [since, at, resolved]),
        [1_440, 5_760].map((from) => [from, from + fired, from + 120].map(minutes)),
      );
    });

  test("and has it as samples come, once its rhythm is learned", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 30 for 5s" });
    at.devices.set(rpi, { ...toDevice(newEntry(rpi)), silentAfter: silentAfter({ round: begin, gap: 600_100 }) });
    at.alerts.observe(rpi, [columns(begin, [33, 33, 33], 600_000)]);
    at.alerts.flush();
    assert.equal(at.said(), ["firing 600000"]);
  });

  test("up to a bound", async () => {
    const read = (count: number) =>
      rowsFromStore(storeOf(count), check, {
        device: rpi,
        from: begin,
        to: begin + 2 * maxPointsAsked,
        series: "",
        every: 0,
        by: "ann",
      });
    assert.is((await read(maxPointsAsked)).get("")?.length, maxPointsAsked);
    try {
      await read(maxPointsAsked + 1);
      assert.unreachable();
    } catch (thrown) {
      assert.match(String(thrown), /more than 200000 points/);
    }
  });
});
