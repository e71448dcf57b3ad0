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
});
