import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { DatabaseSync } from "@photostructure/sqlite";
import { systemClock } from "#shared/clock";
import { asError, EnvironmentError } from "#shared/errors";
import { parseCommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Instance } from "../agent/instance.ts";
import { Ledger } from "../agent/commands/ledger.ts";
import { Outbox } from "../agent/metrics/outbox/outbox.ts";
import { lookAtAgent, mendAgent } from "../agent/agent-doctor.ts";
import { databases, lookAtConsole } from "../console/doctor/look.ts";
import { openDatabase } from "../console/database/database.ts";
import { migrations } from "../console/database/schema.ts";
import { localSecret } from "../console/accounts/secrets.ts";
import { openState } from "../console/state/state.ts";
import { firstFew, maxFindings, type Finding } from "#shared/finding";
import { House } from "./damage.ts";
import { runProgram, type Finished } from "./programs.ts";
import { suite } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

const doctor = (directory: string, ...flags: string[]): Promise<Finished> =>
  runProgram(process.execPath, ["dist/muster.js", "doctor", "--data", directory, ...flags], { seconds: 30 });

const damaged = (findings: readonly Finding[]): string[] =>
  findings.filter(({ state }) => state === "damaged").map(({ what, says }) => `${what}: ${says}`);

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** An agent's directory with one command in its ledger and one batch in its outbox. */
async function agentIn(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const instance = new Instance(directory, silentLog);
  instance.start();
  const ledger = new Ledger({ directory, clock: systemClock, log: silentLog });
  ledger.start();
  await ledger.begin(parseCommandId("1"), { key: "count", boot: "b", at: 1, attempts: 1 });
  await ledger.stop();
  instance.keep(ledger.id);
  const outbox = new Outbox({
    directory,
    epoch: { id: "e", machine: false },
    clock: systemClock,
    log: silentLog,
    maxBytes: 1e6,
    maxAge: 1e9,
    run: "b",
    ready() {},
  });
  outbox.start();
  outbox.append({ t: Date.now(), mono: 1, dt: [0], m: [{ n: "room", f: { temperature: [20.5] } }] });
  await outbox.close();
  writeFileSync(join(directory, "preferences.json"), '{"interval":5000}');
}

suite("doctor", ({ test }) => {
  test("the program says what is there, what is damaged, and mends it; its exit status tells", async (scope) => {
    const directory = await scope.directory();
    const house = await House.open(directory);
    await house.birth("d1");
    await localSecret(house.state, "console", "console");
    await house.ask("/api/devices/d1/commands?wait=false", "POST", { key: "slow", ttl: "1h" });
    await agentIn(join(directory, "agent"));
    const beside = await doctor(directory);
    assert.is(beside.code, 0, beside.out + beside.err);
    assert.match(beside.out, /sound +muster\.db .* accounts 2,.* commands 1/);
    assert.match(beside.out, /sound +secrets .* for their owner alone/);
    assert.match(beside.out, /sound +ledger +1 command/);
    assert.match(beside.out, /sound +audit +the log is whole: \d+ entr.*; its end, .* \d+:[0-9a-f]{64}/);
    assert.match(beside.out, /nothing is damaged/);
    await house.close();

    const state = openState(directory, systemClock);
    state.database.exec("UPDATE commands SET document = '{'");
    state.close();
    flip(join(directory, "agent", "instance"), 3);
    rmSync(join(directory, "held.db"));
    const look = await doctor(directory);
    assert.is(look.code, 1, look.out);
    assert.match(look.out, /damaged +held\.db +it was there before and is gone/);
    assert.match(look.out, /damaged +muster\.db +a row of commands does not read \(d1 \w+\): /);
    assert.match(look.out, /damaged +instance +it is not what was written/);
    assert.match(look.out, /3 things damaged: stop Muster and run this with --mend/);
    assert.is((await doctor(directory)).code, 1, "a look changes nothing");
    const mended = await doctor(directory, "--mend");
    assert.is(mended.code, 0, mended.out);
    assert.match(mended.out, /mended +commands +set aside or mended: d1\/\w+/);
    assert.match(mended.out, /mended +instance/);
    assert.match(mended.out, /note +held\.db +set aside .* gone/);
    const after = await doctor(directory);
    assert.is(after.code, 0, after.out);

    // A command without its story is closed, as a start would do it, and never taken out.
    const again = await House.open(directory);
    scope.cleanup(() => again.close());
    const { body } = await again.ask("/api/commands");
    assert.is((body as { commands: { state: string }[] }).commands[0]?.state, "failed");
  });

  test("it looks at the audit log's chain, and at its end", async (scope) => {
    const directory = await scope.directory();
    const state = openState(directory, systemClock);
    for (const on of ["a", "b", "c"]) state.audit.record({ who: "ada", from: "cli", what: "device.enrolled", on });
    state.close();
    assert.equal(damaged(lookAtConsole(directory)), []);
    for (const [sql, says] of [
      ["UPDATE audit SET who = 'eve' WHERE n = 2", "audit: entry 2 was changed"],
      ["DELETE FROM audit WHERE n > 2", "audit: the end is missing: audit-head.json knows of entry 3"],
    ] as const) {
      const database = openDatabase(join(directory, "muster.db"), migrations);
      database.exec(sql);
      database.close();
      assert.ok(
        damaged(lookAtConsole(directory)).some((one) => one.startsWith(says)),
        damaged(lookAtConsole(directory)).join("\n"),
      );
    }
  });

  test("each database of a newer Muster is refused with a sentence, and stays as it is", async (scope) => {
    const directory = await scope.directory();
    await (await House.open(directory)).close();
    for (const { file, migrations: known } of databases) {
      const path = join(directory, file);
      const set = (version: number): void => {
        const database = new DatabaseSync(path);
        database.exec(`PRAGMA user_version = ${version}`);
        database.close();
      };
      set(known.length + 1);
      const before = readFileSync(path);
      const refused = await House.open(directory).then(
        async (house) => {
          await house.close();
          return undefined;
        },
        (thrown: unknown) => thrown,
      );
      assert.instance(refused, EnvironmentError, file);
      const schemas = `(schema ${known.length + 1}, this one knows ${known.length})`;
      assert.is(asError(refused).message, `${path} was written by a newer Muster ${schemas}: use that version`);
      const found = lookAtConsole(directory).find(({ what }) => what === file);
      assert.match(found?.says ?? "", `of a newer Muster (schema ${known.length + 1})`);
      if (file !== "muster.db") assert.ok(readFileSync(path).equals(before), file);
      set(known.length);
    }
    assert.not.ok(readdirSync(directory).some((name) => /damaged|schema-/.test(name)));
    await (await House.open(directory)).close();
  });

  test("it mends nothing while a console or an agent works in the directory, and knows where there is nothing", async (scope) => {
    const directory = await scope.directory();
    const nothing = await doctor(directory);
    assert.is(nothing.code, 1);
    assert.match(nothing.err, /nothing of Muster's in .*--data.*mounted/);
    assert.equal(readdirSync(directory), []);
    const state = openState(directory, systemClock, silentLog, { serves: true });
    scope.cleanup(() => state.close());
    const refused = await doctor(directory, "--mend");
    assert.is(refused.code, 1);
    assert.match(refused.err, /another console \(process \d+\) is at work in .*: stop it/);
    assert.is((await doctor(directory)).code, 0);
  });

  test("indexes that do not fit are made anew, and a file that is none is set aside", async (scope) => {
    const directory = await scope.directory();
    await (await House.open(directory)).close();
    const path = join(directory, "muster.db");
    const whole = readFileSync(path);
    // The account's name stands in the table and in its index.
    const places = [...whole.toString("latin1").matchAll(/root/g)].map(({ index }) => index);
    const isIndexAlone = (at: number): boolean => {
      writeFileSync(path, whole);
      flip(path, at);
      return /missing from index/.test(damaged(lookAtConsole(directory)).join());
    };
    const isLetIn = async (): Promise<boolean> => {
      const copy = await scope.directory();
      copyDirectory(directory, copy);
      const started = openState(copy, systemClock);
      assert.match(started.damage.list(1)[0]?.why ?? "", /index did not fit it and was made anew/);
      const found = started.accounts.find("root")?.role === "admin";
      started.close();
      return found;
    };
    const letIn: boolean[] = [];
    for (const at of places) if (isIndexAlone(at)) letIn.push(await isLetIn());
    assert.ok(
      letIn.includes(true),
      "where the index was hit, and not the name itself, a start lets everybody in again",
    );
    writeFileSync(join(directory, "spool.db"), "x".repeat(9_000));
    assert.match(damaged(lookAtConsole(directory)).join("\n"), /muster\.db: .*index[^]*spool\.db: it cannot be read/);
    const { code, out } = await doctor(directory, "--mend");
    assert.is(code, 0, out);
    assert.match(out, /mended +accounts +set aside or mended: +its index did not fit it and was made anew/);
    assert.match(out, /mended +spool\.db +set aside or mended: spool\.db\.damaged-/);
  });

  test("secrets that others can read, or that are empty, are for a person", async (scope) => {
    const directory = await scope.directory();
    const house = await House.open(directory);
    await localSecret(house.state, "console", "console");
    await house.close();
    const path = join(directory, "secrets", "console");
    chmodSync(path, 0o644);
    assert.match(damaged(lookAtConsole(directory)).join(), /secrets\/console: others .*chmod go-rwx/);
    chmodSync(path, 0o600);
    writeFileSync(path, "");
    assert.match(damaged(lookAtConsole(directory)).join(), /secrets\/console: it is empty/);
  });

  test("an agent's files are read by the agent's own readers, and mended as its start does it", async (scope) => {
    const cases: [file: string, damage: (path: string) => void, says: RegExp][] = [
      ["instance", (path) => flip(path, 2), /instance: it is not what was written/],
      ["ledger", (path) => flip(path, 90), /ledger: 1 of its lines/],
      ["ledger", (path) => rmSync(path), /ledger: it was there before and is gone/],
      ["ledger", (path) => writeFileSync(path, ""), /ledger: it is not the ledger that was there/],
      ["preferences.json", (path) => writeFileSync(path, '{"interval":"x"}'), /preferences\.json: it cannot be read/],
    ];
    for (const [file, damage, says] of cases) {
      const directory = join(await scope.directory(), "agent");
      await agentIn(directory);
      assert.equal(damaged(lookAtAgent(directory)), []);
      damage(join(directory, file));
      assert.match(damaged(lookAtAgent(directory)).join("\n"), says);
      const mended = await mendAgent(directory);
      assert.ok(mended.length > 0, `${file}: ${String(says)}`);
      assert.equal(damaged(lookAtAgent(directory)), [], file);
    }
    const directory = join(await scope.directory(), "agent");
    await agentIn(directory);
    const segment = readdirSync(join(directory, "outbox")).find((name) => name.endsWith(".seg")) ?? "";
    const path = join(directory, "outbox", segment);
    flip(path, readFileSync(path).length - 5);
    flip(path, 3);
    assert.match(damaged(lookAtAgent(directory)).join("\n"), /outbox\/\d+\.seg: it holds 0 records, and damage/);
    await mendAgent(directory);
    assert.equal(damaged(lookAtAgent(directory)), []);
    assert.ok(existsSync(join(directory, "outbox")));
  });

  test("of very much that is alike the first is told, and how many more there are", () => {
    const one = (at: number): Finding => ({ what: "muster.db", state: "damaged", says: String(at) });
    const few = Array.from({ length: maxFindings }, (_, at) => one(at));
    assert.is(firstFew(few), few);
    assert.equal(firstFew([...few, one(99)]).at(-1), {
      what: "muster.db",
      state: "damaged",
      says: "and 1 more like these",
    });
  });
});
