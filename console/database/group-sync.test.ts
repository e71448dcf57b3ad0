import { statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemDisk } from "#disk/calls";
import { syncingDirectory } from "#disk/durable-file";
import { EnvironmentError } from "#shared/errors";
import { suite, type Scope } from "../../test/suite.ts";
import { makeDatabase, openDatabase, openForReading, transaction, type Database } from "./database.ts";
import { closeDatabase, GroupSync, syncOf } from "./group-sync.ts";

/** A disk whose syncs end when the test says so. */
class Disk {
  readonly syncs: ((error?: Error) => void)[] = [];
  readonly #waiting: (() => void)[] = [];

  readonly directorySynced = (path: string): Promise<void> => systemDisk.soon(syncingDirectory(path));

  readonly datasync = (_: number, done: (error: Error | null) => void): void => {
    this.syncs.push((error) => setImmediate(() => done(error ?? null)));
    for (const heard of this.#waiting.splice(0)) heard();
  };

  /** The sync with this number, counted from 0, once it has begun. */
  async begun(number: number): Promise<(error?: Error) => void> {
    while (this.syncs.length <= number) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.syncs[number]!;
  }
}

const schema = ["CREATE TABLE notes (note TEXT) STRICT;"];

async function notebook(scope: Scope): Promise<{ path: string; database: Database; note: (text: string) => void }> {
  const path = join(await scope.directory(), "notes.db");
  const database = openDatabase(path, schema);
  scope.cleanup(() => closeDatabase(database));
  const insert = database.prepare("INSERT INTO notes VALUES (?)");
  return { path, database, note: (text) => void insert.run(text) };
}

async function refused(asked: Promise<void>): Promise<void> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(thrown, EnvironmentError);
}

const pending = async (asked: Promise<void>): Promise<boolean> =>
  (await Promise.race([asked.then(() => "settled"), new Promise((resolve) => setImmediate(resolve, "pending"))])) ===
  "pending";

suite("group sync", ({ test }) => {
  test("who asks while a sync is on its way shares the next one", async (scope) => {
    const { database, note } = await notebook(scope);
    const disk = new Disk();
    const sync = new GroupSync(database, disk);
    note("a");
    const first = sync.synced();
    const end = await disk.begun(0);
    note("b");
    const second = sync.synced();
    note("c");
    const third = sync.synced();
    end();
    await first;
    const endNext = await disk.begun(1);
    assert.ok(await pending(second), "what was committed after a sync had begun is not on the disk with it");
    endNext();
    await Promise.all([second, third]);
    assert.is(disk.syncs.length, 2);
  });

  test("what is on the disk already, or on its way, is not synced again", async (scope) => {
    const { database, note } = await notebook(scope);
    const disk = new Disk();
    const sync = new GroupSync(database, disk);
    note("a");
    const both = [sync.synced(), sync.synced()];
    (await disk.begun(0))();
    await Promise.all(both);
    await sync.synced();
    assert.is(disk.syncs.length, 1);
  });

  test("a sync that begins within a transaction says nothing about it", async (scope) => {
    const { database, note } = await notebook(scope);
    const disk = new Disk();
    const sync = new GroupSync(database, disk);
    database.exec("BEGIN IMMEDIATE");
    note("a");
    const before = sync.synced();
    const end = await disk.begun(0);
    database.exec("COMMIT");
    const after = sync.synced();
    end();
    await before;
    const endNext = await disk.begun(1);
    assert.ok(await pending(after));
    endNext();
    await after;
  });

  test("after a sync that failed, everything is written anew before anything counts", async (scope) => {
    const { path, database, note } = await notebook(scope);
    const disk = new Disk();
    const sync = new GroupSync(database, disk);
    scope.cleanup(() => sync.close(false));
    note("a");
    const first = sync.synced();
    (await disk.begun(0))(new Error("EIO: i/o error, fdatasync"));
    await refused(first);
    const reader = openForReading(path);
    scope.cleanup(() => reader.close());
    reader.exec("BEGIN; SELECT * FROM notes");
    note("b");
    await refused(sync.synced());
    assert.is(disk.syncs.length, 1, "another sync of the same pages proves nothing");
    reader.exec("COMMIT");
    const again = sync.synced();
    (await disk.begun(1))();
    await again;
    assert.is(statSync(`${path}-wal`).size, 0);
    note("c");
    const later = sync.synced();
    (await disk.begun(2))();
    await later;
  });

  test("a log whose name is not on the disk yet proves nothing, also at the next try", async (scope) => {
    const { database, note } = await notebook(scope);
    const disk = new Disk();
    let asked = 0;
    const directorySynced = async (): Promise<void> => {
      asked += 1;
      if (asked === 1) throw new Error("EIO: i/o error, fsync");
    };
    const sync = new GroupSync(database, { datasync: disk.datasync, directorySynced });
    scope.cleanup(() => sync.close(false));
    note("a");
    await refused(sync.synced());
    note("b");
    const again = sync.synced();
    (await disk.begun(0))();
    await again;
    assert.is(asked, 2);
  });

  test("a closed database is one file, whoever still has it open", async (scope) => {
    const { path, database, note } = await notebook(scope);
    const reader = openForReading(path);
    scope.cleanup(() => reader.close());
    const count = reader.prepare("SELECT COUNT(*) AS count FROM notes");
    transaction(database, () => note("a"));
    assert.equal({ ...count.get() }, { count: 1 });
    assert.ok(statSync(`${path}-wal`).size > 0);
    const asked = syncOf(database).synced();
    closeDatabase(database);
    await asked;
    await syncOf(database).synced();
    assert.is(statSync(`${path}-wal`).size, 0);
  });

  test("who waits for a database that is dropped is not told that it is safe", async (scope) => {
    const { database, note } = await notebook(scope);
    const disk = new Disk();
    const sync = new GroupSync(database, disk);
    note("a");
    const first = sync.synced();
    const end = await disk.begun(0);
    note("b");
    const second = sync.synced();
    sync.close(false);
    await refused(second);
    end();
    await first;
    await refused(sync.synced());
  });

  test("a database without a log syncs each commit itself", async (scope) => {
    const database = makeDatabase(join(await scope.directory(), "made.db"), schema);
    database.prepare("INSERT INTO notes VALUES ('a')").run();
    await syncOf(database).synced();
    closeDatabase(database);
  });
});
