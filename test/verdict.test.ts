import * as fc from "fast-check";
import * as assert from "uvu/assert";
import type { Collector, Reading } from "../agent/collectors/collector.ts";
import type { Columns } from "../agent/metrics/to-columns.ts";
import { quickDirectory } from "../agent/metrics/outbox/fixture.ts";
import { Outbox } from "../agent/metrics/outbox/outbox.ts";
import { Meter } from "../agent/own/meter.ts";
import { Sampler } from "../agent/metrics/sampler.ts";
import { Sender } from "../agent/metrics/sender.ts";
import { batchOf, openIngest } from "../console/ingest/fixture.ts";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { readAck } from "#shared/messages/metrics";
import { suite, type Scope } from "./suite.ts";

/** The same cases each time, so that the test command takes as long each time; a failure prints how to repeat it. */
const settings = { seed: 65_213, endOnFailure: true };

const names = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("cpu", "mem", "room", "a b", "x".repeat(128)) },
  fc.constantFrom("", "ö", "a\nb", "_", "-a", "__proto__", "constructor", "time", "host", "x".repeat(129)),
  fc.string({ unit: "binary", maxLength: 12 }),
);
const values = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.string()) },
  fc.constantFrom<unknown>(null, undefined, Number.NaN, Infinity, -0, 1n, {}, [], new Date(0), "x".repeat(66_000)),
  fc.anything(),
);
const tags = fc.dictionary(names, fc.oneof(names, fc.string({ unit: "binary" }), fc.integer(), fc.anything()), {
  maxKeys: 4,
});
const readings = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ measurement: names, tags, fields: fc.dictionary(names, values, { maxKeys: 6 }) }),
  },
  fc.anything(),
);
/** More of everything than a batch may have. */
const wide = fc.record({
  series: fc.integer({ min: 1, max: 2_500 }),
  fields: fc.integer({ min: 1, max: 3 }),
  tags: fc.constantFrom(0, 1, 60, 70),
});
const deep = fc.record({ series: fc.constant(1), fields: fc.integer({ min: 900, max: 2_200 }), tags: fc.constant(0) });
const widths = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, wide, deep);

const agents = fc.record({
  interval: fc.constantFrom(100, 1_000, 60_000, 600_000, 3_600_000, 86_400_000),
  batchSize: fc.constantFrom(1, 2, 10, 150, 1_000),
  beats: fc.integer({ min: 1, max: 12 }),
  wall: fc.constantFrom(Date.UTC(2026, 0, 1), 0, -86_400_000, Date.UTC(2190, 0, 1)),
  samples: fc.array(fc.array(readings, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
  width: widths,
});
type Made = typeof agents extends fc.Arbitrary<infer T> ? T : never;

function wideReadings({ series, fields, tags: count }: { series: number; fields: number; tags: number }): Reading[] {
  const pairs = Array.from({ length: count }, (_, at) => [`t${at}`, "x"] as const);
  const f = Object.fromEntries(Array.from({ length: fields }, (_, at) => [`f${at}`, at]));
  return Array.from({ length: series }, (_, at) => ({
    measurement: "wide",
    tags: { ...Object.fromEntries(pairs), at: String(at) },
    fields: f,
  }));
}

/** What becomes of a message on its way; undefined where it does not arrive. */
type Way = (payload: Buffer) => Buffer | undefined;

/** One console, and an agent with its sampler, outbox and sender for each case: real ones, with time as it is told. */
async function arrange(scope: Scope) {
  let agent: { sender: Sender; outbox: Outbox; way: Way } | undefined;
  const at = await openIngest(scope, (payload) => agent?.sender.acked(readAck(payload)), await quickDirectory(scope));
  const { clock } = at;
  let ahead = 0;
  /** The agent's: the same timers, and a wall clock that may be wrong. */
  const own: Clock = {
    now: () => clock.now() + ahead,
    monotonic: () => clock.monotonic(),
    uptime: () => clock.uptime(),
    after: (ms, run) => clock.after(ms, run),
  };
  let connected = false;
  const bus: Pick<Bus, "connected" | "publish"> = {
    get connected() {
      return connected;
    },
    publish: (_topic, payload) => {
      const arrived = agent?.way(payload);
      if (arrived) at.take(arrived);
      return Promise.resolve();
    },
  };
  const ready: ConstructorParameters<typeof Outbox>[0]["ready"] = (queue, seq) => agent?.sender.offer(queue, seq);
  const begin = (way: Way): Outbox => {
    const epoch = { id: "run", machine: false };
    const outbox = new Outbox({
      run: "run",
      maxBytes: 64 * 1024 ** 2,
      maxAge: 7 * 86_400_000,
      epoch,
      clock,
      log: silentLog,
      ready,
    });
    const rate = { messages: 10_000, bytes: 1e9 };
    const sender = new Sender({ outbox, bus: bus as Bus, topic: "m", clock: own, random: () => 0, rate });
    agent?.sender.stop();
    // What is measured waits, as the days of a case go by in one turn of the event loop.
    connected = false;
    agent = { sender, outbox, way };
    return outbox;
  };
  const sample = async ({ interval, batchSize, beats, wall, samples, width }: Made, outbox: Outbox): Promise<void> => {
    ahead = wall - clock.now();
    let beat = 0;
    const mine: Collector = {
      name: "mine",
      sample: () => [
        ...(samples[beat++ % samples.length] as Reading[]),
        ...(width && beat === 1 ? wideReadings(width) : []),
      ],
    };
    const emit = (columns: Columns): void => outbox.append(columns);
    const meter = new Meter();
    const sampler = new Sampler({
      collectors: [mine],
      own: { beat: () => {}, drain: () => meter.drain(), drainCounts: () => meter.drainCounts() },
      interval,
      batchSize,
      clock: own,
      log: silentLog,
      emit,
    });
    sampler.start();
    for (let turn = 0; turn < beats; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(interval);
    }
    await new Promise((resolve) => setImmediate(resolve));
    sampler.stop();
    ahead = 0;
  };
  /** Until the outbox is empty, or for some minutes. */
  const drained = async (outbox: Outbox): Promise<void> => {
    if (!connected) {
      connected = true;
      agent?.sender.connected();
    }
    for (let turn = 0; turn < 40 && outbox.size.batches > 0; turn++) {
      await at.settled();
      if (outbox.size.batches > 0) clock.advance(10_000);
    }
  };
  /** A sample that anybody can store, and whether the store has it. */
  const probe = (outbox: Outbox, value: number): void =>
    outbox.append({ t: clock.now(), mono: clock.uptime(), dt: [0], m: [{ n: "probe", f: { value } }] });
  const probed = (value: number): boolean =>
    at.written.some(({ measurement, fields }) => measurement === "probe" && fields["value"] === value);
  return { ...at, begin, sample, drained, probe, probed };
}

/** Bytes of a message that are changed, cut off or added; and messages that are lost. */
const damages = fc.oneof(
  fc.constant({ kind: "none" as const, at: 0, byte: 0 }),
  fc.record({
    kind: fc.constantFrom("flip" as const, "cut" as const, "more" as const, "lost" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.integer({ min: 1, max: 255 }),
  }),
);

function damaged(payload: Buffer, { kind, at, byte }: { kind: string; at: number; byte: number }): Buffer | undefined {
  const place = Math.min(payload.length - 1, Math.floor(at * payload.length));
  if (kind === "lost") return undefined;
  if (kind === "cut") return payload.subarray(0, place + 1);
  if (kind === "more") return Buffer.concat([payload, Buffer.of(byte)]);
  const copy = Buffer.from(payload);
  if (kind === "flip") copy[place] = (copy[place] ?? 0) ^ byte;
  return copy;
}

suite("every batch", ({ test }) => {
  test(
    "of any settings and collectors is one that the console stores, and none is refused",
    async (scope) => {
      const at = await arrange(scope);
      let run = 0;
      const property = fc.asyncProperty(agents, async (made) => {
        const outbox = at.begin((payload) => payload);
        await at.sample(made, outbox);
        at.probe(outbox, ++run);
        await at.drained(outbox);
        assert.equal([outbox.size.batches, outbox.size.dropped], [0, 0]);
        assert.equal([at.refused, at.ingest.batches.stats.refused], [[], 0]);
        assert.ok(at.probed(run), "what came behind");
      });
      await fc.assert(property, { ...settings, numRuns: 60 });
    },
    { seconds: 60 },
  );

  test(
    "that is damaged on its way ends all the same, and stands in nobody's way",
    async (scope) => {
      const at = await arrange(scope);
      let run = 0;
      const property = fc.asyncProperty(
        fc.array(damages, { minLength: 1, maxLength: 60 }),
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.json()), { maxLength: 5 }),
        async (ways, strangers) => {
          let sent = 0;
          const outbox = at.begin((payload) => {
            const way = ways[sent++];
            return way ? damaged(payload, way) : payload;
          });
          for (const one of strangers) at.take(Buffer.from(one as string));
          for (const _ of ways) at.probe(outbox, ++run);
          await at.drained(outbox);
          at.probe(outbox, ++run);
          await at.drained(outbox);
          assert.equal([outbox.size.batches, outbox.size.dropped], [0, 0]);
          assert.ok(at.probed(run), "what came behind");
          assert.is(at.ingest.batches.window, 0, "nothing is left half-way");
        },
      );
      await fc.assert(property, { ...settings, numRuns: 60 });
    },
    { seconds: 60 },
  );

  test("40 that no console takes, then good ones: all good ones are stored", async (scope) => {
    const at = await arrange(scope);
    let bad = 0;
    const outbox = at.begin((payload) => (bad++ < 40 ? batchOf(bad, { dt: "?" }, "foreign") : payload));
    for (let value = 1; value <= 100; value++) at.probe(outbox, value);
    await at.drained(outbox);
    for (let value = 1; value <= 100; value++) assert.ok(at.probed(value), String(value));
    assert.is(at.ingest.batches.stats.refused, 40);
  });
});
