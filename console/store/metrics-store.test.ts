import { createServer, request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { SettingsError } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { startInflux } from "../../test/influx.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { EmbeddedStore } from "./embedded.ts";
import { maxLookedBack } from "../recall.ts";
import { maxLeftOutFields } from "./influx-last.ts";
import { maxQueryAnswerBytes } from "./influx-reader.ts";
import { firstAnswer, InfluxStore } from "./influx.ts";
import { parseInfluxUrl } from "./influx-url.ts";
import { trimLineEvery } from "./trim-log.ts";
import { agedShare, maxTrimmedSeries } from "./trimming.ts";
import { StoreUnavailableError, type MetricsQuery, type MetricsStore, type SeriesColumns } from "./store.ts";

const device = parseDeviceId("rpi-7");
const other = parseDeviceId("rpi-8");
const began = Date.UTC(2026, 10, 1);

const common = { log: silentLog, clock: systemClock };
const influxStore = (url: string): InfluxStore => new InfluxStore({ url, random: () => 0.5, ...common });

const series = (fields: SeriesColumns["fields"], more: Partial<SeriesColumns> = {}): SeriesColumns => {
  const [first] = Object.values(fields);
  const length = Array.isArray(first) ? first.length : 1;
  return {
    device,
    measurement: "mem",
    tags: {},
    times: Array.from({ length }, (_, index) => began + index * 1_000),
    fields,
    ...more,
  };
};
const query = (more: Partial<MetricsQuery> = {}): MetricsQuery => ({
  device,
  measurement: "mem",
  field: "used",
  from: began,
  to: began + 3_600_000,
  every: 0,
  ...more,
});
const values = async (store: MetricsStore, more: Partial<MetricsQuery> = {}): Promise<unknown[]> =>
  (await store.query(query(more))).flatMap(({ points }) => points.map(([, value]) => value));
const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.unreachable("it should reject") as never,
    (error: Error) => error,
  );

const makers: Record<string, (scope: Scope) => Promise<() => MetricsStore>> = {
  embedded: async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    return () => new EmbeddedStore({ path, maxAge: 10 * 365 * 86_400_000, maxBytes: 1e9, ...common });
  },
  InfluxDB: async (scope) => {
    const server = await startInflux(scope);
    return () => influxStore(`${server.url}/fleet`);
  },
};

for (const [name, maker] of Object.entries(makers)) {
  suite(`metrics store: ${name}`, ({ test, before }) => {
    let make: () => MetricsStore;
    // One server for the suite, and a device of its own for each test.
    before(async (scope) => {
      make = await maker(scope);
    });
    let count = 0;
    const started = async (scope: Scope) => {
      const own = parseDeviceId(`device-${(count += 1)}`);
      const store = make();
      await store.start();
      scope.cleanup(() => store.stop());
      return {
        store,
        own,
        put: (fields: SeriesColumns["fields"], more: Partial<SeriesColumns> = {}) =>
          store.write([series(fields, { device: own, ...more })]),
        get: (more: Partial<MetricsQuery> = {}) => values(store, { device: own, ...more }),
        ask: (more: Partial<MetricsQuery> = {}) => store.query(query({ device: own, ...more })),
      };
    };

    test("what was written is read back, in order of time", async (scope) => {
      const { put, ask } = await started(scope);
      assert.equal(await put({ used: [1, 2.5, 3] }), { rejected: [] });
      assert.equal(await ask(), [
        {
          tags: {},
          points: [
            [began, 1],
            [began + 1_000, 2.5],
            [began + 2_000, 3],
          ],
        },
      ]);
    });

    test("the last value of each field in a time, also where they came in different messages, with its own moment", async (scope) => {
      const { store, own, put } = await started(scope);
      const room = { measurement: 'room of "one"', tags: { place: "a b" } };
      await put({ t: [20, 21], open: [true, false] }, { ...room, times: [began, began + 2_000] });
      await put({ battery: 3, word: "it's low" }, { ...room, times: [began + 1_000] });
      await put({ t: [22] }, { ...room, times: [began + 3_000] });
      await put({ t: [7] }, { measurement: 'room of "one"', tags: { place: "c" }, times: [began + 500] });
      const last = async (from: number, to: number, most = 10): Promise<unknown> =>
        (await store.last({ device: own, from, to, most, rows: 100 }))
          .map(({ measurement, tags, times, fields }) => [measurement, tags["place"], times[0], fields])
          .sort((a, b) => Number(a[2]) - Number(b[2]));
      const name = room.measurement;
      assert.equal(await last(-8.64e15, 8.64e15), [
        [name, "c", began + 500, { t: 7 }],
        [name, "a b", began + 1_000, { battery: 3, word: "it's low" }],
        [name, "a b", began + 2_000, { open: false }],
        [name, "a b", began + 3_000, { t: 22 }],
      ]);
      assert.equal(await last(began, began + 1_000), [
        [name, "a b", began, { t: 20, open: true }],
        [name, "c", began + 500, { t: 7 }],
      ]);
      assert.equal(await last(began + 4_000, began + 5_000), []);
      assert.is(((await last(0, 8.64e15, 1)) as unknown[]).length < 4, true, "so many series and no more");
      assert.equal(await store.last({ device: parseDeviceId("nobody"), from: 0, to: 8.64e15, most: 9, rows: 9 }), []);
    });

    test("means over intervals, empty ones left out; from belongs to the range, to does not", async (scope) => {
      const { put, ask, get } = await started(scope);
      await put({ used: [1, 3, 5, 7] }, { times: [began, began + 500, began + 1_000, began + 5_000] });
      assert.equal((await ask({ every: 1_000 }))[0]?.points, [
        [began, 2],
        [began + 1_000, 5],
        [began + 5_000, 7],
      ]);
      assert.equal(await get({ from: began + 500, to: began + 5_000 }), [3, 5]);
    });

    test("means with their extremes: a single sample that stands out is in them, text and a gap are not", async (scope) => {
      const { put, ask } = await started(scope);
      const many = Array.from({ length: 1_000 }, (_, at) => (at === 700 ? 5_000 : at % 2));
      await put({ used: many, word: "x" });
      const [found, ...others] = await ask({ every: 600_000, extremes: true });
      assert.equal(others, []);
      assert.equal(
        { ...found, points: found?.points.map(([ts, value]) => [ts - began, Math.round(Number(value) * 100)]) },
        {
          tags: {},
          points: [
            [0, 50],
            [600_000, 1_300],
          ],
          lows: [0, 0],
          highs: [1, 5_000],
        },
      );
      assert.equal(await ask({ every: 600_000, extremes: true, field: "word" }), []);
      assert.equal(Object.keys((await ask({ extremes: true, to: began + 1_000 }))[0] ?? {}).sort(), ["points", "tags"]);
    });

    test("several series by their tags, and one of them by a tag", async (scope) => {
      const { put, ask } = await started(scope);
      await put({ used: [1] }, { tags: { cpu: "cpu0" } });
      await put({ used: [2] }, { tags: { cpu: "cpu1", core: "a" } });
      assert.equal(
        new Map((await ask()).map(({ tags, points }) => [JSON.stringify(Object.entries(tags).sort()), points[0]?.[1]])),
        new Map([
          ['[["cpu","cpu0"]]', 1],
          ['[["core","a"],["cpu","cpu1"]]', 2],
        ]),
      );
      assert.equal(
        (await ask({ tags: { cpu: "cpu1" } })).map(({ tags }) => tags),
        [{ cpu: "cpu1", core: "a" }],
      );
    });

    test("a whole number that a double does not hold is read as the nearest one, and spoils no other", async (scope) => {
      const { put, get } = await started(scope);
      const beyond = [2 ** 53 + 2, -(2 ** 53) - 2, 2 ** 62, 2 ** 63, 2 ** 70, Number.MAX_VALUE];
      await put({ used: [1, ...beyond, 2.5] });
      assert.equal(await get(), [1, ...beyond, 2.5]);
      assert.equal(await get({ every: 1_000 }), [1, ...beyond, 2.5]);
      assert.equal(await get({ every: 1_000, extremes: true }), [1, ...beyond, 2.5]);
    });

    test("strings and booleans; nulls are no values", async (scope) => {
      const { put, get } = await started(scope);
      await put({ state: ["open", null, 'say "hi" \\ bye'], on: [true, false, null], used: [null, null, 1] });
      assert.equal(await get({ field: "state" }), ["open", 'say "hi" \\ bye']);
      assert.equal(await get({ field: "on" }), [true, false]);
      assert.equal(await get(), [1]);
    });

    test("the same instant again overwrites, other fields merge", async (scope) => {
      const { put, get } = await started(scope);
      await put({ used: [1], free: [9] });
      await put({ used: [2] });
      assert.equal(await get(), [2]);
      assert.equal(await get({ field: "free" }), [9]);
    });

    test("nobody's measurement, tag or value becomes another's", async (scope) => {
      const { store, put, ask, own } = await started(scope);
      const hostile = [
        "a,host=rpi-8 used=1",
        "a b",
        "a=b",
        String.raw`a\ b`,
        'a"b',
        "a'b",
        "x\nmem,host=rpi-8 used=99 1",
        "trailing\\",
        "$.a",
        "a.b",
        "ünïcödé",
      ];
      const writes = hostile.flatMap((text) => [
        put({ used: [1] }, { measurement: text }),
        put({ used: [1] }, { tags: { [text]: "v" } }),
        put({ used: [1] }, { tags: { t: text } }),
        put({ [text]: [1] }),
        put({ note: [text] }),
      ]);
      await Promise.all(writes);
      assert.equal(await values(store, { device: other }), [], "another device's");
      for (const text of hostile) {
        if (text.includes("\n")) continue;
        const found = await ask({ measurement: text });
        assert.ok(
          found.every(({ points }) => points.every(([, value]) => value === 1)),
          text,
        );
        const tagged = await ask({ tags: { t: text } });
        assert.ok(
          tagged.every(({ tags }) => tags["t"] === text),
          text,
        );
      }
      assert.ok(own);
    });

    test("numbers that are none are set aside, the rest is written", async (scope) => {
      const { put, get } = await started(scope);
      const { rejected } = await put({ used: [1, Number.NaN, Infinity, 4] });
      assert.is(
        rejected.reduce((sum, one) => sum + one.count, 0),
        2,
      );
      assert.equal(await get(), [1, 4]);
    });

    test("text and booleans have no mean", async (scope) => {
      const { put, get } = await started(scope);
      await put({ state: ["open", "shut"] });
      assert.equal(await get({ field: "state", every: 1_000 }), []);
    });

    test("nothing to write, and nothing to find", async (scope) => {
      const { store, get } = await started(scope);
      assert.equal(await store.write([]), { rejected: [] });
      assert.equal(await get({ field: "nothing" }), []);
      assert.equal(await get({ measurement: "nothing" }), []);
      assert.equal(store.health(), { ok: true });
    });

    test("stopped and started, it has what was written", async (scope) => {
      const { store, put, own } = await started(scope);
      await put({ used: [1, 2] });
      await store.stop();
      const again = make();
      await again.start();
      scope.cleanup(() => again.stop());
      assert.equal(await values(again, { device: own }), [1, 2]);
    });
  });
}

suite("embedded store", ({ test }) => {
  const many = (count: number, from: number): SeriesColumns =>
    series(
      { used: Array.from({ length: count }, (_, index) => index) },
      { times: Array.from({ length: count }, (_, index) => from + index * 1_000) },
    );

  test("asked before its start it refuses, and nothing is wrong with it for that", async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const store = new EmbeddedStore({ path, maxAge: 1e12, maxBytes: 1e9, ...common });
    const refused = await store.write([many(1, began)]).catch((error: unknown) => error);
    assert.instance(refused, StoreUnavailableError);
    assert.equal(store.health(), { ok: true });
    await store.start();
    scope.cleanup(() => store.stop());
    assert.equal(store.health(), { ok: true });
  });

  test("looks so many rows back for a field that later ones leave out, and at some before them", async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const store = new EmbeddedStore({ path, maxAge: 1e12, maxBytes: 1e9, ...common });
    await store.start();
    scope.cleanup(() => store.stop());
    await store.write([many(3 * maxLookedBack, began)]);
    const put = (field: string, row: number) => store.write([series({ [field]: 1 }, { times: [began + row * 1_000] })]);
    await put("edge", 2 * maxLookedBack);
    await put("beyond", 2 * maxLookedBack - 1);
    await put("first", 0);
    const found = await store.last({ device, from: began, to: 8.64e15, most: 9, rows: maxLookedBack });
    assert.equal(
      found.flatMap(({ fields }) => Object.keys(fields)),
      ["first", "edge", "used"],
    );
  });

  test("lets go of what is older than its age", async (scope) => {
    const clock = new ManualClock(began + 3_600_000);
    const store = new EmbeddedStore({
      path: join(await scope.directory(), "metrics.db"),
      maxAge: 60_000,
      maxBytes: 1e9,
      log: silentLog,
      clock,
    });
    await store.start();
    scope.cleanup(() => store.stop());
    await store.write([many(3_601, began)]);
    clock.advance(60_000);
    await store.write([series({ used: [1] }, { times: [began + 3_660_000] })]);
    assert.equal(await values(store, { to: began + 7_200_000 }), [3_600, 1]);
  });

  test("what is a little too old is not looked for with each minute", async (scope) => {
    const clock = new ManualClock(began);
    const maxAge = 600_000 / agedShare;
    const path = join(await scope.directory(), "metrics.db");
    const store = new EmbeddedStore({ path, maxAge, maxBytes: 1e9, log: silentLog, clock });
    await store.start();
    scope.cleanup(() => store.stop());
    const write = (at: number): Promise<unknown> => store.write([series({ used: [1] }, { times: [at] })]);
    const left = async (): Promise<number> => (await values(store, { from: began - maxAge, to: began + 1e9 })).length;
    await write(clock.now());
    await write(clock.now() - maxAge + 60_000);
    clock.advance(480_000);
    await write(clock.now());
    assert.is(await left(), 3, "too old by seven minutes");
    clock.advance(120_000);
    await write(clock.now());
    assert.equal(await left(), 3, "that one went, and one has come");
  });

  test("a fleet's series are looked into some with each write", async (scope) => {
    const clock = new ManualClock(began);
    const path = join(await scope.directory(), "metrics.db");
    const store = new EmbeddedStore({ path, maxAge: 60_000, maxBytes: 1e9, log: silentLog, clock });
    await store.start();
    scope.cleanup(() => store.stop());
    const one = (name: string): SeriesColumns =>
      series({ used: [1] }, { times: [clock.now()], tags: { host: "rpi-7", name } });
    await store.write(Array.from({ length: maxTrimmedSeries + 1 }, (_, at) => one(`old ${at}`)));
    const left = async (): Promise<number> => (await store.query(query({ to: began + 1e9 }))).length;
    await store.write([one("old 0")]);
    clock.advance(61_000);
    await store.write([one("new")]);
    assert.is(await left(), 2, "the last of the old ones is left");
    await store.write([one("new")]);
    assert.is(await left(), 1);
  });

  test("stays within its size: the oldest leave first, and the file shrinks", async (scope) => {
    const clock = new ManualClock(began);
    const path = join(await scope.directory(), "metrics.db");
    const maxBytes = 512 * 1024;
    const store = new EmbeddedStore({ path, maxAge: 1e12, maxBytes, log: silentLog, clock });
    await store.start();
    scope.cleanup(() => store.stop());
    for (let hour = 0; hour < 12; hour++) {
      clock.advance(61_000);
      await store.write([many(3_600, began + hour * 3_600_000)]);
    }
    clock.advance(61_000);
    // Each write lets go of a part, so that none takes long.
    for (let more = 0; more < 20; more++) await store.write([many(1, began + 12 * 3_600_000)]);
    const kept = (await store.query(query({ to: began + 1e9 })))[0]?.points ?? [];
    assert.is(kept.at(-1)?.[0], began + 12 * 3_600_000);
    assert.ok((kept[0]?.[0] ?? 0) > began + 3_600_000);
    await store.stop();
    assert.ok(statSync(path).size < maxBytes * 1.5, String(statSync(path).size));
  });

  test("by a clock that may be wrong nothing is old; size goes by order, and a far future does not take the place of the present", async (scope) => {
    const clock = new ManualClock(began + 8 * 86_400_000);
    const path = join(await scope.directory(), "metrics.db");
    const told: [object, string][] = [];
    const note = (...line: [object, string]): void => void told.push(line);
    let ages = { trusted: false, latest: began + 3_600_000 };
    const store = new EmbeddedStore({
      path,
      maxAge: 7 * 86_400_000,
      maxBytes: 512 * 1024,
      log: { ...silentLog, info: note, warn: note },
      clock,
      ages: () => ages,
    });
    await store.start();
    scope.cleanup(() => store.stop());
    await store.write([many(3_600, began)]);
    for (let minute = 0; minute < 5; minute++) {
      clock.advance(61_000);
      await store.write([series({ used: [minute] }, { times: [began + 3_600_000 + minute] })]);
    }
    assert.is((await values(store)).length, 3_600);
    assert.equal(told, []);

    // A clock in 2036 has left samples of every series behind; then the file is full.
    await store.write([many(600, began + 10 * 365 * 86_400_000)]);
    ages = { trusted: false, latest: began + 8 * 3_600_000 };
    for (let hour = 1; hour < 8; hour++) await store.write([many(3_600, began + hour * 3_600_000)]);
    clock.advance(61_000);
    for (let more = 0; more < 10; more++) await store.write([many(1, began + 8 * 3_600_000)]);
    const kept = (await store.query(query({ to: began + 9 * 3_600_000 })))[0]?.points ?? [];
    assert.ok(kept.length > 7_200, String(kept.length));
    assert.is(kept.at(-1)?.[0], began + 8 * 3_600_000);
    assert.match(told[0]?.[1] ?? "", /is full .*oldest samples were let go/);

    // Trusted again: what is old goes, told with how much it was, once a minute.
    ages = { trusted: true, latest: began + 30 * 86_400_000 };
    const before = told.length;
    for (let write = 0; write < 8; write++) {
      clock.advance(trimLineEvery / 4);
      await store.write([many(1, began + 30 * 86_400_000)]);
    }
    const lines = told.slice(before).filter(([, text]) => text.includes("because of their age"));
    assert.ok(lines.length >= 1 && lines.length <= 2, JSON.stringify(lines));
    await store.stop();
    const rows = told
      .filter(([, text]) => text.includes("because of their age"))
      .reduce((sum, [line]) => sum + ("rows" in line ? Number(line.rows) : 0), 0);
    assert.is(rows, kept.length);
  });
});

suite("InfluxDB store", ({ test }) => {
  test("asks for so many fields that the newest row leaves out, and for no more", async (scope) => {
    const server = await startInflux(scope);
    const store = influxStore(`${server.url}/fleet`);
    await store.start();
    scope.cleanup(() => store.stop());
    const leftOut = async (count: number): Promise<number> => {
      const own = parseDeviceId(`device-${count}`);
      const fields = Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, [at]]));
      await store.write([series(fields, { device: own }), series({ used: [1] }, { device: own, times: [began + 1] })]);
      const found = await store.last({ device: own, from: 0, to: 8.64e15, most: 9, rows: 1 });
      return found.reduce((sum, one) => sum + Object.keys(one.fields).length, 0);
    };
    assert.is(await leftOut(maxLeftOutFields), maxLeftOutFields + 1);
    assert.is(await leftOut(maxLeftOutFields + 1), maxLeftOutFields + 1);
  });

  test("an address that cannot be used is told, without its password", () => {
    for (const url of [
      "http://u:secret%zz@h:8086/db",
      "influx",
      "mqtt://u:secret@h/db",
      "http://u:secret@h:8086",
      "http://u:secret@h:8086/a/b",
    ]) {
      assert.throws(
        () => parseInfluxUrl(url),
        (error: Error) => error instanceof SettingsError && !error.message.includes("secret"),
        url,
      );
    }
    assert.equal(parseInfluxUrl("http://a%40b:p%2Fw@db:8086/fleet"), {
      origin: "http://db:8086",
      protocol: "http",
      host: "db",
      port: 8086,
      username: "a@b",
      password: "p/w",
      database: "fleet",
    });
    assert.is(parseInfluxUrl("http://db/fleet").port, 80, "where its origin points to as well");
  });

  test("one that takes a connection and never answers holds up no start, nor a stop", async (scope) => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scope.cleanup(() => server.closeAllConnections());
    scope.cleanup(() => server.close());
    const clock = new ManualClock();
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/fleet`;
    const store = new InfluxStore({ url, random: () => 0.5, log: silentLog, clock });
    let started = false;
    const starting = store.start().then(() => (started = true));
    clock.advance(firstAnswer - 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(started, false);
    clock.advance(1);
    await starting;
    assert.is(store.health().ok, false);
    assert.match((await rejection(store.write([series({ used: [1] })]))).message, /has not answered yet/);
    await store.stop();
  });

  test(
    "away at the start and later there: writes are refused with the cause, then taken",
    async (scope) => {
      const server = await startInflux(scope, { stopped: true });
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      assert.match(store.health().problem ?? "", /InfluxDB at .* does not answer: .*ECONNREFUSED/);
      const error = await rejection(store.write([series({ used: [1] })]));
      assert.instance(error, StoreUnavailableError);
      assert.match((error.cause as Error).message, /ECONNREFUSED/);
      await server.start();
      await eventually("health", () => store.health().ok, 20);
      await store.write([series({ used: [1] })]);
      assert.equal(await values(store), [1]);
    },
    { seconds: 60 },
  );

  test(
    "killed and restarted: nothing that was resolved is lost, the rest can be tried again",
    async (scope) => {
      const server = await startInflux(scope);
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      await store.write([series({ used: [1] })]);
      await server.stop("SIGKILL");
      assert.instance(
        await rejection(store.write([series({ used: [2] }, { times: [began + 1] })])),
        StoreUnavailableError,
      );
      await server.start();
      await eventually("health", () => store.health().ok, 20);
      await store.write([series({ used: [2] }, { times: [began + 1] })]);
      assert.equal(await values(store), [1, 2]);
    },
    { seconds: 60 },
  );

  test(
    "a value of another type is rejected alone; the rest of the batch is in",
    async (scope) => {
      const server = await startInflux(scope);
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      await store.write([series({ used: [1] })]);
      const { rejected } = await store.write([
        series({ used: [2, "many", 4] }, { times: [began + 1, began + 2, began + 3] }),
        series({ load: [1] }, { measurement: "system" }),
      ]);
      assert.is(rejected.length, 1);
      assert.match(rejected[0]?.why ?? "", /field type conflict/);
      assert.equal({ ...rejected[0], why: "" }, { device, measurement: "mem", why: "", count: 1 });
      assert.equal(await values(store), [1, 2, 4]);
      assert.equal(await values(store, { measurement: "system", field: "load" }), [1]);
    },
    { seconds: 30 },
  );

  test(
    "of writes that share a request each hears of its own lines alone, and a large one spans several",
    async (scope) => {
      const server = await startInflux(scope);
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      await store.write([series({ used: [1] })]);
      const times = Array.from({ length: 12_000 }, (_, index) => began + index);
      const outcomes = await Promise.all([
        store.write([series({ used: times }, { times })]),
        store.write([series({ used: ["text"] }, { device: other, times: [began + 1] })]),
        store.write([series({ used: [Number.NaN] }), series({ load: ["a"] }, { measurement: "system" })]),
        store.write([series({ used: [2] }, { device: other, times: [began + 2] })]),
      ]);
      assert.equal(
        outcomes.map(({ rejected }) => rejected.map(({ device: of, count }) => [of, count])),
        [[], [[other, 1]], [[device, 1]], []],
      );
      assert.is((await values(store)).length, 12_000);
      assert.equal(await values(store, { device: other }), [2]);
    },
    { seconds: 30 },
  );

  test(
    "a write that waits holds its lines, not the series that they were made of",
    async (scope) => {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const server = createServer((incoming, outgoing) => {
        // Says yes to the probe, and nothing to a write.
        if (incoming.headers["content-length"] === "0") outgoing.writeHead(204).end();
        else if (incoming.url?.startsWith("/query")) outgoing.end('{"results":[{"series":[]}]}');
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scope.cleanup(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
      const store = influxStore(`http://127.0.0.1:${(server.address() as { port: number }).port}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      const write = (): WeakRef<object> => {
        const one = series({ used: [1, 2, 3] });
        store.write([one]).catch(() => {});
        return new WeakRef(one);
      };
      const held = write();
      // A WeakRef holds on to what it was made of until the turn of the event loop ends.
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      assert.is(held.deref(), undefined);
      server.closeAllConnections();
    },
    { seconds: 30 },
  );

  test(
    "a wrong password is told",
    async (scope) => {
      const server = await startInflux(scope, { auth: { user: "admin", password: "right horse" } });
      const url = (password: string): string => server.url.replace("http://", `http://admin:${password}@`) + "/fleet";
      const wrong = influxStore(url("wrong"));
      await wrong.start();
      scope.cleanup(() => wrong.stop());
      await eventually("what the server says", () => /refuses the user "admin"/.test(wrong.health().problem ?? ""), 20);
      const right = influxStore(url("right%20horse"));
      await right.start();
      scope.cleanup(() => right.stop());
      assert.equal(right.health(), { ok: true });
    },
    { seconds: 30 },
  );

  test(
    "one device's samples cannot hide or hold up another's",
    async (scope) => {
      const server = await startInflux(scope);
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      await store.write([series({ used: [1] }, { device: other })]);
      // A field `host`, a comment, the reserved `time`: none of them may reach the server.
      for (const unfit of [
        series({ host: ["x"] }),
        series({ a: [1] }, { measurement: "#mem" }),
        series({ time: [1] }),
      ]) {
        assert.is((await store.write([unfit])).rejected[0]?.count, 1);
      }
      // One written by another program hides nothing either.
      const foreign = await fetch(`${server.url}/write?db=fleet`, {
        method: "POST",
        body: 'mem,host=x host="y",used=3',
      });
      assert.is(foreign.status, 204);
      assert.equal(await values(store, { device: other }), [1]);
      // More than the 25 MB that InfluxDB takes in one request.
      const times = Array.from({ length: 5_000 }, (_, index) => began + index);
      const wide = Array.from({ length: 45 }, (_, index) => [`f${index}`.padEnd(128, "x"), times.map(() => 1)]);
      const large = series(Object.fromEntries(wide), { times });
      assert.equal(await Promise.all([store.write([large]), store.write([series({ used: [2] }, { device: other })])]), [
        { rejected: [] },
        { rejected: [] },
      ]);
      assert.equal(await values(store, { device: other }), [2]);
      assert.is((await values(store, { field: "f0".padEnd(128, "x") })).length, 5_000);
    },
    { seconds: 60 },
  );

  test(
    "a default policy that is missing is made",
    async (scope) => {
      const server = await startInflux(scope);
      await server.shell("CREATE DATABASE fleet");
      await server.shell("DROP RETENTION POLICY autogen ON fleet");
      const store = influxStore(`${server.url}/fleet`);
      await store.start();
      scope.cleanup(() => store.stop());
      assert.equal(await store.write([series({ used: [1] })]), { rejected: [] });
    },
    { seconds: 30 },
  );

  test(
    "a user who may only write needs nothing else",
    async (scope) => {
      const server = await startInflux(scope, { auth: { user: "admin", password: "p" } });
      for (const statement of ["CREATE DATABASE fleet", "CREATE USER w WITH PASSWORD 'w'", "GRANT WRITE ON fleet TO w"])
        await server.shell(statement);
      const url = `${server.url.replace("//", "//w:w@")}/fleet`;
      const store = new InfluxStore({ url, retention: 86_400_000, random: () => 0.5, ...common });
      await store.start();
      scope.cleanup(() => store.stop());
      assert.equal(store.health(), { ok: true });
    },
    { seconds: 30 },
  );

  test(
    "a full disk is one problem until a write succeeds, though probes do all the while",
    async (scope) => {
      let full = true;
      const server = createServer((incoming, outgoing) => {
        incoming.resume().on("end", () => {
          const refused = full && Number(incoming.headers["content-length"] ?? 0) > 0;
          outgoing.writeHead(refused ? 500 : 204).end(refused ? '{"error":"engine: no space left on device"}' : "");
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scope.cleanup(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
      const changes: boolean[] = [];
      const store: InfluxStore = new InfluxStore({
        url: `http://127.0.0.1:${(server.address() as { port: number }).port}/fleet`,
        random: () => 0,
        onHealth: () => changes.push(store.health().ok),
        ...common,
      });
      await store.start();
      scope.cleanup(() => store.stop());
      const write = () => store.write([series({ used: [1] })]).then(String, (error: Error) => error.message);
      const end = performance.now() + 4_000;
      while (performance.now() < end) assert.match(await eventually("an answer", write), /start InfluxDB twice/);
      assert.match(store.health().problem ?? "", /no space left on device; .*start InfluxDB twice/);
      full = false;
      await eventually("a write", async () => (await write()).startsWith("[object"), 15);
      assert.equal(changes, [true, false, true]);
    },
    { seconds: 40 },
  );

  test("an answer without end is hung up on, and says what to ask instead", async (scope) => {
    let hungUp = (): void => {};
    const closed = new Promise<void>((resolve) => (hungUp = resolve));
    let sent = 0;
    const server = createServer((incoming, outgoing) => {
      incoming.resume();
      if (!incoming.url?.includes("SELECT")) return void outgoing.writeHead(204).end();
      outgoing.write('{"results":[{"series":[{"values":[');
      const row = "[1,1],".repeat(10_000);
      const more = (): void => {
        for (let going = true; going && !outgoing.destroyed && sent < 100 * maxQueryAnswerBytes; sent += row.length)
          going = outgoing.write(row);
      };
      outgoing.on("drain", more).once("close", hungUp);
      more();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scope.cleanup(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
    const { port } = server.address() as { port: number };
    const store = new InfluxStore({ url: `http://127.0.0.1:${port}/fleet`, random: () => 0, ...common });
    scope.cleanup(() => store.stop());
    const why = await values(store, { from: 0, to: 1e9 }).catch((error: Error) => error.message);
    assert.match(String(why), /more than 20000 points: ask for a shorter range/);
    await closed;
    assert.ok(sent < 10 * maxQueryAnswerBytes, `${sent} bytes`);
  });

  test(
    "many small writes become few requests, and the retention policy is made",
    async (scope) => {
      const server = await startInflux(scope);
      let requests = 0;
      const proxy = createServer((incoming, outgoing) => {
        if (incoming.url?.startsWith("/write")) requests += 1;
        const passed = request(
          server.url + incoming.url,
          { method: incoming.method, headers: incoming.headers },
          (answer) => {
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(outgoing);
          },
        );
        incoming.pipe(passed);
      });
      await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
      scope.cleanup(() => (proxy.closeAllConnections(), new Promise((resolve) => proxy.close(resolve))));
      const address = proxy.address() as { port: number };
      const store = new InfluxStore({
        url: `http://127.0.0.1:${address.port}/fleet`,
        retention: 7 * 86_400_000,
        random: () => 0.5,
        ...common,
      });
      await store.start();
      scope.cleanup(() => store.stop());
      const now = Date.now();
      requests = 0;
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => store.write([series({ used: [index] }, { times: [now - index] })])),
      );
      assert.is(requests, 1);
      assert.is((await values(store, { from: now - 1_000, to: now + 1 })).length, 200);
      assert.match(await server.shell("SHOW RETENTION POLICIES ON fleet"), /muster +168h0m0s/);
      const influxShell = await server.shell("SELECT COUNT(used) FROM fleet..mem GROUP BY host");
      assert.match(influxShell, /host=rpi-7/);
    },
    { seconds: 30 },
  );
});
