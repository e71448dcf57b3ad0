import * as assert from "uvu/assert";
import { normal, type AlertState } from "#shared/alerts/alert-state";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { begin, columns, rpi } from "./fixture.ts";
import { ruleOn, type RuleSet } from "./rule-set.ts";
import { maxWatchedSeries, SampleWatch, watchForgets } from "./sample-watch.ts";

/** Rules over book and rows that count what they are asked. */
function openWatch(...whens: readonly string[]) {
  const done = { spans: 0, slots: 0, points: 0, late: [] as number[][], firing: [] as string[] };
  const known: { since: number; resolved: number | null }[] = [];
  const clock = new ManualClock(begin);
  const warnings: string[] = [];
  const states = new Map<string, AlertState>();
  const ofValues = whens.map((when, at) => {
    const read = readRule(alertRule.parse({ name: `R${at}`, when }));
    return ruleOn(read, read.base, 60_000);
  });
  const rules: RuleSet = { ofValues: new Map([["m", ofValues]]), ofDevice: [], ofCommands: [] };
  const watch = new SampleWatch({
    book: {
      stateOf: (...key) => ((done.slots += 1), states.get(key.join(" ")) ?? normal),
      settledUpTo: () => -Infinity,
      hasRoom: () => true,
      note: ({ state, series }) => void (state.phase === "firing" && done.firing.push(series)),
      notePoint: () => {},
    },
    rows: { spans: () => ((done.spans += 1), known), point: () => void (done.points += 1), dropPoints: () => {} },
    clock,
    log: { warn: (_: object, message: string) => void warnings.push(message) },
    rulesOf: () => rules,
    evaluatedUpTo: () => null,
    late: (_device, _on, _series, ...between) => void done.late.push(between),
  });
  const observe = (...series: readonly ReturnType<typeof columns>[]) => watch.observe(rpi, series, true, begin + 1e9);
  return { watch, done, known, observe, clock, warnings };
}

const tagged = (n: string, from: number, values: readonly number[]) => ({ ...columns(from, values), tags: { n } });

suite("samples as rules look at them", ({ test }) => {
  test("what comes late is one range for each series and rule of a batch, and one question to the database", () => {
    const { done, observe, known } = openWatch("m.v > 5", "rate(m.v) > 5");
    const names = ["a", "b", "c"];
    const values = Array.from({ length: 900 }, () => 9);
    observe(...names.map((n) => tagged(n, begin + 1_000_000, [1])));
    observe(...names.map((n) => tagged(n, begin, values)));
    assert.is(done.spans, 6);
    assert.equal(
      done.late,
      Array.from({ length: 6 }, () => [begin, begin + 8_990]),
    );
    known.push({ since: begin - 5, resolved: begin + 20 }, { since: begin + 30, resolved: begin + 40 });
    known.push({ since: begin + 8_980, resolved: null });
    observe(tagged("a", begin, values));
    assert.equal(done.late.at(-1), [begin + 50, begin + 8_970], "but for what people know of");
    const before = done.late.length;
    observe(tagged("a", begin, [9, 9, 9]), tagged("b", begin, [9, 9, 9, 9, 9]));
    assert.is(done.late.length, before);
  });

  test("a new series is made ready once, also where it is the whole of something, and none before it again", () => {
    const { done, observe } = openWatch("m.v > 5", "rate(m.v) > 5");
    const wholes = (count: number, from: number) =>
      Array.from({ length: count }, (_, at) => tagged(`p${at}-total`, from, [1]));
    observe(...wholes(200, begin));
    assert.equal([done.slots, done.points], [400, 200]);
    observe(...wholes(201, begin + 10));
    assert.equal([done.slots, done.points], [402, 201]);
  });

  test("parts are not looked at from the batch on that has their whole", () => {
    const { done, observe } = openWatch("m.v > 5");
    observe(tagged("cpu0", begin, [1]));
    observe(tagged("cpu0", begin + 10, [9]), tagged("cpu-total", begin + 10, [1]));
    observe(tagged("cpu1", begin + 20, [9]), tagged("cpu0", begin + 20, [9]), tagged("cpu-total", begin + 20, [9]));
    // The first stands before what tells that it is a part.
    assert.equal(done.firing, ['{"n":"cpu0"}', '{"n":"cpu-total"}']);
  });

  test("beyond the bound nothing new is looked at, and that is said; what is silent for an hour makes room", () => {
    const { done, observe, clock, warnings } = openWatch("m.v > 5");
    const all = (count: number, at: number) => Array.from({ length: count }, (_, n) => tagged(`${n}`, at, [1]));
    observe(...all(maxWatchedSeries, begin));
    assert.equal(warnings, []);
    observe(tagged("new", begin + 10, [9]));
    observe(tagged("new", begin + 20, [9]), tagged("other", begin + 20, [9]));
    assert.equal([done.firing, warnings.length], [[], 1]);
    clock.advance(watchForgets - 1);
    observe(...all(1_000, begin + 30));
    observe(tagged("new", begin + 40, [9]));
    assert.equal(done.firing, [], "not before its time");
    clock.advance(60_000);
    const made = done.slots;
    observe(tagged("new", begin + 50, [9]), ...all(1_000, begin + 50));
    assert.equal([done.firing, done.slots - made], [['{"n":"new"}'], 1], "and what is heard keeps its place");
    observe(tagged("1500", begin, [9]));
    assert.equal(done.late, [[begin, begin]], "what comes again of a forgotten one is late, and not new");
  });

  test("where the whole is forgotten, its parts are looked at again", () => {
    const { done, observe, clock } = openWatch("m.v > 5");
    const parts = Array.from({ length: maxWatchedSeries - 1 }, (_, n) => tagged(`${n}`, begin, [1]));
    observe(tagged("cpu-total", begin, [1]), ...parts);
    clock.advance(watchForgets);
    observe(...parts.slice(0, 1));
    observe(tagged("new", begin + 10, [1]));
    observe(tagged("0", begin + 20, [9]));
    assert.equal(done.firing, ['{"n":"0"}']);
  });
});
