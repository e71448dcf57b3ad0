import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { metricsSchema } from "../../console/store/metrics-schema.ts";
import { openDatabase } from "../../console/database/database.ts";
import { suite } from "../../test/suite.ts";
import { genuine, Remains, remainsOf } from "./remains.ts";

suite("chaos: what remains of a store's file", ({ test }) => {
  test("what stands in the log before the turned bit, and nothing behind it", async (scope) => {
    const directory = await scope.directory();
    const database = openDatabase(join(directory, "metrics.db"), metricsSchema);
    scope.cleanup(() => database.close());
    const put = (at: number, n: number): void =>
      void database.prepare("INSERT INTO samples (series, ts, fields) VALUES (1, ?, ?)").run(at, JSON.stringify({ n }));
    put(100, 1);
    const log = join(directory, "metrics.db-wal");
    const before = readFileSync(log).length;
    put(200, 2);
    put(300, 3);
    const copy = async (turn: (bytes: Buffer) => void): Promise<string> => {
      const target = join(await scope.directory(), "copy");
      mkdirSync(target);
      copyFileSync(join(directory, "metrics.db"), join(target, "metrics.db"));
      const bytes = readFileSync(log);
      turn(bytes);
      writeFileSync(join(target, "metrics.db-wal"), bytes);
      return target;
    };
    const there = async (turn: (bytes: Buffer) => void): Promise<boolean[]> => {
      const remains = await remainsOf(await copy(turn));
      return [1, 2, 3].map((n) => remains.has({ at: n * 100, n }));
    };
    assert.equal(await there(() => {}), [true, true, true]);
    assert.equal(await there((bytes) => bytes.writeUInt8(bytes.readUInt8(before + 30) ^ 4, before + 30)), [
      true,
      false,
      false,
    ]);
    assert.equal(await there((bytes) => bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)), [false, false, false]);
  });

  test("what only a turned bit has made of a sample is none; all else is", () => {
    const kept = [{ who: "dev-a", outbox: "o", seq: 1, on: 0, at: [100, 200], n: [1, 2] }];
    const stored = [
      { at: 100, n: 1 },
      { at: 264, n: 2 },
      { at: 300, n: 3 },
    ];
    assert.equal(genuine(stored, kept, [new Remains(stored)]), stored.slice(0, 1));
    assert.equal(genuine(stored, kept, [new Remains()]), stored);
  });
});
