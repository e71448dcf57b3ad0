import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { maxInBatch, maxSpread } from "#shared/messages/batch-check";
import { suite } from "../../test/suite.ts";
import type { Collector, Reading } from "../collectors/collector.ts";
import type { Columns } from "./to-columns.ts";
import { rowsOf } from "../own/fixture.ts";
import { Meter } from "../own/meter.ts";
import { maxTogether, Sampler, type SamplerOptions } from "./sampler.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly batches: Columns[] = [];
  readonly meter = new Meter();
  beats = 0;
  readonly sampler: Sampler;

  constructor(collectors: readonly Collector[], options: Partial<SamplerOptions> = {}) {
    const own = {
      beat: () => void this.beats++,
      drain: () => this.meter.drain(),
      drainCounts: () => this.meter.drainCounts(),
    };
    const emit = (columns: Columns): void => void this.batches.push(columns);
    const plain = { interval: 10_000, batchSize: 1, clock: this.clock, log: silentLog };
    this.sampler = new Sampler({ collectors, own, emit, ...plain, ...options });
  }

  get values(): unknown[] {
    return rowsOf(this.batches).map(({ measurement, value }) => `${measurement} ${String(value)}`);
  }
}

const reading = (measurement: string, value: number): Reading => ({ measurement, tags: {}, fields: { value } });
const fixed = (name: string): Collector => ({ name, sample: () => [reading(name, 1)] });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite("the sampler", ({ test }) => {
  test("where bytes are short more samples go together, but none waits for long", async () => {
    let wanted = 3;
    const bench = new Bench([fixed("cpu")], { together: () => wanted });
    bench.sampler.start();
    const sizes = async (samples: number): Promise<number[]> => {
      const before = bench.batches.length;
      for (let at = 0; at < samples; at += 1) {
        await settled();
        bench.clock.advance(10_000);
      }
      await settled();
      return bench.batches.slice(before).map(({ dt }) => dt.length);
    };
    assert.equal(await sizes(5), [3, 3]);
    wanted = Infinity;
    assert.equal(await sizes(maxTogether / 10_000), [maxTogether / 10_000]);
    wanted = 1;
    assert.equal(await sizes(2), [1, 1]);
    bench.sampler.stop();
  });

  test("asks the collectors that are switched on, and takes what was told besides", async () => {
    const bench = new Bench([fixed("cpu"), fixed("temp")], { disabled: ["temp", "gone"] });
    bench.meter.gauge("room", { value: 21 });
    bench.sampler.start();
    await settled();
    assert.equal(bench.values, ["cpu 1", "room 21"]);
    assert.equal(bench.sampler.collectors, { cpu: true, temp: false });
    bench.sampler.enable("temp", true);
    bench.sampler.enable("cpu", false);
    bench.clock.advance(10_000);
    await settled();
    assert.equal(bench.values.slice(2), ["temp 1", "room 21"]);
    assert.is(bench.beats, 2);
    bench.sampler.stop();
  });

  test("gives no instant twice, however close two samples are", async () => {
    const bench = new Bench([fixed("cpu")]);
    bench.sampler.start();
    await bench.sampler.report();
    await bench.sampler.report();
    const instants = bench.batches.map(({ t }) => t);
    assert.equal(instants, [...new Set(instants)]);
    assert.is(instants.length, 3);
    bench.sampler.stop();
  });

  test("that begins paused takes nothing until it is resumed, and counts add up", async () => {
    const bench = new Bench([fixed("cpu")], { paused: true });
    bench.sampler.start();
    bench.meter.count("door", { opened: 2 });
    bench.clock.advance(60_000);
    bench.meter.count("door", { opened: 3 });
    await settled();
    assert.equal([bench.sampler.paused, bench.values, bench.beats], [true, [], 0]);
    bench.sampler.resume();
    await settled();
    assert.equal(bench.values, ["cpu 1", "door 5"]);
    bench.sampler.stop();
  });

  test("keeps the counts of a stop in the middle of a slow sample, once", async () => {
    let answer: (readings: Reading[]) => void = () => {};
    const slow = { name: "slow", sample: () => new Promise<Reading[]>((resolve) => (answer = resolve)) };
    const bench = new Bench([slow]);
    bench.sampler.start();
    bench.meter.count("door", { opened: 2 });
    bench.sampler.stop();
    answer([reading("slow", 1)]);
    await settled();
    await settled();
    assert.equal(bench.values, ["door 2"]);
  });

  test("puts a slow sample before the one that overtook it", async () => {
    const answers: ((readings: Reading[]) => void)[] = [];
    const slow = { name: "slow", sample: () => new Promise<Reading[]>((resolve) => answers.push(resolve)) };
    const bench = new Bench([slow, fixed("cpu")], { batchSize: 2, interval: 1_000 });
    bench.sampler.start();
    bench.clock.advance(1_000);
    await settled();
    answers[0]?.([reading("slow", 1)]);
    await settled();
    await settled();
    assert.equal(bench.batches[0]?.dt, [0, 1_000]);
    bench.sampler.stop();
  });

  test("begins a new batch where one would reach over a day, or have more values than one may", async () => {
    const bench = new Bench([fixed("cpu")], { interval: 600_000, batchSize: 150 });
    bench.sampler.start();
    for (let at = 0; at < 149; at++) {
      await settled();
      bench.clock.advance(600_000);
    }
    await settled();
    assert.equal(bench.batches.length, 1);
    assert.is(bench.batches[0]?.dt.at(-1), maxInBatch.offset);
    bench.sampler.stop();
    const wide = { cpu: 1_000, batches: (maxSpread.values / 1_000) | 0 };
    const fields = Object.fromEntries(Array.from({ length: wide.cpu }, (_, at) => [`f${at}`, at]));
    const many = { name: "wide", sample: () => [{ measurement: "wide", tags: {}, fields }] };
    const second = new Bench([many], { interval: 1_000, batchSize: 1_000 });
    second.sampler.start();
    for (let at = 0; at <= wide.batches; at++) {
      await settled();
      second.clock.advance(1_000);
    }
    await settled();
    assert.equal(
      second.batches.map(({ dt }) => dt.length),
      [wide.batches],
    );
    second.sampler.stop();
  });

  test("tells for how long no sample was finished, and 0 while none is to be taken", async () => {
    let isBroken = false;
    const drain = (): [] => {
      if (isBroken) throw new Error("broken");
      return [];
    };
    const bench = new Bench([fixed("cpu")], { interval: 1_000, own: { beat: () => {}, drain, drainCounts: () => [] } });
    bench.clock.advance(5_000);
    assert.is(bench.sampler.silence, 0);
    bench.sampler.start();
    await settled();
    isBroken = true;
    for (let at = 0; at < 4; at++) {
      bench.clock.advance(1_000);
      await settled();
    }
    assert.is(bench.sampler.silence, 4_000);
    isBroken = false;
    bench.clock.advance(1_000);
    await settled();
    assert.is(bench.sampler.silence, 0);
    isBroken = true;
    bench.clock.advance(1_000);
    await settled();
    bench.sampler.pause();
    assert.is(bench.sampler.silence, 0);
    bench.sampler.stop();
  });
});
