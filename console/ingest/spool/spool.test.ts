import { rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { BadInputError, EnvironmentError } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import { silentLog, type Log } from "#shared/log";
import { fillDisk, smallDisk } from "../../../test/small-disk.ts";
import { eventually, suite, type Scope } from "../../../test/suite.ts";
import { StoreUnavailableError, type SeriesColumns } from "../../store/store.ts";
import { maxSetBack, SetBack, setBackFor } from "./set-back.ts";
import { SimpleSamples } from "./simple-samples.ts";
import { Spool } from "./spool.ts";
import type { SpooledMessage } from "./spool-rows.ts";
import { probeEvery } from "./spool-trouble.ts";

const rpi = parseDeviceId("rpi-7");
const message = (n: number, size = 0): SpooledMessage => ({
  device: rpi,
  path: "room",
  arrival: 1_000 + n,
  payload: Buffer.from(JSON.stringify({ n, text: "x".repeat(size) })),
});
const all = { rows: 1_000, bytes: 1e9 };
const none = new Set<number>();

async function open(scope: Scope, directory?: string, limit = 1e6, clock: Clock = systemClock): Promise<Spool> {
  const path = join(directory ?? (await scope.directory()), "spool.db");
  const spool = new Spool({ path, limit, clock, log: silentLog });
  spool.start();
  scope.cleanup(() => spool.stop());
  return spool;
}

async function refusal(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable("it was taken") as never;
}

/** A store that is away until it is let go, and what it has got. */
function makeStore() {
  const written: SeriesColumns[] = [];
  const calls: number[] = [];
  const store = {
    away: true,
    broken: undefined as number | undefined,
    /** Refused alone, for no reason that is known. */
    odd: undefined as number | undefined,
    health: () => ({ ok: !store.away }),
    async write(series: readonly SeriesColumns[]) {
      calls.push(series.length);
      if (store.away) throw new StoreUnavailableError("away");
      if (series.some(({ fields }) => fields["n"] === store.broken)) throw new Error("a bug");
      if (series.some(({ fields }) => fields["n"] === store.odd))
        throw new StoreUnavailableError("500", { alone: true });
      written.push(...series);
      return { rejected: [] };
    },
  };
  return { store, written, calls };
}

function samplesOn(
  spool: Spool,
  store: ReturnType<typeof makeStore>["store"],
  clock: ManualClock,
  log: Log = silentLog,
): SimpleSamples {
  return new SimpleSamples({
    store,
    spool,
    clock,
    log,
    random: () => 0,
    admit: (series) => series,
    setAside: () => {},
    observe: () => {},
    observeClock: () => {},
  });
}

/** Lets pass what promises and the spool's immediates still have to do. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

suite("the spool", ({ test }) => {
  test("what was added is there for the next run, in order, until it is removed", async (scope) => {
    const directory = await scope.directory();
    const first = await open(scope, directory);
    const ids = await Promise.all([1, 2, 3].map((n) => first.add(message(n))));
    first.remove([{ id: ids[1] ?? 0, size: 0 }]);
    first.stop();
    const second = await open(scope, directory);
    assert.equal(
      second.oldest(all, none).map(({ arrival, payload }) => [arrival, JSON.parse(payload.toString()).n]),
      [
        [1_001, 1],
        [1_003, 3],
      ],
    );
    assert.is(second.state.rows, 2);
    assert.is(await second.add(message(4)), 4);
  });

  test("it hands out the oldest within bounds, and leaves out what is on its way", async (scope) => {
    const spool = await open(scope);
    await Promise.all([1, 2, 3, 4].map((n) => spool.add(message(n, 100))));
    const ids = (most: { rows: number; bytes: number }, skip = none): number[] =>
      spool.oldest(most, skip).map(({ id }) => id);
    assert.equal(ids({ rows: 2, bytes: 1e6 }), [1, 2]);
    assert.equal(ids({ rows: 9, bytes: 300 }, new Set([1])), [2, 3]);
    assert.equal(ids({ rows: 9, bytes: 1 }), [1]);
  });

  test("full, it refuses what is new and keeps what it has accepted", async (scope) => {
    const spool = await open(scope, undefined, 1_000);
    await Promise.all([1, 2].map((n) => spool.add(message(n, 450))).map((one) => one.catch(() => {})));
    const error = await refusal(spool.add(message(3, 450)));
    assert.instance(error, BadInputError);
    assert.match(error.message, /the spool is full \(1 message waits/);
    assert.is(spool.state.refused, 2);
    assert.is(spool.state.rows, 1);
  });

  test("on a full disk it says so, keeps what it has, and goes on when there is room", async (scope) => {
    const disk = await smallDisk(scope, 256);
    const spool = await open(scope, disk);
    await spool.add(message(1));
    const filler = fillDisk(disk);
    const error = await refusal(spool.add(message(2, 9_000)));
    assert.instance(error, EnvironmentError);
    assert.match(error.message, /the spool .*spool\.db cannot be written: database or disk is full; make room/);
    assert.match(spool.state.problem ?? "", /disk is full/);
    assert.is(spool.state.rows, 1);
    rmSync(filler);
    await spool.add(message(3, 9_000));
    assert.is(spool.state.problem, undefined);
    assert.is(spool.oldest(all, none).length, 2);
  });

  test("on a disk that was full it sees by itself that there is room again", async (scope) => {
    const disk = await smallDisk(scope, 256);
    const clock = new ManualClock();
    const spool = await open(scope, disk, 1e6, clock);
    const filler = fillDisk(disk);
    await refusal(spool.add(message(1, 9_000)));
    clock.advance(probeEvery);
    assert.match(spool.state.problem ?? "", /disk is full/);
    rmSync(filler);
    clock.advance(probeEvery);
    await eventually("the spool works again", () => spool.state.problem === undefined);
  });
});

suite("simple samples", ({ test }) => {
  test("with the store away they wait, and go oldest first when it is back, each with the moment it came", async (scope) => {
    const spool = await open(scope);
    const clock = new ManualClock();
    const { store, written } = makeStore();
    const samples = samplesOn(spool, store, clock);
    samples.start();
    const came = clock.now();
    for (let n = 1; n <= 5; n += 1) await samples.accept(rpi, "room", Buffer.from(`{"n":${n}}`));
    assert.is(spool.state.rows, 5);
    clock.advance(60_000);
    await settle();
    store.away = false;
    samples.storeIsBack();
    clock.advance(1);
    await settle();
    assert.equal(
      written.map(({ times, fields }) => [times[0], fields["n"]]),
      [1, 2, 3, 4, 5].map((n) => [came + n - 1, n]),
    );
    assert.is(spool.state.rows, 0);
    assert.is(samples.stats.stored, 5);
    samples.stop();
  });

  test("while it is away the store is asked with one row, less and less often", async (scope) => {
    const spool = await open(scope);
    const clock = new ManualClock();
    const { store, calls } = makeStore();
    const samples = samplesOn(spool, store, clock);
    samples.start();
    for (let n = 1; n <= 50; n += 1) await samples.accept(rpi, "room", Buffer.from(`{"n":${n}}`));
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    assert.is(calls[0], 50);
    assert.ok(
      calls.slice(1).every((rows) => rows === 1),
      calls.join(),
    );
    assert.ok(calls.length > 5 && calls.length < 16, `${calls.length} tries in a minute`);
    samples.stop();
  });

  test("a message that always fails is let go alone, and stands in nobody's way", async (scope) => {
    const spool = await open(scope);
    const clock = new ManualClock();
    const { store, written } = makeStore();
    const samples = samplesOn(spool, store, clock);
    samples.start();
    for (let n = 1; n <= 3; n += 1) await samples.accept(rpi, "room", Buffer.from(`{"n":${n}}`));
    store.away = false;
    store.broken = 1;
    for (let second = 0; second < 20; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    assert.equal(
      written.map(({ fields }) => fields["n"]),
      [2, 3],
    );
    assert.is(samples.stats.rejected, 1);
    assert.is(spool.state.rows, 0);
    samples.stop();
  });

  test("a message that the store refuses alone stands in nobody's way, and is tried again later", async (scope) => {
    const spool = await open(scope);
    const clock = new ManualClock();
    const { store, written, calls } = makeStore();
    const samples = samplesOn(spool, store, clock);
    samples.start();
    for (let n = 1; n <= 5; n += 1) await samples.accept(rpi, "room", Buffer.from(`{"n":${n}}`));
    const numbers = (): unknown[] => written.map(({ fields }) => fields["n"]).toSorted();
    store.odd = 2;
    store.away = false;
    samples.storeIsBack();
    for (let second = 0; second < 20; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    assert.equal(numbers(), [...new Set(numbers())], "each once");
    assert.equal([numbers(), spool.state.rows, samples.stats.rejected], [[1, 3, 4, 5], 1, 0]);
    const tries = calls.length;
    await samples.accept(rpi, "room", Buffer.from('{"n":6}'));
    for (let second = 0; second < 200; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    assert.equal([numbers(), calls.length], [[1, 3, 4, 5, 6], tries + 1]);
    store.odd = undefined;
    clock.advance(setBackFor);
    for (let second = 0; second < 5; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    assert.equal([numbers(), spool.state.rows], [[1, 2, 3, 4, 5, 6], 0]);
    samples.stop();
  });

  test("no more are set back than can be remembered", () => {
    const back = new SetBack(new ManualClock());
    for (let id = 0; id <= maxSetBack; id += 1) back.add(id);
    assert.equal([back.has(0), back.has(1), back.has(maxSetBack)], [false, true, true]);
  });

  test("without room on its disk they go straight to a store that is there, and are refused otherwise", async (scope) => {
    const disk = await smallDisk(scope, 256);
    const spool = await open(scope, disk);
    await spool.add(message(1));
    fillDisk(disk);
    const { store, written } = makeStore();
    const samples = samplesOn(spool, store, new ManualClock());
    samples.start();
    const large = Buffer.from(
      JSON.stringify({
        text: "x".repeat(1_000),
        n: 2,
        ...Object.fromEntries(
          ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"].map((name) => [name, "y".repeat(1_000)]),
        ),
      }),
    );
    const error = await refusal(samples.accept(rpi, "room", large));
    assert.instance(error, BadInputError);
    assert.match(error.message, /make room on its disk/);
    store.away = false;
    await samples.accept(rpi, "room", large);
    await settle();
    assert.equal(
      written.map(({ fields }) => fields["n"]),
      [2],
    );
    samples.stop();
  });

  const room = (...values: object[]): Buffer => Buffer.from(JSON.stringify(values));
  const rowsOf = (written: readonly SeriesColumns[], since: number): unknown[] =>
    written.map(({ times, tags, fields }) => [(times[0] ?? 0) - since, tags["id"] ?? "", fields["n"]]);

  test("samples of one series without a time end at their arrival, a millisecond apart, also over two messages and a restart", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const start = clock.now();
    const all: SeriesColumns[] = [];
    for (let run = 0; run < 2; run += 1) {
      const spool = await open(scope, directory);
      const { store, written } = makeStore();
      store.away = false;
      const samples = samplesOn(spool, store, clock);
      samples.start();
      await samples.accept(rpi, "room", room({ n: 1 }, { tags: { id: "b" }, values: { n: 2 } }, { n: 3 }));
      await samples.accept(rpi, "room", room({ n: 4 }, { n: 5 }));
      await samples.accept(rpi, "hall", room({ n: 6 }));
      await settle();
      samples.stop();
      spool.stop();
      all.push(...written);
    }
    const seen = all.map(({ measurement, tags, times }) => JSON.stringify([measurement, tags, times]));
    assert.is(new Set(seen).size, 12);
    assert.equal(rowsOf(all.slice(0, 6), start), [
      [-1, "", 1],
      [0, "b", 2],
      [0, "", 3],
      [1, "", 4],
      [2, "", 5],
      [0, "", 6],
    ]);
  });

  test("those that wait in the spool get the same times as those that go at once, and keep clear of samples with a time", async (scope) => {
    for (const away of [false, true]) {
      const spool = await open(scope);
      const clock = new ManualClock();
      const start = clock.now();
      const { store, written } = makeStore();
      store.away = away;
      const samples = samplesOn(spool, store, clock);
      samples.start();
      const own = [-1, -9].map((ms) => ({ ts: start + ms, values: { n: ms } }));
      await samples.accept(rpi, "room", room({ n: 1 }, ...own, { n: 2 }, { n: 3 }));
      store.away = false;
      samples.storeIsBack();
      clock.advance(1);
      await settle();
      assert.equal(rowsOf(written, start), [
        [-3, "", 1],
        [-1, "", -1],
        [-9, "", -9],
        [-2, "", 2],
        [0, "", 3],
      ]);
      samples.stop();
    }
  });

  test("two samples of one time that say different things are refused whole; an equal or another field is none", async (scope) => {
    const spool = await open(scope);
    const { store, written } = makeStore();
    store.away = false;
    const clock = new ManualClock();
    const samples = samplesOn(spool, store, clock);
    samples.start();
    const ts = clock.now() - 5;
    const said = await refusal(
      samples.accept(rpi, "room", room({ ts, values: { n: 1 } }, { ts: ts + 0.4, values: { n: 2 } })),
    );
    assert.match(
      said.message,
      /two samples with the same tags and "ts" \(.*, by the store's smallest step of 1 ms\) .*"n": give each its own "ts"/,
    );
    await samples.accept(rpi, "room", room({ ts, values: { n: 1, a: 1 } }, { ts, values: { n: 1, b: 1 } }));
    await samples.accept(
      rpi,
      "room",
      room({ ts, tags: { id: "a" }, values: { n: 1 } }, { ts, tags: { id: "b" }, values: { n: 2 } }),
    );
    await settle();
    assert.is(written.length, 4);
    assert.is(spool.state.rows, 0);
    samples.stop();
  });

  test("what an earlier version has accepted still reads", async (scope) => {
    const spool = await open(scope);
    const clock = new ManualClock();
    const ts = clock.now() - 60_000;
    const payloads = [
      room({ ts, values: { n: 1 } }, { ts, values: { n: 2 } }),
      room({ ts: 60, values: { n: 3 } }, { ts: 120, values: { n: 4 } }),
      Buffer.from(JSON.stringify({ n: 5, ts: 17 })),
    ];
    const arrival = clock.now();
    for (const payload of payloads) await spool.add({ device: rpi, path: "room", arrival, payload });
    const { store, written } = makeStore();
    store.away = false;
    const samples = samplesOn(spool, store, clock);
    samples.start();
    clock.advance(1);
    await settle();
    assert.equal(rowsOf(written, arrival), [
      [-60_000, "", 1],
      [-60_000, "", 2],
      [-60, "", 3],
      [0, "", 4],
      [0, "", 5],
    ]);
    assert.is(samples.stats.rejected, 0);
    samples.stop();
  });

  test("a unit other than milliseconds is said once for each device", async (scope) => {
    const spool = await open(scope);
    const { store } = makeStore();
    const said: string[] = [];
    const log = { ...silentLog, info: (_: object, message: string) => void said.push(message) };
    const samples = samplesOn(spool, store, new ManualClock(), log);
    for (let n = 0; n < 3; n += 1) await samples.accept(rpi, "room", room({ ts: 1_735_689_600 + n, values: { n } }));
    assert.equal(said, ["rpi-7 tells the time of its samples in seconds: taken as such"]);
  });
});
