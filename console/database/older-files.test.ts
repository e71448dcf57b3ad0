import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { House } from "../../test/damage.ts";
import { suite } from "../../test/suite.ts";
import { lookAtConsole } from "../doctor/look.ts";
import { Marks, markEvery } from "./marks.ts";
import { maxMarksBehind, OlderFiles } from "./older-files.ts";
import { openState } from "../state/state.ts";
import { openDatabase, openForWriting, type Database } from "./database.ts";
import { search } from "../audit/search.ts";
import { closeDatabase } from "./group-sync.ts";
import { markSchema, nextMark, readMark, writeMark } from "./mark.ts";
import { databaseFiles } from "./mend.ts";
import { copyDirectory } from "../../test/copy.ts";

const damaged = (directory: string): string[] =>
  lookAtConsole(directory)
    .filter(({ state }) => state === "damaged")
    .map(({ what, says }) => `${what}: ${says}`);

const filesOf = (file: string): string[] => (file.endsWith(".db") ? [file, `${file}-wal`, `${file}-shm`] : [file]);

/** A log that keeps its sentences. */
function told(): Log & { readonly sentences: string[] } {
  const sentences: string[] = [];
  const keep = (fields: object, sentence: string): void => void sentences.push(`${JSON.stringify(fields)} ${sentence}`);
  return { ...silentLog, warn: keep, error: keep, sentences };
}

suite("older files", ({ test }) => {
  test("one file of them that is put back to an older copy is told once, wherever anybody looks", async (scope) => {
    const [directory, backup] = [await scope.directory(), await scope.directory()];
    await (await House.open(directory)).close();
    copyDirectory(directory, backup);
    await (await House.open(directory)).close();
    const meanings: [file: string, why: RegExp][] = [
      [
        "muster.db",
        /put back to a copy of \d{4}-.*Z, without the others, which go on to .*count as forgotten.*not begun/,
      ],
      ["metrics.db", /put back .*the embedded store has taken since is gone, and counts as missing/],
      ["spool.db", /put back .*simple samples that came since and had not reached the store are lost/],
      ["held.db", /put back .*values that were held since/],
      ["files.json", /put back .*is not missed/],
    ];
    for (const [file, why] of meanings) {
      const copy = await scope.directory();
      copyDirectory(directory, copy);
      assert.equal(damaged(copy), [], "nothing is wrong with it");
      for (const one of filesOf(file)) rmSync(join(copy, one), { force: true });
      cpSync(join(backup, file), join(copy, file));
      const [found, ...others] = damaged(copy);
      assert.match(found ?? "", new RegExp(`^${file}: it was ${why.source}`));
      assert.equal(others, []);
      const log = told();
      const house = await House.open(copy, log);
      const entries = [...search(house.state.database, { what: "data.set-back" })].flatMap((entry) => entry ?? []);
      assert.equal(
        entries.map(({ on }) => on),
        [file],
      );
      const { damaged: list } = (await house.ask("/api/damage")).body as { damaged: { place: string; why: string }[] };
      assert.equal(
        list.map(({ place }) => place),
        [file],
      );
      assert.match(list[0]?.why ?? "", why);
      assert.is(((await house.ask("/healthz")).body as { damaged: number }).damaged, 1, file);
      assert.is(log.sentences.length, 1, log.sentences.join("\n"));
      await house.close();
      assert.equal(damaged(copy), []);
      const again = openState(copy, systemClock, silentLog, { serves: true });
      assert.is(again.damage.count(), 1, `${file} is told once`);
      again.close();
    }
  });

  test("all of it put back together is no older file, and all databases without the list are", async (scope) => {
    const [directory, backup] = [await scope.directory(), await scope.directory()];
    await (await House.open(directory)).close();
    copyDirectory(directory, backup);
    await (await House.open(directory)).close();
    assert.equal(damaged(backup), []);
    for (const file of databaseFiles) cpSync(join(backup, file), join(directory, file));
    const all = damaged(directory);
    assert.is(all.length, databaseFiles.length, all.join("\n"));
    assert.match(all[0] ?? "", /muster\.db: it was put back to a copy of .*, without what stands in files\.json/);
    // A start that fails before anything is marked anew does not tell it twice.
    for (let times = 0; times < 2; times++) openState(directory, systemClock, silentLog, { serves: true }).close();
    const state = openState(directory, systemClock);
    scope.cleanup(() => state.close());
    assert.is(state.damage.count(), databaseFiles.length);
  });

  test("a copy of an earlier version's, and one of another copy of the directory, are told; one behind is not", async (scope) => {
    const directory = await scope.directory();
    await (await House.open(directory)).close();
    const path = join(directory, "spool.db");
    const set = (change: (database: Database) => void): void => {
      const database = openForWriting(path);
      change(database);
      closeDatabase(database);
    };
    const rest = { at: 0, started: 1, files: [...databaseFiles] };
    const { newest } = new OlderFiles(directory, 0);
    const older = (): string[] => new OlderFiles(directory, 0).older.map(({ file, why }) => `${file}: ${why}`);
    set((database) => writeMark(database, nextMark(newest - 1 - maxMarksBehind, rest)));
    assert.equal(older(), []);
    set((database) => writeMark(database, nextMark(newest - 2 - maxMarksBehind, rest)));
    assert.match(older().join(), /^spool\.db: .*1970-01-01/);
    set((database) => writeMark(database, nextMark(newest - 1, rest)));
    assert.match(older().join(), /another copy of this directory/);
    // A flipped bit in the number makes no file newer than all others.
    set((database) => database.exec("UPDATE mark SET number = number | (1 << 40)"));
    assert.equal(older(), []);
    set((database) => database.exec("DELETE FROM mark"));
    assert.equal(older(), [], "one that was made anew has none yet");
    set((database) => database.exec("DROP TABLE mark"));
    assert.match(older().join(), /^spool\.db: .*a copy of an earlier moment/);
  });

  test("while it runs they are marked every ten minutes, each wholly before the next", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(1_000_000);
    const open = (file: string): Database => openDatabase(join(directory, file), [markSchema]);
    const [first, second] = [open("a.db"), open("b.db")];
    let there: Database | undefined = second;
    const noted: number[] = [];
    const marks = new Marks({
      databases: { "a.db": () => first, "b.db": () => there },
      newest: 5,
      note: (number) => noted.push(number),
      clock,
      log: silentLog,
    });
    const numbers = (): unknown[] => [first, second].map((one) => readMark(one)?.number);
    marks.start();
    await marks.stop();
    assert.equal(numbers(), [9, 9]);
    assert.equal(noted, [7]);
    assert.equal(readMark(first), readMark(second));

    const next = new Marks({
      databases: { "a.db": () => first, "b.db": () => there },
      newest: 9,
      note: (number) => noted.push(number),
      clock,
      log: silentLog,
    });
    next.start();
    clock.advance(markEvery);
    await next.settled();
    assert.equal(numbers(), [12, 12]);
    // What the disk refuses is gone on with, and nothing gets further ahead meanwhile.
    second.exec("DROP TABLE mark");
    for (let times = 0; times < 3; times++) {
      clock.advance(markEvery);
      await next.settled();
    }
    assert.is(readMark(first)?.number, 13);
    second.exec(markSchema);
    clock.advance(markEvery);
    await next.settled();
    assert.equal(numbers(), [13, 13]);
    // One that is not in use is not looked at.
    there = undefined;
    clock.advance(markEvery);
    await next.settled();
    assert.equal([readMark(first)?.number, readMark(first)?.files], [14, ["a.db"]]);
    await next.stop();
    first.close();
    second.close();
  });
});
