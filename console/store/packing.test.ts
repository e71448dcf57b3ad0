import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { eventually, suite } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { EmbeddedStore } from "./embedded.ts";
import { metricsSchema } from "./metrics-schema.ts";
import { packEvery } from "./packing.ts";
import { stretchSpan } from "./stretch-finder.ts";

const device = parseDeviceId("rpi-7");
const day = 86_400_000;
/** Even hours. */
const began = Date.UTC(2026, 10, 1);

suite("packing of the embedded store", ({ test }) => {
  test("a file from before is packed while the store runs, answers the same, and what is old is let go of", async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const old = openDatabase(path, metricsSchema.slice(0, 2));
    old.exec(
      `INSERT INTO series VALUES (1, 'rpi-7', 'room', '{}');
       WITH RECURSIVE n (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 2159)
       INSERT INTO samples SELECT 1, ${began} + at * 10000, '{"t":' || (at * 7 % 90) || '.5,"word":"' || (at % 3) || '"}' FROM n`,
    );
    closeDatabase(old);

    const clock = new ManualClock(began + 3 * stretchSpan);
    const lines: [object, string][] = [];
    const note = (...line: [object, string]): void => void lines.push(line);
    const log = { ...silentLog, info: note, warn: note };
    const told: string[] = [];
    const damage = { noteFile: () => {}, noteStaying: (...words: string[]) => told.push(words.join(" ")) > 0 };
    const store = new EmbeddedStore({ path, maxAge: 30 * stretchSpan, maxBytes: 1e9, clock, log, damage });
    await store.start();
    scope.cleanup(() => store.stop());
    assert.ok(existsSync(`${path}.schema-2`), "a copy for who goes back");
    assert.match(JSON.stringify(lines), /"bytes":\d+.*copied before/);
    const { database } = store;
    assert.ok(database);
    const whole = { device, measurement: "room", from: began, to: began + 100 * stretchSpan };
    const ask = async () => [
      await store.query({ ...whole, field: "t", every: 0 }),
      await store.query({ ...whole, field: "word", every: 0 }),
      await store.query({ ...whole, field: "t", every: 77_000, extremes: true }),
    ];
    const put = (ts: number): Promise<unknown> =>
      store.write([{ device, measurement: "room", tags: {}, times: [ts], fields: { t: 1, word: "0" } }]);
    const count = (table: string): number =>
      (database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
    const packed = async (what: string, is: () => boolean): Promise<void> => {
      clock.advance(packEvery);
      await put(clock.now());
      await eventually(what, () => {
        clock.advance(1_000);
        return is();
      });
    };

    const before = await ask();
    assert.is(before[0]?.[0]?.points.length, 2_160);
    // The stretch that has just ended is left for what comes late.
    await packed("two of three stretches are packed", () => count("stretches") === 2);
    assert.is(count("samples"), 720 + 1);
    const after = await ask();
    assert.equal(
      after.map(([series]) => series?.points.slice(0, before[0]?.[0]?.points.length)).at(0),
      before[0]?.[0]?.points,
    );
    assert.equal(after[1]?.[0]?.points.slice(0, 2_160), before[1]?.[0]?.points);
    assert.equal(after[2]?.[0]?.points.slice(0, 280), before[2]?.[0]?.points.slice(0, 280));
    assert.equal(after[2]?.[0]?.highs?.slice(0, 280), before[2]?.[0]?.highs?.slice(0, 280));
    assert.equal((await store.ahead(began + stretchSpan))?.samples, 2_160 - 720 - 1 + 1);
    await packed("the third one as well", () => count("stretches") === 3);
    database.exec(`UPDATE stretches SET times = zeroblob(20) WHERE first = ${began + stretchSpan}`);
    const ahead = await store.ahead(began + 1.5 * stretchSpan);
    assert.is(ahead?.samples, 720 + count("samples"), "of what does not read, none");
    assert.match(told.join(), /rpi-7 room from 2026-11-01T02:00:00.000Z to .*checksum/);

    clock.advance(29.25 * stretchSpan);
    await put(clock.now());
    assert.is(count("stretches"), 1, "those that are older as a whole are gone");
    assert.is(count("stretch_fields"), 2);
    await store.stop();
    assert.ok(
      lines.some(([line, text]) => text.includes("because of their age") && "rows" in line && line.rows === 1_440),
      JSON.stringify(lines),
    );
  });

  test("days that are over are rolled up, and what is old is thinned a step at a time", async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const clock = new ManualClock(began + 2 * day + 3_600_000);
    const ages = { maxAge: day, maxAgeOfMinutes: 2 * day, maxAgeOfQuarters: 4 * day };
    const store = new EmbeddedStore({ path, ...ages, maxBytes: 1e9, clock, log: silentLog });
    await store.start();
    scope.cleanup(() => store.stop());
    const put = (ts: number): Promise<unknown> =>
      store.write([{ device, measurement: "room", tags: {}, times: [ts], fields: { t: 1, word: "now" } }]);
    await put(clock.now());
    store.database?.exec(
      `WITH RECURSIVE n (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < 5759)
       INSERT INTO samples SELECT 1, ${began} + at * 30000, '{"t":' || (at * 7 % 90) || '.5,"word":"' || (at / 100) || '"}' FROM n`,
    );
    const ask = (field: string, every: number) =>
      store.query({ device, measurement: "room", from: began, to: began + day, field, every, extremes: true });
    const before = [await ask("t", 900_000), await ask("t", 300_000), await ask("word", 0)];
    const until = async (what: string, is: () => unknown): Promise<void> => {
      clock.advance(packEvery);
      await put(clock.now());
      await eventually(what, () => {
        clock.advance(1_000);
        return is();
      });
    };
    const { database } = store;
    assert.ok(database);
    const of = (where: string): number =>
      (database.prepare(`SELECT count(*) AS count FROM days WHERE ${where}`).get() as { count: number }).count;

    await until("both days are rolled up", () => of("samples = 2 AND minutes > 0 AND quarters > 0") === 2);
    assert.equal(await ask("t", 900_000), before[0]);
    await until("one has lost its samples", () => of("samples = 0") === 1);
    assert.equal([await ask("t", 900_000), await ask("t", 300_000)], before.slice(0, 2));
    const thinned = (await ask("word", 0))[0];
    assert.equal(thinned?.thinned, [{ from: began, to: began + day, step: 60_000 }]);
    assert.equal([before[2]?.[0]?.points.length, thinned?.points.length], [2_880, 1_440]);
    const [samples, minutes, quarters] = (await store.kept()).map(({ step, since, age }) => ({ step, since, age }));
    assert.equal(samples, { step: 0, since: began + day, age: day });
    assert.equal([minutes?.since, quarters?.since, quarters?.age], [began, began, 4 * day]);

    clock.advance(day);
    await until("its minutes go", () => of("minutes = 0 AND quarters > 0") === 1);
    assert.equal(await ask("t", 900_000), before[0]);
    const coarse = (await ask("t", 300_000))[0];
    assert.equal([coarse?.points.length, coarse?.thinned?.[0]?.step], [96, 900_000]);
    assert.is((await store.last({ device, from: began, to: began + day, most: 9, rows: 9 })).length, 1);
    clock.advance(2 * day);
    await until("and its quarters of an hour", () => of(`first = ${began}`) === 0);
    assert.equal(await ask("t", 900_000), []);
  });
});
