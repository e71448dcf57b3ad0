import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { EnvironmentError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { replaceFile } from "#disk/durable-file";
import { privateDirectory, privateFile, secretDirectory, secretFile } from "#disk/private-files";
import { suite } from "../test/suite.ts";
import { openState } from "../console/state/state.ts";
import { openDatabase } from "../console/database/database.ts";

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);
const isRoot = process.getuid?.() === 0;

suite("private files", ({ test }) => {
  test("a directory is made for its user alone", async (scope) => {
    const path = join(await scope.directory(), "a/b");
    privateDirectory(path, silentLog);
    assert.equal([modeOf(path), modeOf(join(path, ".."))], ["700", "700"]);
  });

  for (const [mode, closed] of [
    [0o755, "711"],
    [0o750, "710"],
    [0o777, "711"],
    [0o711, "711"],
    [0o700, "700"],
  ] as const) {
    test(`a wide one that is empty or Muster's own is closed, and that is told: ${mode.toString(8)}`, async (scope) => {
      const path = await scope.directory();
      for (const name of ["", "muster.db"]) {
        if (name) writeFileSync(join(path, name), "");
        chmodSync(path, mode);
        const told: string[] = [];
        privateDirectory(path, { ...silentLog, warn: (_, message) => void told.push(message) });
        assert.is(modeOf(path), closed);
        assert.is(told.length, mode.toString(8) === closed ? 0 : 1);
      }
    });
  }

  test("one that can never be made is refused at once", () => {
    // Node's own way of making directories asks for ever here.
    assert.throws(
      () => privateDirectory("/proc/self/nowhere/data", silentLog),
      (error: unknown) => error instanceof EnvironmentError && error.message.includes("cannot make the directory"),
    );
  });

  test("a wide one that holds other things is left as it is, and refused with what to do", async (scope) => {
    const path = await scope.directory();
    writeFileSync(join(path, "letters"), "");
    chmodSync(path, 0o755);
    assert.throws(() => openState(path, systemClock), /holds other things .* MUSTER_DATA.* chmod go-rwx/);
    assert.equal([modeOf(path), readdirSync(path)], ["755", ["letters"]]);
    // Closed it may hold what it likes.
    chmodSync(path, 0o700);
    openState(path, systemClock).close();
  });

  test("one that belongs to somebody else is refused", async (scope) => {
    if (!isRoot) return;
    for (const mode of [0o700, 0o755]) {
      const path = await scope.directory();
      chmodSync(path, mode);
      chownSync(path, 12_345, 12_345);
      assert.throws(() => privateDirectory(path, silentLog), /belongs to another user \(12345\)/);
      assert.throws(() => secretDirectory(path), /belongs to another user/);
    }
  });

  test("a directory of secrets that others could read is refused, not closed in silence", async (scope) => {
    const path = join(await scope.directory(), "secrets");
    secretDirectory(path);
    assert.is(modeOf(path), "700");
    chmodSync(path, 0o750);
    assert.throws(
      () => secretDirectory(path),
      (error: Error) => error instanceof EnvironmentError && /chmod 700/.test(error.message),
    );
  });

  test("a file of a secret that others could read is refused, not closed in silence", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "secret");
    secretFile(path);
    writeFileSync(path, "", { mode: 0o600 });
    secretFile(path);
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode);
      assert.throws(
        () => secretFile(path),
        (error: Error) => error instanceof EnvironmentError && /chmod 600/.test(error.message),
      );
    }
  });

  test("a database and the files beside it are for its user alone, those of former versions too", async (scope) => {
    const path = join(await scope.directory(), "muster.db");
    openDatabase(path, ["CREATE TABLE t (a INTEGER) STRICT"]).close();
    chmodSync(path, 0o644);
    const database = openDatabase(path, ["CREATE TABLE t (a INTEGER) STRICT"]);
    database.exec("INSERT INTO t VALUES (1)");
    for (const suffix of ["", "-wal", "-shm"]) assert.is(modeOf(path + suffix), "600", suffix);
    for (const suffix of ["-wal", "-shm"]) chmodSync(path + suffix, 0o644);
    const second = openDatabase(path, ["CREATE TABLE t (a INTEGER) STRICT"]);
    for (const suffix of ["-wal", "-shm"]) assert.is(modeOf(path + suffix), "600", suffix);
    second.close();
    database.close();
  });

  test("a file that is put in place never goes through a link, and is whole", async (scope) => {
    const directory = await scope.directory();
    const [path, precious] = [join(directory, "passwd"), join(directory, "precious")];
    writeFileSync(precious, "precious");
    symlinkSync(precious, path);
    replaceFile(path, "new");
    assert.equal(
      [readFileSync(precious, "utf8"), readFileSync(path, "utf8"), modeOf(path)],
      ["precious", "new", "600"],
    );
    assert.ok(lstatSync(path).isFile());
    mkdirSync(join(directory, "taken"));
    assert.throws(() => replaceFile(join(directory, "taken"), "new"));
    assert.equal(readdirSync(directory).sort(), ["passwd", "precious", "taken"]);
    if (!isRoot) return;
    chownSync(path, 12_345, 12_345);
    replaceFile(path, "newer");
    assert.is(statSync(path).uid, 12_345);
    assert.ok(existsSync(path));
  });

  test("a database that is open keeps its locks: without them another process would throw its log away", async (scope) => {
    const path = join(await scope.directory(), "a.db");
    const migrations = ["CREATE TABLE a (b INTEGER) STRICT;"];
    const database = openDatabase(path, migrations);
    scope.cleanup(() => database.close());
    const before = locksOf(path);
    assert.ok(before.length > 0);
    for (const part of ["", "-wal", "-shm"]) privateFile(path + part);
    assert.equal(locksOf(path), before);
  });
});

/** The locks that this process has on a database and on the memory shared beside it. */
function locksOf(path: string): string[] {
  const inodes = [path, `${path}-shm`].map((part) => `:${statSync(part).ino} `);
  const own = readFileSync("/proc/locks", "utf8")
    .split("\n")
    .filter((line) => line.includes(` ${process.pid} `));
  return own.filter((line) => inodes.some((inode) => line.includes(inode))).map((line) => line.replace(/^\d+: /, ""));
}
