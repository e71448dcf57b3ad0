import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { generateSecret } from "#shared/password";
import { Topics } from "#shared/topics";
import { House } from "../../test/damage.ts";
import { cpuMs } from "../../test/cpu.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { openState, type State } from "../state/state.ts";
import { Damage, damageOf, maxDamaged } from "./damage.ts";
import { openDatabase } from "./database.ts";
import { maxDamagedFiles, openMended, type DamagedFile } from "./mend.ts";
import { migrations } from "./schema.ts";

const rowsOf = `CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`;

async function stateIn(scope: Scope): Promise<State> {
  return stateAt(scope, await scope.directory());
}

function stateAt(scope: Scope, directory: string): State {
  const state = openState(directory, new ManualClock());
  scope.cleanup(() => state.close());
  return state;
}

async function houseIn(scope: Scope, directory: string): Promise<House> {
  const house = await House.open(directory);
  scope.cleanup(() => house.close());
  return house;
}

/** Opens `path` and gathers what is told. */
function mended(path: string, told: DamagedFile[], rescue = true, now = 0) {
  return openMended({ path, migrations: [rowsOf], now: () => now, rescue, told: (one) => told.push(one) });
}

suite("damage", ({ test }) => {
  test("an open command whose story does not read is closed, told, and never runs unexplained", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    await first.birth("d1");
    const sent = await first.ask("/api/devices/d1/commands?wait=false", "POST", { key: "slow", ttl: "1h" });
    const { id } = sent.body as { id: string };
    await first.close();
    const state = openState(directory, new ManualClock());
    state.database.prepare("UPDATE commands SET document = '{\"key\":' WHERE id = ?").run(id);
    state.close();

    const house = await houseIn(scope, directory);
    const { body } = await house.ask(`/api/commands/${id}`);
    const command = body as { state: string; error: { code: string }; explain: string };
    assert.is(command.state, "failed");
    assert.is(command.error.code, "damaged");
    assert.match(command.explain, /whether the device ran it is not known/);
    assert.match(JSON.stringify((await house.ask("/api/damage")).body), /commands.*JSON/);
    assert.is(((await house.ask("/healthz")).body as { damaged: number }).damaged, 1);
    // A broker that has kept the task brings it again: it is withdrawn.
    const topic = new Topics().build({ kind: "task", device: parseDeviceId("d1"), id: parseCommandId(id) });
    const withdrawn = new Promise<void>((resolve) => {
      house.bus.subscribe([topic], ({ payload }) => (payload.length === 0 ? resolve() : undefined));
    });
    await house.bus.publish(topic, Buffer.from('{"key":"slow"}'), { retain: true });
    await withdrawn;
  });

  test("an account that does not read lets nobody in, and holds nobody up", async (scope) => {
    const { accounts, database } = await stateIn(scope);
    const secret = generateSecret();
    const damage = (column: string, value: string): void => {
      accounts.set("d1", "device", secret);
      database.exec(`PRAGMA ignore_check_constraints = ON; UPDATE accounts SET ${column} = ${value} WHERE name = 'd1'`);
    };
    for (const [column, value] of [
      ["role", "'root'"],
      ["hash", "'$7$99999999999$' || substr(hash, 8)"],
      ["hash", "substr(hash, 1, 60)"],
      ["hash", "''"],
    ] as const) {
      damage(column, value);
      const began = cpuMs();
      assert.is(await accounts.verify("d1", secret), undefined, value);
      assert.ok(cpuMs() - began < 2_000);
      assert.is(accounts.find("d1"), undefined);
    }
    // Nothing of a secret is kept beside it.
    const kept = database.prepare("SELECT text FROM damaged").all() as { text: string }[];
    assert.ok(kept.length > 0 && kept.every(({ text }) => text === ""));
  });

  test("a device that cannot be remembered wholly is known all the same", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    await first.birth("d1");
    await first.birth("d2");
    await first.close();
    const state = openState(directory, new ManualClock());
    const deep = "[".repeat(1_600) + "]".repeat(1_600);
    state.database
      .prepare("UPDATE devices SET status = json_set(status, '$.facts.os', json(?)) WHERE id = 'd1'")
      .run("[".repeat(500) + "]".repeat(500));
    state.database.prepare("UPDATE devices SET status = ? WHERE id = 'd2'").run(`{"v":1,"facts":${deep}}`);
    state.close();
    for (const damaged of [2, 2]) {
      const house = await House.open(directory);
      const { status, body } = await house.ask("/api/devices");
      assert.is(status, 200);
      assert.is((body as { devices: unknown[] }).devices.length, 2);
      assert.is(house.state.damage.count(), damaged);
      await house.close();
    }
  });

  test("what is kept and logged of damage is bounded", async (scope) => {
    const state = await stateIn(scope);
    const lines: unknown[] = [];
    const damage = new Damage(state.database, new ManualClock(), { ...silentLog, warn: (line) => lines.push(line) });
    const insert = state.database.prepare("INSERT INTO devices (id, first_seen, online) VALUES (?, 0, 0)");
    for (let at = 0; at < maxDamaged.rows + 5; at++) insert.run(`D ${at} ${"x".repeat(3 * maxDamaged.text)}`);
    const select = state.database.prepare("SELECT * FROM devices");
    const refuse = (): never => {
      throw new Error("no");
    };
    assert.equal(damage.all("devices", select, refuse), []);
    assert.is(damage.count(), maxDamaged.rows);
    assert.ok(damage.list(5).every(({ name }) => name.length === maxDamaged.text));
    assert.ok(lines.length > 0 && lines.length <= 20);
    // They are out of the table, and do not come again.
    assert.is(select.all().length, 0);
    assert.is(damage.forget(), maxDamaged.rows);
  });

  test("a moment beyond every calendar costs its row, and no list that would show it", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    await first.birth("d1");
    await first.ask("/api/devices/d1/commands?wait=false", "POST", { key: "slow", ttl: "1h" });
    await first.close();
    const state = openState(directory, new ManualClock());
    state.database.exec("UPDATE devices SET last_seen = 8640000000000001, online = 1");
    state.close();
    const house = await houseIn(scope, directory);
    for (const list of ["devices", "commands"]) assert.is((await house.ask(`/api/${list}`)).status, 200, list);
    assert.is(house.state.damage.count(), 1);
  });

  test("a number that JavaScript cannot hold costs its row alone", async (scope) => {
    const { database } = await stateIn(scope);
    const insert = database.prepare("INSERT INTO jobs (id, state, ts, document) VALUES (?, '', ?, '')");
    for (const [id, ts] of [
      ["a", 1n],
      ["b", 2n ** 62n],
      ["c", 3n],
    ] as const)
      insert.run(id, ts);
    const parse = ({ id, ts }: Readonly<Record<string, unknown>>): unknown => {
      if (typeof ts !== "number") throw new Error("ts");
      return id;
    };
    assert.equal(damageOf(database).all("jobs", database.prepare("SELECT * FROM jobs"), parse), ["a", "c"]);
  });

  test("what reads of a damaged file is taken over, and the file kept beside it", async (scope) => {
    const path = join(await scope.directory(), "things.db");
    const whole = openDatabase(path, [rowsOf]);
    const insert = whole.prepare("INSERT INTO things (text) VALUES (?)");
    whole.exec("BEGIN");
    for (let at = 0; at < 5_000; at++) insert.run(`thing ${at} ${"x".repeat(100)}`);
    whole.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    whole.close();
    const bytes = readFileSync(path);
    bytes.fill(0, 50 * 4_096, 51 * 4_096);
    writeFileSync(path, bytes);
    const told: DamagedFile[] = [];
    const database = mended(path, told);
    scope.cleanup(() => database.close());
    const { count } = database.prepare("SELECT count(*) AS count FROM things").get() as { count: number };
    assert.ok(count > 4_900 && count < 5_000, String(count));
    assert.match(told[0]?.saved ?? "", new RegExp(`things ${count} \\(not all\\)`));
    assert.ok(readdirSync(join(path, "..")).includes(told[0]?.keptAs ?? ""));
  });

  test("pages of two moments, mixed: no row of one table becomes another's, and what yielded nothing is told", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    await first.birth("d1");
    for (const _ of [1, 2]) await first.ask("/api/devices/d1/commands?wait=false", "POST", { key: "slow", ttl: "1h" });
    await first.close();
    const before = openState(directory, new ManualClock());
    before.database.prepare("INSERT INTO device_groups (device, name) VALUES ('d1', 'lab')").run();
    const page = (name: string): number => {
      const row = before.database.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = ?").get(name);
      return (row as { page: number }).page;
    };
    // In the index they look like answers of devices, once numbers are texts.
    const put = [
      [page("commands_by_state"), page("answers")],
      [page("tokens"), page("commands")],
    ] as const;
    before.close();
    const path = join(directory, "muster.db");
    const bytes = readFileSync(path);
    for (const [from, to] of put) bytes.copy(bytes, (to - 1) * 4_096, (from - 1) * 4_096, from * 4_096);
    writeFileSync(path, bytes);

    const { database, damage } = stateAt(scope, directory);
    assert.equal(
      database
        .prepare("SELECT device, name FROM device_groups")
        .all()
        .map((row) => ({ ...row })),
      [{ device: "d1", name: "lab" }],
    );
    assert.equal(database.prepare("SELECT * FROM answers").all(), []);
    assert.equal(database.prepare("SELECT * FROM commands").all(), []);
    const [told] = damage.list(1);
    assert.match(
      told?.why ?? "",
      /rows taken over: commands 0 \(not all, by an index there were 2\), accounts \d+, .*answers 0 \(not all/,
    );
    assert.match(
      told?.why ?? "",
      /nothing of outboxes, .*: empty, or lost as a whole; .*which commands were open is not known; the completeness of every device's samples begins anew/,
    );
  });

  test("damaged files beside it are so many at most", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "things.db");
    const told: DamagedFile[] = [];
    for (let at = 0; at <= maxDamagedFiles; at++) {
      writeFileSync(path, `no database ${at}`);
      mended(path, told, at % 2 === 0, at * 1_000).close();
    }
    const kept = readdirSync(directory).filter((name) => /\.damaged-[^.]*Z$/.test(name));
    assert.is(kept.length, maxDamagedFiles);
    assert.not.ok(kept.includes(told[0]?.keptAs ?? ""));
  });

  test("a newer Muster's file and a path that cannot be used still end the start, in a sentence", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "muster.db");
    const newer = openDatabase(path, migrations);
    newer.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    newer.close();
    assert.throws(() => openState(directory, new ManualClock()), /newer Muster/);
    // A link to a disk that is not mounted.
    const elsewhere = join(directory, "elsewhere");
    mkdirSync(elsewhere);
    symlinkSync(join(directory, "not-mounted", "muster.db"), join(elsewhere, "muster.db"));
    assert.throws(() => openState(elsewhere, new ManualClock()), /cannot open the database/);
    for (const looked of [directory, elsewhere])
      assert.not.ok(readdirSync(looked).some((name) => name.includes("damaged")));
  });
});
