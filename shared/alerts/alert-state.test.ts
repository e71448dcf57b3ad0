import * as fc from "fast-check";
import * as assert from "uvu/assert";
import type { FieldValue } from "#shared/columns";
import { suite } from "../../test/suite.ts";
import { advance, normal, type AlertState } from "./alert-state.ts";
import { alertRule } from "./alert-rule.ts";
import { readRule } from "./read-rule.ts";
import { replayRule, type Episode, type ReplayRow } from "./replay.ts";
import { checkOf } from "./rule-check.ts";

const gap = 300;

/** Rows in steps of 10, and when the rule fires and is over; `…` for one that goes on. */
const cases: readonly (readonly [
  when: string,
  clear: number | string | undefined,
  rows: readonly unknown[],
  told: string,
])[] = [
  ["m.v > 90", undefined, [1, 95, 96, 2], "10-30"],
  ["m.v > 90", undefined, [91, 91], "0-…"],
  ["m.v > 90 for 20ms", undefined, [1, 95, 95, 95, 2], "30-40"],
  ["m.v > 90 for 20ms", undefined, [95, 2, 95, 95, 2], ""],
  ["m.v > 90", 80, [95, 85, 81, 95, 80, 79, 95], "0-40 60-…"],
  ["m.v < 10", 20, [5, 15, 19, 20, 5], "0-30 40-…"],
  ["m.v > 90", "m.v < 50", [95, 60, 50, 49, 60], "0-30"],
  ["m.v < 5 or m.v > 30", undefined, [10, 31, 32, 20, 4, 6], "10-30 40-50"],
  ["not (m.v >= 5 and m.v <= 30) for 10ms", undefined, [10, 31, 4, 6], "20-30"],
  ["m.v = down", undefined, ["up", "down", "down", "up"], "10-30"],
  ["m.v = true", undefined, [false, true, false], "10-20"],
  ["m.v > 90", undefined, [95, null, "text", 1], "0-30"],
  ["changed(m.v)", undefined, ["a", "a", "b", "b", "c"], "20-30 40-…"],
  ["rate(m.v) > 500", undefined, [0, 1, 11, 12, 1, 9], "20-30 50-…"],
  ["rate_per_minute(m.v) > 30000", undefined, [0, 1, 11, 12], "20-30"],
];

function told(
  when: string,
  clear: number | string | undefined,
  rows: Iterable<ReplayRow>,
  state: AlertState = normal,
): readonly Episode[] {
  const rule = alertRule.parse({ name: "R", when, ...(clear === undefined ? {} : { clear }) });
  const { base } = readRule(rule);
  return replayRule(checkOf(base), { hold: base.hold, gap }, rows, state).episodes;
}

const shown = (episodes: readonly Episode[]): string =>
  episodes.map(({ fired, resolved }) => `${fired}-${resolved ?? "…"}`).join(" ");

suite("rules, sample by sample", ({ test }) => {
  for (const [when, clear, rows, expected] of cases)
    test(`${when}${clear === undefined ? "" : `, clear ${clear}`}: ${JSON.stringify(rows)}`, () => {
      const all = rows.map((value, at): ReplayRow => [at * 10, value as FieldValue]);
      assert.is(shown(told(when, clear, all)), expected);
    });

  test("two fields of a sample together", () => {
    const rows: ReplayRow[] = [
      [0, 80, 1],
      [10, 80, 9],
      [20, 10, 9],
    ];
    assert.is(shown(told("m.a > 50 m.b > 5", undefined, rows)), "10-20");
  });

  test("what lies beyond a pause without samples is not known to have held", () => {
    const rows: ReplayRow[] = [
      [0, 95],
      [gap + 1, 95],
      [gap + 21, 95],
    ];
    assert.is(shown(told("m.v > 90 for 20ms", undefined, rows)), `${gap + 21}-…`);
    assert.is(
      shown(
        told("m.v > 90 for 20ms", undefined, [
          [0, 95],
          [gap, 95],
        ]),
      ),
      `${gap}-…`,
    );
  });

  test("a forecast goes by a line through the hours, and says nothing before there is one", () => {
    const hour = 3_600_000;
    const line = (each: number): ReplayRow[] =>
      Array.from({ length: 200 }, (_, at): ReplayRow => [at * 60_000, 60 + (each * at) / 60]);
    // 60 % and 1 % an hour more: 100 % in some 40 h.
    assert.is(told("forecast(m.v, 1d) > 100", undefined, line(1)).length, 0);
    const [episode] = told("forecast(m.v, 2d) > 100", undefined, line(1));
    assert.ok(episode && episode.fired >= hour && episode.fired < 2 * hour, String(episode?.fired));
    assert.is(told("forecast(m.v, 30d) > 100", undefined, line(0)).length, 0);
  });

  test("nothing is made where nothing changes", () => {
    const timing = { hold: 100, gap };
    assert.is(advance(normal, timing, 10, 0, false), normal);
    const pending = advance(normal, timing, 10, 0, true);
    assert.is(advance(pending, timing, 20, 10, true), pending);
    assert.is(advance(pending, timing, 20, 10, undefined), pending);
    const firing = advance(pending, timing, 110, 20, true);
    assert.equal(firing, { phase: "firing", since: 10, fired: 110 });
    assert.is(advance(firing, timing, 120, 110, true), firing);
  });

  /** By the words of the documentation, and slowly. */
  function slow(
    values: readonly (readonly [at: number, v: number])[],
    above: number,
    clear: number,
    hold: number,
  ): string {
    const out: string[] = [];
    for (let at = 0; at < values.length; at += 1) {
      const [ts] = values[at]!;
      const isHeld = values.slice(0, at + 1).some(([begin], from) => {
        const run = values.slice(from, at + 1);
        const near = run.every(([one], place) => place === 0 || one - run[place - 1]![0] <= gap);
        return near && run.every(([, v]) => v > above) && ts - begin >= hold;
      });
      if (!isHeld) continue;
      const end = values.findIndex(([, v], place) => place > at && !(v > clear));
      out.push(`${ts}-${end < 0 ? "…" : values[end]![0]}`);
      if (end < 0) break;
      at = end;
    }
    return out.join(" ");
  }

  test("any run of samples: as the slow way, and in two parts as in one", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 10 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 2, max: 6 }),
        fc.nat(40),
        (made, hold, clear, cut) => {
          let ts = 0;
          const values = made.map(([step, v]) => [(ts += step), v] as const);
          const when = hold === 0 ? "m.v > 6" : `m.v > 6 for ${hold}ms`;
          const whole = told(when, clear, values);
          assert.is(shown(whole), slow(values, 6, clear, hold));
          const rule = readRule(alertRule.parse({ name: "R", when, clear }));
          const check = checkOf(rule.base);
          const first = replayRule(check, { hold, gap }, values.slice(0, cut));
          // The pause at the cut is known to whoever goes on.
          let state = first.state;
          let previous = values[cut - 1]?.[0] ?? -Infinity;
          for (const [at, v] of values.slice(cut)) {
            state = advance(state, { hold, gap }, at, previous, state.phase === "firing" ? v > clear : v > 6);
            previous = at;
          }
          assert.equal(state, replayRule(check, { hold, gap }, values).state);
        },
      ),
      { numRuns: 300 },
    );
  });
});
