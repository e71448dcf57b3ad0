import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { EnvironmentError } from "#shared/errors";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";

const setAside = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.includes(".damaged-") && !/-(wal|shm)$/.test(name));

/** Turns a bit in the kind of each page but the first. The same file: others have it open. */
function turnBits(path: string): void {
  const bytes = readFileSync(path);
  const page = bytes.readUInt16BE(16);
  const file = openSync(path, "r+");
  for (let at = page; at < bytes.length; at += page) writeSync(file, Uint8Array.of((bytes[at] ?? 0) ^ 0x40), 0, 1, at);
  closeSync(file);
}

suite("mending a database", ({ test }) => {
  test("what a console has open keeps its name, whoever else finds it damaged", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const console = openState(directory, clock, undefined, { serves: true });
    const path = join(directory, "muster.db");
    console.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const { ino } = statSync(path);
    turnBits(path);
    for (const syncsEach of [true, false])
      assert.throws(
        () => openState(directory, clock, undefined, { syncsEach }),
        (error: unknown) =>
          error instanceof EnvironmentError && /damaged.*console is at work.*stop Muster/s.test(error.message),
      );
    assert.is(statSync(path).ino, ino);
    assert.equal(setAside(directory), []);
    turnBits(path);
    console.accounts.set("ada", "operator");
    console.close();
    const again = openState(directory, clock);
    assert.is(again.accounts.find("ada")?.role, "operator", "what it wrote then is there");
    again.close();
  });

  test("without a console a command mends, and keeps none from starting after that", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    openState(directory, clock).close();
    turnBits(join(directory, "muster.db"));
    const command = openState(directory, clock, undefined, { syncsEach: true });
    assert.is(setAside(directory).length, 1);
    const console = openState(directory, clock, undefined, { serves: true });
    console.close();
    command.close();
  });

  test("what stands in the place of a log is left there as well", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const console = openState(directory, clock, undefined, { serves: true });
    const journal = join(directory, "muster.db-journal");
    mkdirSync(journal);
    assert.throws(() => openState(directory, clock), /muster\.db-journal.*console is at work/s);
    assert.ok(existsSync(journal));
    console.close();
    openState(directory, clock).close();
    assert.is(setAside(directory).length, 1);
  });
});
