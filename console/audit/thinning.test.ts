import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite, type Scope } from "../../test/suite.ts";
import type { Database } from "../database/database.ts";
import { openState } from "../state/state.ts";
import { anchorName, settleAnchor, writeAnchor } from "./anchor.ts";
import { Audit } from "./audit.ts";
import { columns, hashOf, maxLength, parseEntry, type AuditEntry } from "./entry.ts";
import { digestOfHashes, mayGo, sectionIn, thinnedEvent, thinnedWord } from "./thinned-section.ts";
import { maxAuditEntries, maxOlderEntries, sectionSize, trimmedWord } from "./thinning.ts";
import { verify, type Verdict, type Witness } from "./verify.ts";

const clock = new ManualClock();
const most = 300;

const login = { who: "eve", from: "192.0.2.7", what: "login.refused", result: "refused" } as const;
const sent = { who: "olga", from: "api", what: "command.sent", on: "rpi-7", detail: { key: "ping" } } as const;
const ended = { who: "rpi-7", from: "mqtt", what: "command.ended", on: "rpi-7", result: "succeeded" } as const;

async function opened(scope: Scope, older = maxOlderEntries) {
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { database } = state;
  const audit = new Audit({ database, clock, most, older });
  /** What was there before anything was taken out, by number. */
  const written = new Map<number, AuditEntry>();
  const all = (): AuditEntry[] => entriesIn(database);
  /** Writes a number of commands, each with its end, and `rare` once for so many of them. */
  const flood = (commands: number, rare?: Parameters<Audit["record"]>[0], each = 100): void => {
    database.exec("BEGIN");
    for (let n = 0; n < commands; n += 1) {
      if (rare && n % each === 0) note(audit.record(rare));
      note(audit.record(sent));
      note(audit.record(ended));
    }
    database.exec("COMMIT");
  };
  const note = (entry: AuditEntry): void => void written.set(entry.n, entry);
  const look = (...witnesses: Witness[]): Verdict => verdictOf(database, witnesses);
  return { state, database, audit, all, flood, written, look };
}

function entriesIn(database: Database): AuditEntry[] {
  const rows = database.prepare(`SELECT ${columns} FROM audit ORDER BY n`).all();
  return rows.map((row) => parseEntry(row as Record<string, unknown>));
}

function verdictOf(database: Database, witnesses: readonly Witness[] = [], whole = most): Verdict {
  const steps = verify(database, witnesses, whole);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

const told = (entries: readonly AuditEntry[], what: string) => entries.filter((entry) => entry.what === what);

suite("audit log that is thinned", ({ test }) => {
  test("a flood of commands goes out of the older part, section by section, and what was refused stays", async (scope) => {
    const { all, flood, written, look, database } = await opened(scope);
    flood(5 * sectionSize, login);
    const entries = all();
    const thinned = told(entries, thinnedWord);
    assert.is(told(entries, login.what).length, 50, "each is there");
    assert.is(told(entries, trimmedWord).length, 0);
    const newest = entries.at(-1)?.n ?? 0;
    assert.ok(newest > 10_000 && entries.length < most + sectionSize + 70, `${entries.length} of ${newest}`);
    assert.equal(thinned.map(({ on }) => on).slice(0, 2), ["1-1000", "1001-2000"]);
    for (const entry of thinned) {
      const section = sectionIn(entry.detail);
      assert.ok(section);
      const { from, to, gone, digest, kept, rest, prev, hash } = section;
      const before = [...Array(sectionSize).keys()].flatMap((at) => written.get(from + at) ?? []);
      const went = before.filter(mayGo);
      assert.is(gone, went.length);
      assert.is(digest, digestOfHashes(went.map((one) => one.hash)));
      const stayed = entries.filter(({ n }) => n >= from && n <= to);
      assert.is(kept, stayed.length);
      assert.is(rest, digestOfHashes(stayed.map((one) => one.hash)));
      assert.is(prev, written.get(from)?.prev);
      // The section's last may be one of the log's own.
      assert.is(hash, (written.get(to) ?? stayed.at(-1))?.hash);
    }
    const { problems, notes, first } = look();
    assert.equal(problems, []);
    assert.is(first, 1);
    const gone = thinned.reduce((sum, { detail }) => sum + (sectionIn(detail)?.gone ?? 0), 0);
    assert.match(
      notes.join(),
      new RegExp(`^of the entries up to ${thinned.length * sectionSize}, ${gone} of commands`),
    );
    assert.equal(JSON.parse(thinned[0]?.detail ?? "").by, ["olga: 498", "rpi-7: 497"]);
    const plan = database.prepare(
      `EXPLAIN QUERY PLAN SELECT n FROM audit WHERE what = '${thinnedWord}' AND n > ? ORDER BY n LIMIT 1`,
    );
    assert.match(JSON.stringify(plan.all(0)), /audit_thinned/);
  });

  test("what is not due yet is whole: the newest, and a part of a section", async (scope) => {
    const { audit, all } = await opened(scope);
    for (let n = 1; n < most + sectionSize; n += 1) audit.record(sent);
    assert.is(all().length, most + sectionSize - 1);
    audit.record(sent);
    assert.is(all().length, most + 1);
    assert.is(all()[0]?.n, sectionSize + 1);
  });

  test("by itself it keeps as many whole as the page of limits says", async (scope) => {
    const { state, database, all } = await opened(scope);
    state.audit.record(login);
    state.audit.record(sent);
    database.exec(`UPDATE audit SET n = ${maxAuditEntries + sectionSize - 2} WHERE n = 2`);
    state.audit.record(sent);
    assert.is(all().length, 3);
    state.audit.record(sent);
    assert.is(told(all(), thinnedWord).length, 1);
    assert.is(maxOlderEntries, 50_000);
  });

  test("beyond their bound the oldest sections go wholly, the log says so, and the chain goes on", async (scope) => {
    const older = 2 * sectionSize;
    const { audit, all, look, database } = await opened(scope, older);
    database.exec("BEGIN");
    const last = most + 3 * sectionSize;
    for (let n = audit.head()?.n ?? 0; n < last - 1; n = audit.head()?.n ?? 0) audit.record(login);
    assert.is(told(all(), trimmedWord).length, 0);
    assert.is(all()[0]?.n, 1);
    audit.record(login);
    database.exec("COMMIT");
    assert.is(told(all(), trimmedWord).length, 1);
    assert.is(all()[0]?.n, sectionSize + 1);
    assert.equal(look().problems, []);
    assert.match(
      look().notes.join("\n"),
      new RegExp(`^entries up to ${sectionSize} have gone, because no more are kept`),
    );
    database.exec(`DELETE FROM audit WHERE n <= ${2 * sectionSize}`);
    assert.match(look().problems.join("\n"), new RegExp(`the beginning is missing: entries up to ${2 * sectionSize}`));
  });

  const attacks: readonly (readonly [does: string, how: (database: Database) => void, found: RegExp])[] = [
    [
      "takes one of those out that stayed",
      (database) => database.exec("DELETE FROM audit WHERE n = 202"),
      /^entries 1 to 1000 are not what was left of them/,
    ],
    [
      "changes one, with its hash",
      (database) => {
        const entry = entriesIn(database).find(({ n }) => n === 202);
        assert.ok(entry);
        const hash = hashOf({ ...entry, who: "mallory" });
        database.prepare("UPDATE audit SET who = 'mallory', hash = ? WHERE n = 202").run(hash);
      },
      /^entries 1 to 1000 are not what was left of them/,
    ],
    [
      "puts one in where one was taken out",
      (database) => database.exec("UPDATE audit SET n = 300 WHERE n = 202"),
      /entry 300 was changed/,
    ],
    [
      "takes out what the log says of it",
      (database) => database.exec(`DELETE FROM audit WHERE what = '${thinnedWord}' AND object = '1-1000'`),
      /entries 2 to 201 are missing/,
    ],
    [
      "changes what the log says of it",
      (database) => database.exec("UPDATE audit SET detail = replace(detail, '\"from\":1001', '\"from\":901')"),
      /was changed/,
    ],
    [
      "takes all of the beginning",
      (database) => database.exec("DELETE FROM audit WHERE n <= 2000"),
      /the beginning is missing: entries up to 2000/,
    ],
  ];
  for (const [does, how, found] of attacks) {
    test(`whoever ${does} is found`, async (scope) => {
      const { flood, look, database } = await opened(scope);
      flood(1_200, login);
      assert.equal(look().problems, []);
      how(database);
      assert.match(look().problems.join("\n"), found);
    });
  }

  test("who says himself that something of the newest was taken out, or of a section for the second time, is found", async (scope) => {
    const { audit, flood, look, database } = await opened(scope);
    flood(1_200, login);
    for (const [from, to] of [
      [1, 1_000],
      [4_000, 4_001],
    ] as const) {
      database.exec("SAVEPOINT before");
      const hashes = entriesIn(database).flatMap((one) => (one.n >= from && one.n <= to ? one.hash : []));
      const rest = digestOfHashes(hashes);
      const zero = "0".repeat(64);
      const section = { from, to, gone: 1, digest: zero, kept: hashes.length, rest, prev: zero, hash: zero, older: 0 };
      audit.record(thinnedEvent(section, []));
      assert.match(
        look().problems.join("\n"),
        new RegExp(`was taken out of entries ${from} to ${to}, which were not to be`),
      );
      database.exec("ROLLBACK TO before");
    }
  });

  test("what somebody has changed or taken out before stays to be found: nothing goes out of its section, and the log says why", async (scope) => {
    const { flood, look, database, all } = await opened(scope);
    flood(600, login);
    database.exec("DELETE FROM audit WHERE n = 502; UPDATE audit SET who = 'mallory' WHERE n = 1100");
    flood(1_400, login);
    const results = told(all(), thinnedWord).map(({ on, result }) => [on, result]);
    assert.equal(results, [
      ["1-1000", "failed: entry 503 does not follow the one before"],
      ["1001-2000", "failed: entry 1100 was changed"],
      ["2001-3000", "ok"],
    ]);
    const found = look().problems.join("\n");
    assert.match(found, /entries 502 to 502 are missing/);
    assert.match(found, /entry 1100 was changed/);
  });

  test("a head that was noted is looked for, and where it was taken out it is said that nothing tells", async (scope) => {
    const { flood, written, look } = await opened(scope);
    flood(1_200, login);
    const at = (n: number, hash = written.get(n)?.hash ?? ""): Witness => ({ n, hash, where: "a note" });
    const other = "a".repeat(64);
    // One that stayed, the last of a section, and one that went.
    assert.equal(look(at(202), at(1_000)).problems, []);
    assert.equal(look(at(202, other), at(1_000, other)).problems, [
      "entry 202 is another one than a note knows",
      "entry 1000 is another one than a note knows",
    ]);
    assert.equal(look(at(500)).problems, []);
    assert.match(look(at(500)).notes.join(), /entry 500, of which a note knows, was taken out/);
  });

  test("an end that was noted beside the database and was taken out since is no end that was cut off", async (scope) => {
    const { state, audit, flood, written, database } = await opened(scope);
    flood(1_200, login);
    const entry = written.get(500);
    assert.ok(entry);
    writeAnchor(state.directory, entry, silentLog);
    assert.is(settleAnchor(state.directory, database, audit, silentLog), undefined, anchorName);
  });

  test("a log that had let its oldest go, that was put back to a copy and that is empty in places is thinned all the same", async (scope) => {
    const { audit, flood, look, database, all } = await opened(scope);
    // As a version before has done.
    for (let n = 1; n <= 10; n += 1) audit.record(sent);
    const gone = all()[4];
    assert.ok(gone);
    database.exec("DELETE FROM audit WHERE n <= 5");
    audit.record({ who: "console", from: "console", what: trimmedWord, detail: { to: 5, hash: gone.hash } });
    audit.fork({ n: 700, hash: gone.hash }, "a copy");
    flood(100);
    audit.fork({ n: 5_000, hash: gone.hash }, "another copy");
    flood(1_200);
    const { problems, notes } = look();
    assert.equal(problems, []);
    assert.match(notes.join("\n"), /entry 701: a copy[^]*entry 5001: another copy[^]*entries up to 5 have gone/);
    assert.ok(told(all(), thinnedWord).length >= 3);
    assert.equal(
      all().flatMap(({ n }) => (n <= 5_001 ? n : [])),
      [11, 701, 5001],
    );
  });

  test("what another process has thinned meanwhile is not thinned again", async (scope) => {
    const { audit, database, all, look } = await opened(scope);
    const other = new Audit({ database, clock, most });
    audit.record(sent);
    database.exec("BEGIN");
    for (let n = 2; n < most + sectionSize + 5; n += 1) other.record(sent);
    audit.record(sent);
    database.exec("COMMIT");
    assert.is(told(all(), thinnedWord).length, 1);
    assert.equal(look().problems, []);
  });

  test("while it is looked at, its sections may be thinned and the oldest go", async (scope) => {
    const { database, flood, audit } = await opened(scope, sectionSize);
    flood(400, login);
    const steps = verify(database, [], most);
    steps.next();
    steps.next();
    flood(600, login);
    for (let n = 0; n < 3 * sectionSize; n += 1) {
      audit.record(login);
      if (n % sectionSize === 0) steps.next();
    }
    for (;;) {
      const { done, value } = steps.next();
      if (!done) continue;
      assert.equal(value.problems, []);
      break;
    }
  });

  test("a process that is killed in the middle of it leaves all or nothing of it, and the next one does the rest", async (scope) => {
    const { state, audit, database, all } = await opened(scope);
    database.exec("BEGIN");
    for (let n = 1; n < most + sectionSize; n += 1) audit.record(sent);
    database.exec("COMMIT");
    const before = all();
    // What a kill leaves is what stands in the files at that moment.
    const left = [await scope.directory(), await scope.directory()];
    database.function("killed", (at: unknown) => {
      for (const file of readdirSync(state.directory).filter((name) => name.startsWith("muster.db")))
        copyFileSync(join(state.directory, file), join(left[Number(at)] ?? "", file));
      return null;
    });
    const trigger = (at: number, when: string): string =>
      `CREATE TEMP TRIGGER killed${at} AFTER ${when} BEGIN SELECT killed(${at}); END;`;
    database.exec(
      trigger(0, `DELETE ON audit WHEN old.n = ${sectionSize / 2}`) +
        trigger(1, `INSERT ON audit WHEN new.what = '${thinnedWord}'`),
    );
    audit.record(sent);
    assert.is(told(all(), thinnedWord).length, 1);
    for (const directory of left) {
      const after = openState(directory, clock);
      scope.cleanup(() => after.close());
      assert.equal(entriesIn(after.database), before);
      new Audit({ database: after.database, clock, most }).record(sent);
      assert.is(told(entriesIn(after.database), thinnedWord).length, 1);
      assert.equal(verdictOf(after.database).problems, []);
    }
  });

  test("a disk without room for it takes neither the entry nor anything out", async (scope) => {
    const { audit, database, all, look } = await opened(scope);
    database.exec("BEGIN");
    for (let n = 1; n < most + sectionSize; n += 1) audit.record(sent);
    database.exec("COMMIT");
    const before = all();
    database.exec(
      `CREATE TEMP TRIGGER full AFTER DELETE ON audit WHEN old.n = ${sectionSize / 2} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`,
    );
    assert.throws(() => audit.record(sent), /full/);
    assert.equal(all(), before);
    database.exec("DROP TRIGGER full");
    audit.record(sent);
    assert.is(told(all(), thinnedWord).length, 1);
    assert.equal(look().problems, []);
  });

  test("what anybody may do without end goes, and nothing that was refused", () => {
    const often = ["command.sent", "favourite.kept", "view.kept", "view.forgotten", "file.given"];
    const rare = ["session.began", "token.created", "account.removed", "alert.silenced", "settings.changed"];
    assert.equal(
      [...often, ...rare].map((what) => mayGo({ what, result: "ok" })),
      [...often.map(() => true), ...rare.map(() => false)],
    );
    assert.equal(
      often.filter((what) => mayGo({ what, result: "refused: why" })),
      [],
    );
  });

  test("what an entry says of a section fits, whoever had a part in it", () => {
    const zero = "0".repeat(64);
    const n = Number.MAX_SAFE_INTEGER;
    const section = { from: n, to: n, gone: n, digest: zero, kept: n, rest: zero, prev: zero, hash: zero, older: n };
    const gone = ["command.sent", "command.ended", "command.cancelled", "job.cancelled", "schedule.missed"].flatMap(
      (what, at) =>
        ["\\", '"'].map((nasty) => ({ what, who: nasty.repeat(maxLength.who) + at, ts: n }) as unknown as AuditEntry),
    );
    const { detail } = thinnedEvent(section, gone);
    assert.ok(JSON.stringify(detail).length < maxLength.detail);
  });
});
