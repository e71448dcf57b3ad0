import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { fillDisk, smallDisk } from "../../test/small-disk.ts";
import { suite } from "../../test/suite.ts";
import { openDatabase, openForReading, versionOf } from "./database.ts";
import { closeDatabase } from "./group-sync.ts";
import { maxSchemaCopies } from "./schema-copy.ts";

const schemas = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `CREATE TABLE t${at} (text TEXT) STRICT;`);

const open = (path: string, count: number) => openDatabase(path, schemas(count));

suite("a database of an older schema", ({ test }) => {
  test("is copied before it is migrated, and so many copies are kept", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "some.db");
    for (let count = 1; count <= maxSchemaCopies + 2; count += 1) {
      const database = open(path, count);
      database.exec(`INSERT INTO t0 VALUES ('of ${count}')`);
      closeDatabase(database);
    }
    const copies = readdirSync(directory).filter((name) => name.includes(".schema-"));
    assert.equal(copies.sort(), ["some.db.schema-2", "some.db.schema-3"]);
    const copy = openForReading(join(directory, "some.db.schema-3"));
    scope.cleanup(() => copy.close());
    assert.is(versionOf(copy), 3);
    assert.is(copy.prepare("SELECT * FROM t0").all().length, 3);
    assert.is(statSync(join(directory, "some.db.schema-3")).mode & 0o777, 0o600);
  });

  test("stays as it is where there is no room for the copy", async (scope) => {
    const directory = await smallDisk(scope, 512);
    const path = join(directory, "some.db");
    const database = open(path, 1);
    for (let times = 0; times < 20; times += 1) database.exec("INSERT INTO t0 VALUES (hex(randomblob(2000)))");
    closeDatabase(database);
    fillDisk(directory);
    assert.throws(() => open(path, 2), /cannot open|cannot be copied before it is changed/);
    const kept = openForReading(path);
    scope.cleanup(() => kept.close());
    assert.is(versionOf(kept), 1);
    assert.is(
      readdirSync(directory).some((name) => name.includes(".schema-")),
      false,
    );
  });
});
