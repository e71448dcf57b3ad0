import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { cutByAge, endOfOldest, type StoredSpan } from "./trimming.ts";

const sizeCases: readonly (readonly [
  what: string,
  span: StoredSpan,
  latest: number,
  share: number,
  until: number | undefined,
])[] = [
  ["an empty store", { first: null, last: null }, 1_000, 0.1, undefined],
  ["a tenth of the span", { first: 0, last: 1_000 }, 1_000, 0.1, 100],
  ["more than all of it", { first: 0, last: 1_000 }, 1_000, 1.6, 1_000],
  ["of one sample that one", { first: 500, last: 500 }, 1_000, 0.1, 501],
  ["a span too short for its share: the first all the same", { first: 500, last: 505 }, 1_000, 0.1, 501],
  ["a sample of the far future does not count", { first: 0, last: 1_000_000 }, 1_000, 0.1, 100],
  ["all in the future: by their own order", { first: 5_000, last: 6_000 }, 1_000, 0.1, 5_100],
  ["the clock stands in the middle of them", { first: 0, last: 1_000 }, 500, 0.1, 50],
];

suite("what the embedded store lets go of", ({ test }) => {
  for (const [what, span, latest, share, until] of sizeCases)
    test(`by size: ${what}`, () => {
      assert.is(endOfOldest(span, latest, share), until);
    });

  test("by age: what is older than it may be, by a clock that is believed", () => {
    const day = 86_400_000;
    const keeping = { maxAge: 2 * day, maxAgeOfMinutes: 5 * day, maxAgeOfQuarters: 9 * day };
    const until = { samples: 98 * day, minutes: 95 * day, quarters: 91 * day };
    const latest = 100 * day;
    const told = until.samples;
    assert.equal(cutByAge({ trusted: true, latest }, keeping), { until, told, why: "age", bare: until.quarters });
    assert.is(cutByAge({ trusted: true, latest }, { maxAge: 2 * day })?.bare, told, "nothing is rolled up");
    const short = { ...keeping, maxAge: day - 1 };
    assert.is(cutByAge({ trusted: true, latest }, short)?.bare, latest - day + 1, "gone before it would be");
    assert.is(cutByAge({ trusted: false, latest }, keeping), undefined);
  });
});
