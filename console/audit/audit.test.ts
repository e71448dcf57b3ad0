import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite, type Scope } from "../../test/suite.ts";
import type { Database } from "../database/database.ts";
import { openState } from "../state/state.ts";
import {
  canonical,
  columns,
  lineOf,
  maxLength,
  maxNames,
  nothingBefore,
  parseEntry,
  type AuditEntry,
} from "./entry.ts";
import { verify, type Verdict, type Witness } from "./verify.ts";

const clock = new ManualClock();

async function opened(scope: Scope) {
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const { database, audit } = state;
  const all = (): AuditEntry[] =>
    database
      .prepare(`SELECT ${columns} FROM audit ORDER BY n`)
      .all()
      .map((row) => parseEntry(row as Record<string, unknown>));
  const look = (...witnesses: Witness[]): Verdict => verdictOf(database, witnesses);
  return { state, database, audit, all, look };
}

const event = { who: "ada", from: "127.0.0.1", what: "device.enrolled", on: "rpi-7" } as const;

suite("audit log", ({ test }) => {
  test("each entry carries the hash of the one before, which anybody can check with what is exported", async (scope) => {
    const { audit, all, look } = await opened(scope);
    const entries = [audit.record(event), audit.record({ ...event, result: "refused", detail: { why: "no", n: 3 } })];
    assert.equal(all(), entries);
    assert.equal(
      entries.map(({ n, prev }) => [n, prev]),
      [
        [1, nothingBefore],
        [2, entries[0]?.hash],
      ],
    );
    for (const entry of entries) {
      // As with sed and sha256sum.
      const text = lineOf(entry).replace(/,"hash":"[0-9a-f]*"}$/, "}");
      assert.is(text, canonical(entry));
      assert.is(createHash("sha256").update(text).digest("hex"), entry.hash);
      assert.is((JSON.parse(lineOf(entry)) as AuditEntry).hash, entry.hash);
    }
    assert.equal(look(), { entries: 2, first: 1, head: audit.head(), problems: [], notes: [] });
  });

  const attacks: readonly (readonly [does: string, sql: string, told: RegExp])[] = [
    ["changes an entry", "UPDATE audit SET who = 'eve' WHERE n = 2", /^entry 2 was changed/],
    [
      "takes one out",
      "DELETE FROM audit WHERE n = 2",
      /^entry 3 does not follow entry 1.*\n.*entries 2 to 2 are missing$/,
    ],
    ["cuts the beginning off", "DELETE FROM audit WHERE n < 3", /^the beginning is missing: entries up to 2/],
    [
      "cuts the end off",
      "DELETE FROM audit WHERE n > 2",
      /^the end is missing: a note knows of entry 4, and the log ends at 2$/,
    ],
    ["empties it", "DELETE FROM audit", /^the end is missing: a note knows of entry 4, and the log ends at 0$/],
    ["breaks a row", "UPDATE audit SET hash = 'x' WHERE n = 2", /^entry 2 does not read/],
    [
      "exchanges two",
      "UPDATE audit SET n = 9 WHERE n = 2; UPDATE audit SET n = 2 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 9",
      /^entry 2 was changed/,
    ],
  ];
  for (const [does, sql, told] of attacks) {
    test(`whoever ${does} is found`, async (scope) => {
      const { audit, database, look } = await opened(scope);
      for (const on of ["a", "b", "c", "d"]) audit.record({ ...event, on });
      const head = audit.head();
      assert.ok(head);
      assert.equal(look({ ...head, where: "a note" }).problems, []);
      database.exec(sql);
      assert.match(look({ ...head, where: "a note" }).problems.join("\n"), told);
    });
  }

  test("whoever writes it anew from somewhere is found by a head that is kept elsewhere", async (scope) => {
    const { audit, database, look } = await opened(scope);
    audit.record(event);
    const head = audit.record(event);
    database.exec("DELETE FROM audit");
    audit.record({ ...event, who: "eve" });
    audit.record(event);
    assert.equal(look().problems, []);
    assert.equal(look({ ...head, where: "a note" }).problems, ["entry 2 is another one than a note knows"]);
  });

  test("text of strangers stays text: in its own place, in one line, and not too long", async (scope) => {
    const { audit, all, look } = await opened(scope);
    const nasty = 'x"}\n{"n":2,"who":"root\u001b[2J\u202e\u0000\ud800';
    const names = Array.from({ length: maxNames + 2 }, (_, at) => `d${at}`);
    audit.record({
      who: nasty,
      from: nasty,
      what: "login.refused",
      on: nasty,
      result: nasty,
      detail: { nasty, names },
    });
    audit.record({ ...event, on: "y".repeat(maxLength.on + 1), detail: { text: "z".repeat(maxLength.text + 1) } });
    audit.record({
      ...event,
      detail: {
        a: "z".repeat(maxLength.text),
        b: "z".repeat(maxLength.text),
        c: "z".repeat(maxLength.text),
        d: "z".repeat(maxLength.text),
      },
    });
    const [first, second, third] = all();
    assert.ok(first && second && third);
    for (const entry of [first, second, third]) {
      const line = lineOf(entry);
      assert.not.match(line, /[\p{Cc}\p{Cf}\p{Cs}]/u);
      assert.equal(Object.keys(JSON.parse(line) as object), [
        "n",
        "ts",
        "who",
        "from",
        "what",
        "on",
        "result",
        "detail",
        "prev",
        "hash",
      ]);
    }
    assert.is((JSON.parse(first.detail) as { names: string[] }).names.length, maxNames + 1);
    assert.match(second.on, /^y{200}… \(1 more\)$/);
    assert.match(second.detail, /z{500}… \(1 more\)/);
    assert.match(third.detail, /^\{"cut":/);
    assert.ok(third.detail.length <= maxLength.detail);
    assert.equal(look().problems, []);
    assert.throws(() => audit.record({ ...event, what: "Device enrolled" }), /no word of the audit log/);
  });

  test("two processes append to one chain", async (scope) => {
    const directory = await scope.directory();
    const [one, other] = [openState(directory, clock), openState(directory, clock, undefined, { syncsEach: true })];
    scope.cleanup(() => one.close());
    scope.cleanup(() => other.close());
    for (let times = 0; times < 5; times += 1) for (const { audit } of [one, other]) audit.record(event);
    assert.is(one.audit.head()?.n, 10);
    assert.equal(verdictOf(one.database).problems, []);
  });

  test("an entry that was rolled back, or taken off the end by somebody, is not what the next one follows", async (scope) => {
    const { audit, all, look, database } = await opened(scope);
    const first = audit.record(event);
    database.exec("BEGIN");
    audit.record(event);
    audit.record(event);
    database.exec("ROLLBACK");
    const second = audit.record(event);
    assert.equal([second.n, second.prev], [2, first.hash]);
    database.exec("DELETE FROM audit WHERE n = 2");
    assert.is(audit.record(event).prev, first.hash);
    database.exec(`UPDATE audit SET hash = '${"a".repeat(64)}' WHERE n = 2`);
    audit.record(event);
    assert.equal(
      all().map(({ n }) => n),
      [1, 2, 3],
    );
    assert.match(look().problems.join(), /entry 2 was changed/);
  });

  test("what is more than rows is written down as begun, and then as what became of it", async (scope) => {
    const { audit, all } = await opened(scope);
    assert.is(await audit.around(event, () => 7), 7);
    await audit
      .around(event, () => {
        throw new Error("no such device");
      })
      .then(assert.unreachable, () => {});
    assert.equal(
      all().map(({ result, detail }) => [result, detail]),
      [
        ["begun", "{}"],
        ["ok", '{"entry":1}'],
        ["begun", "{}"],
        ["failed: no such device", '{"entry":3}'],
      ],
    );
  });
});

function verdictOf(database: Database, witnesses: readonly Witness[] = []): Verdict {
  const steps = verify(database, witnesses);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
