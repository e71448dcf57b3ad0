import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite, type Scope } from "../../test/suite.ts";
import { busyPatience, faultsOf, openDatabase } from "./database.ts";
import { closeDatabase } from "./group-sync.ts";
import { atOnce, maxWaitingWrites, Persist, retryAfter } from "./persist.ts";

const schema = ["CREATE TABLE notes (note TEXT UNIQUE) STRICT;"];

/** A database that another connection can lock, as another process does. */
async function notebook(scope: Scope) {
  const path = join(await scope.directory(), "notes.db");
  const [database, other] = [openDatabase(path, schema), openDatabase(path, schema)];
  scope.cleanup(() => closeDatabase(database));
  scope.cleanup(() => closeDatabase(other));
  const clock = new ManualClock();
  const told: string[] = [];
  const say = (level: string) => (_: unknown, message?: string) => void told.push(`${level}: ${message ?? ""}`);
  const log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const persist = new Persist(database, clock, log);
  scope.cleanup(() => persist.stop());
  const insert = database.prepare("INSERT INTO notes VALUES (?)");
  return {
    persist,
    clock,
    told,
    lock: () => other.exec("BEGIN IMMEDIATE"),
    unlock: () => other.exec("ROLLBACK"),
    note: (text: string) => void insert.run(text),
    notes: () =>
      database
        .prepare("SELECT note FROM notes ORDER BY rowid")
        .all()
        .map(({ note }) => note),
  };
}

suite("rows that nobody waits for", ({ test }) => {
  test("what the disk refuses is kept in its order, written when it can be, and told once", async (scope) => {
    const { persist, clock, told, lock, unlock, note, notes } = await notebook(scope);
    persist.write("a", () => note("first"));
    lock();
    const began = performance.now();
    persist.write("b", () => note("old"));
    persist.write("c", () => note("later"));
    persist.write("b", () => note("new"));
    assert.ok(performance.now() - began < busyPatience * 3, "only the first one waits for the lock");
    assert.is(await persist.tried(), false);
    const durable = persist.durable();
    clock.advance(retryAfter);
    const { problem = "", since, ...health } = persist.health;
    assert.equal([health, since], [{ ok: false, waiting: 2 }, clock.now() - retryAfter]);
    assert.match(problem, /the console's own disk takes no writes \(database is locked\): make room on it/);
    unlock();
    clock.advance(retryAfter);
    await durable;
    assert.equal(notes(), ["first", "new", "later"]);
    assert.equal(persist.health, { ok: true, waiting: 0 });
    assert.equal(
      told.map((line) => line.slice(0, 40)),
      ["error: the console's own disk takes no w", "info: the console's own disk takes write"],
    );
    assert.is(await persist.tried(), true);
  });

  test("a fault that is not the disk's goes to whoever writes, and later costs that row alone", async (scope) => {
    const { persist, clock, lock, unlock, note, notes, told } = await notebook(scope);
    note("there");
    assert.throws(() => persist.write("twice", () => note("there")), /UNIQUE/);
    lock();
    persist.write("twice", () => note("there"));
    persist.write("other", () => note("other"));
    unlock();
    clock.advance(retryAfter);
    await persist.durable();
    assert.equal(notes(), ["there", "other"]);
    assert.ok(told.some((line) => /given up/.test(line)));
  });

  test("what somebody is told of at once is written or refused at once, and takes the place of what waits", async (scope) => {
    const { persist, clock, lock, unlock, note, notes } = await notebook(scope);
    lock();
    persist.write("a", () => note("old"));
    assert.throws(() => persist.demand(() => note("newest"), "a"), /locked/);
    unlock();
    persist.demand(() => note("newest"), "a");
    clock.advance(retryAfter);
    await persist.durable();
    assert.equal(notes(), ["newest"]);
  });

  test("so many wait at most; they are made up for in portions, and at the latest on stopping", async (scope) => {
    const { persist, clock, lock, unlock, note, notes } = await notebook(scope);
    lock();
    let ran = 0;
    persist.write("first", () => note("first"));
    for (let at = 1; at < maxWaitingWrites; at++) persist.write(`n${at}`, () => void (ran += 1));
    persist.write("n1", () => void (ran += 1));
    assert.throws(() => persist.write("one more", () => {}), /50000 rows wait/);
    unlock();
    clock.advance(retryAfter);
    assert.is(ran, atOnce - 1);
    persist.stop();
    assert.equal([ran, notes()], [maxWaitingWrites - 1, ["first"]]);
  });

  test("an index with a flipped bit is made anew, once, and the row is written", async (scope) => {
    const path = join(await scope.directory(), "notes.db");
    const before = openDatabase(path, schema);
    for (const note of ["first", "second", "third"]) before.prepare("INSERT INTO notes VALUES (?)").run(note);
    closeDatabase(before);
    const bytes = readFileSync(path);
    bytes[bytes.lastIndexOf("second")] = "z".charCodeAt(0);
    writeFileSync(path, bytes);
    const database = openDatabase(path, schema);
    scope.cleanup(() => closeDatabase(database));
    assert.is.not(faultsOf(database).length, 0);
    const change = database.prepare("UPDATE notes SET note = 'changed' WHERE rowid = 2");
    assert.throws(() => change.run(), /malformed/);
    const warned: string[] = [];
    const log = { ...silentLog, warn: (_: unknown, said?: string) => void warned.push(said ?? "") };
    const persist = new Persist(database, new ManualClock(), log);
    scope.cleanup(() => persist.stop());
    persist.write("a row", () => void change.run());
    assert.is(database.prepare("SELECT note FROM notes WHERE rowid = 2").get()?.["note"], "changed");
    assert.equal([faultsOf(database), warned.length], [[], 1]);

    // What is not an index's fault costs its row alone, whoever writes it.
    const never = (): never => {
      throw new Error("database disk image is malformed");
    };
    persist.write("another", never);
    assert.throws(() => persist.demand(never, "another"), /malformed/);
    persist.write("the next", () => void change.run());
    assert.equal(persist.health, { ok: true, waiting: 0 });
  });
});
