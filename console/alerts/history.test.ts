import * as assert from "uvu/assert";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { checkOf } from "#shared/alerts/rule-check";
import { suite } from "../../test/suite.ts";
import { maxPoints, tooManyPoints } from "../store/points.ts";
import type { MetricsQuery } from "../store/store.ts";
import { begin, rpi } from "./fixture.ts";
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
