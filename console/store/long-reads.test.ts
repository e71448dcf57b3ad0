import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "@photostructure/sqlite";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { eventually, suite, type Scope } from "../../test/suite.ts";

import { EmbeddedStore } from "./embedded.ts";
import { maxLastValues } from "./last-rows.ts";
import { maxPoints } from "./points.ts";
import { portion, portionsOf } from "./portions.ts";
import { maxWaitingReads, ReadQueue, readTimeout } from "./read-queue.ts";
import { StoreUnavailableError, type SeriesColumns } from "./store.ts";

const device = parseDeviceId("d1");
const samples = 600_000;
const week = { device, measurement: "room", field: "temperature", from: 0, to: samples * 1_000 };

async function storeIn(scope: Scope): Promise<{ store: EmbeddedStore; path: string }> {
  const path = join(await scope.directory(), "metrics.db");
  const bounds = { maxAge: 1e14, maxBytes: 1e9 };
  const store = new EmbeddedStore({ path, ...bounds, clock: systemClock, log: silentLog });
  await store.start();
  scope.cleanup(() => store.stop());
  return { store, path };
}

/** One sample a second for a week, and half as many points again of another field. */
async function weekIn(scope: Scope): Promise<EmbeddedStore> {
  const { store, path } = await storeIn(scope);
  await store.write([{ device, measurement: "room", tags: {}, times: [0], fields: { temperature: 1 } }]);
  const database = new DatabaseSync(path);
  database.exec(
    `WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ${samples - 1})
     INSERT INTO samples SELECT 1, at * 1000, '{"humidity":40,"temperature":' || (at % 50) || '}' FROM n`,
  );
  database.close();
  return store;
}

/** The longest that the event loop was held, as a share of the time that the work took: in this thread it would be nearly all of it. */
async function held(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 2 });
  const began = performance.now();
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6 / (performance.now() - began);
}

suite("long reads", ({ test }) => {
  test(
    "a week of one sample a second holds nobody up, and raw values of it are refused with what to ask instead",
    async (scope) => {
      const store = await weekIn(scope);
      // The thread's own start is not what is measured.
      await store.query({ ...week, to: 1, every: 0 });
      const refusals = new Set<string>();
      const raw = async (): Promise<void> => {
        const thrown = await store.query({ ...week, every: 0 }).catch((error: unknown) => error);
        assert.instance(thrown, BadInputError);
        refusals.add((thrown as Error).message);
      };
      const before = process.memoryUsage().rss;
      const tenRaw = await held(() => Promise.all(Array.from({ length: 10 }, raw)));
      let points = 0;
      const means = await held(async () => {
        const [series] = await store.query({ ...week, every: 60_000 });
        points = series?.points.length ?? 0;
      });
      assert.equal(
        [...refusals],
        ["there are more than 20000 points: ask for a shorter range, or means, such as every=30s"],
      );
      assert.is(points, samples / 60);
      const grown = (process.memoryUsage().rss - before) / 1024 ** 2;
      // In this thread it was 2,000 ms and 942 MiB.
      assert.ok(tenRaw < 0.7 && means < 0.7, `${tenRaw}, ${means}`);
      assert.ok(grown < 150, `${grown} MiB`);
    },
    { seconds: 60 },
  );

  test("the last values of a device with hundreds of series and fields hold nobody up, and are so many at most", async (scope) => {
    const { store } = await storeIn(scope);
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}`, [at]]));
    const wide = (room: number): SeriesColumns => ({
      device,
      measurement: "room",
      tags: { room: `${room}` },
      times: [1_000],
      fields,
    });
    for (let room = 0; room < 60; room += 1) await store.write([wide(room)]);
    const asked = { device, from: 0, to: 10_000, most: 500, rows: 1_000 };
    await store.last({ ...asked, most: 1 });
    let found: readonly SeriesColumns[] = [];
    const share = await held(async () => {
      found = await store.last(asked);
      // The turn in which the answer comes is measured once it is over.
      await new Promise((resolve) => setTimeout(resolve, 10));
    });
    assert.is(found.length, maxLastValues / 500);
    assert.equal(Object.keys(found[0]?.fields ?? {}).sort(), Object.keys(fields).sort());
    // With each field's object made anew for the next one it was 0.94.
    assert.ok(share < 0.7, `${share}`);
  });

  test("as many points as are allowed are answered, one more is not; of all series together", async (scope) => {
    const { store } = await storeIn(scope);
    const times = Array.from({ length: maxPoints / 2 }, (_, at) => at);
    const series = (room: string, length: number): SeriesColumns => ({
      device,
      measurement: "room",
      tags: { room },
      times: times.slice(0, length),
      fields: { temperature: 21 },
    });
    await store.write([series("a", times.length), series("b", times.length)]);
    const found = await store.query({ ...week, every: 0 });
    assert.equal(
      found.map(({ tags, points }) => [tags["room"], points.length]),
      [
        ["a", 10_000],
        ["b", 10_000],
      ],
    );
    assert.equal(found[0]?.points[7], [7, 21]);
    await store.write([series("c", 1)]);
    assert.match(await message(store.query({ ...week, every: 0 })), /more than 20000 points/);
    assert.match(await message(store.query({ ...week, every: 1 })), /a larger every, or one series/);
    assert.is((await store.query({ ...week, every: 0, tags: { room: "a" } })).length, 1);
  });

  test("a row that does not read costs itself, also where it is written again", async (scope) => {
    const { store, path } = await storeIn(scope);
    const one = { device, measurement: "room", tags: {}, times: [1, 2, 3], fields: { temperature: [1, 2, 3] } };
    await store.write([one]);
    const database = new DatabaseSync(path);
    database.exec(
      "UPDATE samples SET fields = '{\"temp' WHERE ts = 2; INSERT INTO series VALUES (7, 'd1', 'room', '{')",
    );
    const points = async (every: number) => (await store.query({ ...week, every }))[0]?.points;
    assert.equal(await points(0), [
      [1, 1],
      [3, 3],
    ]);
    assert.equal(await points(1_000), [[0, 2]]);
    await store.write([one]);
    assert.equal(await points(0), [
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    database.close();
  });

  test("a large batch is written in portions, between which others have their turn", async (scope) => {
    const { store } = await storeIn(scope);
    const times = Array.from({ length: 1_000 }, (_, at) => at);
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`f${at}`, at % 2 ? 1 : times]));
    const batch = [{ device, measurement: "room", tags: {}, times, fields }];
    let turns = 0;
    let writing = true;
    const turn = (): void => {
      turns += 1;
      if (writing) setImmediate(turn);
    };
    setImmediate(turn);
    await store.write(batch);
    writing = false;
    const portions = [...portionsOf(batch)];
    const largest = Math.max(
      ...portions.map((some) => some.reduce((sum, { times: own }) => sum + own.length * (100 + portion.row), 0)),
    );
    assert.ok(largest <= portion.weight);
    assert.ok(turns >= portions.length - 1 && portions.length > 5, `${turns} turns, ${portions.length} portions`);
    const last = await store.query({ ...week, field: "f98", every: 0 });
    assert.equal(last[0]?.points.at(-1), [999, 999]);
  });

  test("those who wait take turns, are so many at most, and leave when nobody wants their answer", async () => {
    const clock = new ManualClock();
    const queue = new ReadQueue(clock, 1);
    const order: string[] = [];
    let end = (): void => {};
    const blocked = queue.run("ann", () => new Promise<void>((resolve) => (end = resolve)));
    const ask = (by: string, signal?: AbortSignal): Promise<unknown> =>
      queue.run(by, async () => order.push(by), signal).catch((error: unknown) => error);
    const gone = new AbortController();
    const left = ask("ann", gone.signal);
    const waiting = Array.from({ length: maxWaitingReads.ofOne - 1 }, () => ask("ann"));
    assert.instance(await ask("ann"), StoreUnavailableError);
    gone.abort();
    assert.instance(await left, StoreUnavailableError);
    const others = ["bob", "bob", "eve"].map((by) => ask(by));
    end();
    await Promise.all([blocked, ...waiting, ...others]);
    assert.equal(order.slice(0, 6), ["ann", "bob", "eve", "ann", "bob", "ann"]);
    const full = new ReadQueue(clock, 1);
    void full.run("x", () => new Promise(() => {}));
    for (let at = 0; at < maxWaitingReads.ofAll; at++) void full.run(`by ${at}`, async () => {}).catch(() => {});
    assert.match(await message(full.run("y", async () => {})), /256 queries wait already/);
  });

  test("an answer that takes too long is given up, and keeps its place until it is done", async () => {
    const clock = new ManualClock();
    const queue = new ReadQueue(clock, 1);
    let end = (): void => {};
    const slow = message(queue.run("ann", () => new Promise<void>((resolve) => (end = resolve))));
    await eventually("its turn", () => end.length === 0);
    clock.advance(readTimeout);
    assert.match(await slow, /no answer within 10 s: try again, or ask for a shorter range/);
    const next = queue.run("ann", async () => "next");
    end();
    assert.is(await next, "next");
  });
});

async function message(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no error",
    (error: unknown) => (error as Error).message,
  );
}
