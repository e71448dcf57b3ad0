import { rename } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite, type Scope } from "../../test/suite.ts";
import { Checkpoints, maxLogPages, minCheckpointPages } from "./checkpoints.ts";
import { openDatabase, type Database } from "./database.ts";
import { closeDatabase } from "./group-sync.ts";

async function open(scope: Scope): Promise<{ database: Database; checkpoints: Checkpoints; path: string }> {
  const path = join(await scope.directory(), "metrics.db");
  const database = openDatabase(path, ["CREATE TABLE pages (bytes BLOB)"]);
  const checkpoints = new Checkpoints(database);
  scope.cleanup(async () => {
    await checkpoints.stop();
    closeDatabase(database);
  });
  return { database, checkpoints, path };
}

/** So many pages of the log, and a few more. */
function fill(database: Database, pages: number): void {
  database.prepare("INSERT INTO pages VALUES (zeroblob(?))").run(pages * 4_096);
}

function logOf(database: Database): { log: number; checkpointed: number } {
  return database.prepare("PRAGMA wal_checkpoint(NOOP)").get() as { log: number; checkpointed: number };
}

function sqlitesOwn(database: Database): number {
  return (database.prepare("PRAGMA wal_autocheckpoint").get() as { wal_autocheckpoint: number }).wal_autocheckpoint;
}

suite("checkpoints of a thread's", ({ test }) => {
  test("a log of enough pages is moved, and begins anew with the next commit; one of fewer is left", async (scope) => {
    const { database, checkpoints } = await open(scope);
    fill(database, minCheckpointPages / 2);
    assert.is(checkpoints.run(), undefined);
    fill(database, minCheckpointPages / 2);
    const before = logOf(database);
    assert.ok(before.log >= minCheckpointPages && before.checkpointed === 0, JSON.stringify(before));
    const running = checkpoints.run();
    assert.ok(running);
    assert.is(checkpoints.run(), running);
    await running;
    const { log, checkpointed } = logOf(database);
    assert.is(checkpointed, log);
    assert.is(checkpoints.run(), undefined);
    fill(database, 1);
    assert.ok(logOf(database).log < 10, "it begins anew");
    assert.is(sqlitesOwn(database), maxLogPages);
  });

  test("commits go on meanwhile, and what they write is moved the next time", async (scope) => {
    const { database, checkpoints } = await open(scope);
    for (let round = 0; round < 3; round++) {
      fill(database, minCheckpointPages);
      const running = checkpoints.run();
      fill(database, 1);
      await running;
    }
    const rows = database.prepare("SELECT count(*) AS count, sum(length(bytes)) AS bytes FROM pages").get();
    assert.equal({ ...rows }, { count: 6, bytes: 3 * (minCheckpointPages + 1) * 4_096 });
    assert.equal({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  });

  test("where the thread cannot, SQLite does it by itself again, and no file is made in the place of one that was taken away", async (scope) => {
    const { database, checkpoints, path } = await open(scope);
    await rename(path, `${path}.away`);
    fill(database, minCheckpointPages);
    await checkpoints.run();
    assert.is(sqlitesOwn(database), minCheckpointPages);
    fill(database, minCheckpointPages);
    assert.is(checkpoints.run(), undefined);
    await rename(`${path}.away`, path);
  });
});
