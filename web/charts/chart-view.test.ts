import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { fixed, maxSpan, minSpan, panned, viewQuery, viewOf, zoomed, type ChartView } from "./chart-view.ts";

const now = Date.parse("2026-11-27T16:00:00.000Z");
const minute = 60_000;

suite("which time charts show", ({ test }) => {
  const addresses: readonly (readonly [search: string, ChartView, again: string])[] = [
    ["", { span: 15 * minute }, ""],
    ["?range=1h", { span: 60 * minute }, "?range=1h"],
    ["?range=15m", { span: 15 * minute }, ""],
    ["?range=toString", { span: 15 * minute }, ""],
    [
      "?from=2026-11-27T15:00:00Z&to=2026-11-27T16:00:00Z",
      { span: 60 * minute, to: now },
      "?from=2026-11-27T15%3A00%3A00.000Z&to=2026-11-27T16%3A00%3A00.000Z",
    ],
    [
      `?from=${now - minute}&to=${now}`,
      { span: minute, to: now },
      "?from=2026-11-27T15%3A59%3A00.000Z&to=2026-11-27T16%3A00%3A00.000Z",
    ],
    ["?from=2026-11-27T16:00:00Z&to=2026-11-27T15:00:00Z", { span: 15 * minute }, ""],
    ["?from=yesterday&to=today&range=6h", { span: 360 * minute }, "?range=6h"],
    ["?from=99999999999999999999&to=999999999999999999999", { span: 15 * minute }, ""],
    ["?from=2026-11-27T16:00:00Z", { span: 15 * minute }, ""],
  ];
  for (const [search, view, again] of addresses)
    test(`${search || "no query"} is a view, and a view its address`, () => {
      assert.equal(viewOf(search), view);
      assert.is(viewQuery(viewOf(search)), again);
      assert.equal(viewOf(viewQuery(view)), view);
    });

  test("nothing shorter or longer than charts can be", () => {
    assert.equal(fixed(now - 1, now + 1).span, minSpan);
    assert.equal(fixed(now - 2 * maxSpan, now).span, maxSpan);
    assert.equal(fixed(now - minSpan, now), { span: minSpan, to: now });
    assert.is(zoomed({ span: maxSpan, to: now }, 2, now).span, maxSpan);
    assert.is(zoomed({ span: minSpan }, 0.5, now).span, minSpan);
  });

  test("nearer and farther around the middle, of what moves up to now; never beyond now", () => {
    assert.equal(zoomed({ span: 10 * minute }, 0.5, now), { span: 5 * minute, to: now });
    assert.equal(zoomed({ span: 10 * minute, to: now - 10 * minute }, 0.5, now), {
      span: 5 * minute,
      to: now - 12.5 * minute,
    });
    assert.equal(zoomed({ span: 10 * minute, to: now - 10 * minute }, 2, now), {
      span: 20 * minute,
      to: now - 5 * minute,
    });
    assert.is(zoomed({ span: 10 * minute, to: now }, 2, now).to, now);
  });

  test("earlier and later by spans", () => {
    assert.equal(panned({ span: 10 * minute }, -0.5, now), { span: 10 * minute, to: now - 5 * minute });
    assert.equal(panned({ span: 10 * minute, to: now - 20 * minute }, 0.5, now), {
      span: 10 * minute,
      to: now - 15 * minute,
    });
    assert.is(panned({ span: 10 * minute, to: now - minute }, 0.5, now).to, now);
  });
});
