import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import * as assert from "uvu/assert";
import { Broker } from "../broker/broker.ts";
import type { Random } from "../chaos/random.ts";
import { Console } from "../console/console.ts";
import { buildApp } from "../console/http/server.ts";
import { openState, type State } from "../console/state/state.ts";
import type { Bus } from "#shared/bus";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readTask } from "#shared/messages/command-messages";
import { readAck } from "#shared/messages/metrics";
import { hashSecret } from "#shared/password";
import { Topics } from "#shared/topics";
import { withDeadline } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

const topics = new Topics();
/** An administrator of few rounds, whose account is put back after damage. */
const secret = "a secret of nobody";
const hash = hashSecret(secret, 101);
const authorization = `Basic ${Buffer.from(`root:${secret}`).toString("base64")}`;

/** Everything of `muster start` but the port of HTTP and the agent, on one directory. */
export class House {
  readonly #undo: (() => unknown)[] = [];
  constructor(
    readonly state: State,
    readonly console: Console,
    readonly bus: Bus,
    readonly app: FastifyInstance,
  ) {}

  static async open(directory: string, log = silentLog): Promise<House> {
    const undo: (() => unknown)[] = [];
    try {
      const state = openState(directory, systemClock, log, { serves: true });
      undo.push(() => state.close());
      state.database
        .prepare("INSERT OR REPLACE INTO accounts (name, role, hash, created) VALUES ('root', 'admin', ?, 0)")
        .run(hash);
      const broker = new Broker({
        listen: "127.0.0.1",
        port: 0,
        root: "muster",
        authenticate: async () => undefined,
        clock: systemClock,
        log,
      });
      await broker.start();
      undo.push(() => broker.stop());
      const console = new Console({ directory, state, bus: broker.local(), log });
      await console.start();
      undo.push(() => console.stop());
      const app = await buildApp({ console, accounts: state.accounts, listen: "", port: 0, log });
      undo.push(() => app.close());
      const house = new House(state, console, broker.local(), app);
      house.#undo.push(...undo);
      return house;
    } catch (error) {
      for (const one of undo.toReversed()) await one();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const one of this.#undo.splice(0).toReversed()) await one();
  }

  async ask(url: string, method: "GET" | "POST" = "GET", body?: object): Promise<{ status: number; body: unknown }> {
    const options = { method, url, headers: { authorization, accept: "application/json" } };
    const { statusCode, payload } = await this.app.inject(body ? { ...options, payload: body } : options);
    return { status: statusCode, body: payload === "" ? undefined : (JSON.parse(payload) as unknown) };
  }

  birth(device: string): Promise<void> {
    const commands = { ping: { title: "Ask" }, slow: {} };
    const birth = { v: 1, online: true, boot: "b", session: "s", commands, facts: { os: "linux", list: [1, "a"] } };
    return this.#say(topics.build({ kind: "status", device: parseDeviceId(device) }), birth, true);
  }

  batch(device: string, seq: number, fields: object, more: object = {}): Promise<void> {
    const batch = {
      v: 1,
      outbox: "o",
      seq,
      t: Date.now() - 10_000,
      dt: [0, 1_000],
      m: [{ n: "room", f: fields }],
      ...more,
    };
    return this.#say(topics.build({ kind: "metrics", device: parseDeviceId(device) }), batch);
  }

  simple(device: string, values: object): Promise<void> {
    return this.#say(topics.build({ kind: "simple", device: parseDeviceId(device), path: "room" }), values);
  }

  /** Answers every task of the device but `slow`. */
  answer(device: string, output = ""): void {
    this.bus.subscribe([topics.filter("task", parseDeviceId(device))], ({ topic, payload }) => {
      const address = topics.parse(topic);
      if (payload.length === 0 || address?.kind !== "task" || readTask(payload).value.key === "slow") return;
      const to = topics.build({ kind: "reply", device: address.device, id: address.id });
      if (output) void this.#say(to, { id: address.id, ts: Date.now(), state: "running", output });
      void this.#say(to, { id: address.id, ts: Date.now(), state: "succeeded", result: { pong: true } });
    });
  }

  acknowledged(device: string, seq: number): Promise<void> {
    return new Promise((resolve) => {
      this.bus.subscribe([topics.filter("ack", parseDeviceId(device))], ({ payload }) => {
        if (readAck(payload).ranges.some(([from, to]) => from <= seq && seq <= to)) resolve();
      });
    });
  }

  #say(topic: string, message: object, retain = false): Promise<void> {
    return this.bus.publish(topic, Buffer.from(JSON.stringify(message)), { retain });
  }
}

/** A bit of everything that a data directory can hold; what a kill leaves, with logs, stands in `killed`. */
export async function furnish(clean: string, killed: string): Promise<void> {
  const house = await House.open(clean);
  const devices = Array.from({ length: 8 }, (_, at) => `d${at}`);
  const { accounts } = house.state;
  accounts.addDevices(devices, "x".repeat(30));
  for (const device of devices) {
    await house.birth(device);
    house.answer(device, device === "d1" ? "x".repeat(20_000) : "");
    const stored = house.acknowledged(device, 2);
    await house.batch(device, 1, { temperature: [20.5, 21], window: "open" });
    await house.batch(device, 2, { temperature: [20.5, 21] }, { epoch: "e", mono: 5, age: 1, t: 1_000 });
    await house.batch(device, 3, { temperature: "warm" });
    await house.batch(device, 9, {}, { dt: [], m: [], dropped: { from: 4, to: 6, samples: 5, why: "full" } });
    await house.simple(device, { humidity: 40.5 });
    await stored;
  }
  for (const device of devices) {
    await house.ask(`/api/devices/${device}/commands`, "POST", { key: "ping" });
    await house.ask(`/api/devices/${device}/commands?wait=false`, "POST", { key: "slow", ttl: "1h" });
    house.console.jobs.groups.set(parseDeviceId(device), ["lab", "all"]);
  }
  for (const key of ["ping", "slow"])
    await house.ask("/api/jobs", "POST", { key, target: { group: "lab" }, rate: 1_000, abort: { failed: 0.5 } });
  house.console.contract.quarantine.flush();
  copyDirectory(clean, killed);
  await house.close();
  for (const directory of [clean, killed]) spoolRows(directory);
}

/** Messages that no store has taken yet. */
function spoolRows(directory: string): void {
  const state = openState(directory, systemClock);
  state.database.exec(`ATTACH '${join(directory, "spool.db")}' AS spool`);
  const insert = state.database.prepare("INSERT INTO spool.messages VALUES (?, ?, 'room', ?, ?)");
  for (let id = 1_000; id < 1_050; id++) insert.run(id, `d${id % 8}`, Date.now(), Buffer.from('{"humidity":41}'));
  if (existsSync(join(directory, "muster.db-wal"))) cpSync(join(directory, "muster.db-wal"), join(directory, "wal"));
  state.close();
}

const databases = ["muster.db", "muster.db", "muster.db", "metrics.db", "spool.db"];

/** Ways to damage a data directory; each says what it did. */
export const damages: Readonly<Record<string, (directory: string, random: Random) => string>> = {
  /** Rows as a bad program or a damaged page leaves them: strict types are kept, their meaning is not. */
  rows(directory, random) {
    const state = openState(directory, systemClock);
    try {
      const done: string[] = [];
      for (let times = random.between(1, 12); times > 0; times--) done.push(scramble(state, random));
      return done.join("; ");
    } finally {
      state.close();
    }
  },
  flip(directory, random) {
    const path = join(directory, random.pick(databases));
    const bytes = readFileSync(path);
    const from = random.chance(0.3) ? 0 : random.between(0, bytes.length - 1);
    const within = random.chance(0.5) ? 100 : bytes.length - from;
    const times = random.pick([1, 8, 100]);
    for (let left = times; left > 0; left--) {
      const at = Math.min(bytes.length - 1, from + random.between(0, Math.max(0, within - 1)));
      bytes[at] = random.between(0, 255);
    }
    writeFileSync(path, bytes);
    return `${times} bytes of ${path} from ${from}`;
  },
  page(directory, random) {
    const path = join(directory, random.pick(databases));
    const bytes = readFileSync(path);
    const at = random.between(0, Math.floor(bytes.length / 4_096) - 1) * 4_096;
    bytes.fill(random.pick([0, 0xff, 0x0d]), at, at + 4_096);
    writeFileSync(path, bytes);
    return `page at ${at} of ${path}`;
  },
  cut(directory, random) {
    const path = join(directory, random.pick(databases));
    const size = random.between(0, statSync(path).size);
    truncateSync(path, size);
    return `${path} cut to ${size}`;
  },
  log(directory, random) {
    const logs = readdirSync(directory).filter((name) => /\.db-(wal|shm)$/.test(name));
    const name = logs.length > 0 ? random.pick(logs) : "muster.db-wal";
    const path = join(directory, name);
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(8_192, 7);
    if (random.chance(0.3)) writeFileSync(path, bytes.subarray(0, random.between(0, bytes.length)));
    else {
      for (let left = 20; left > 0; left--) bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      writeFileSync(path, bytes);
    }
    return `log ${path}`;
  },
  other(directory, random) {
    const name = random.pick(databases);
    const path = join(directory, name);
    for (const part of ["-wal", "-shm"]) rmSync(path + part, { force: true });
    const garbage = Buffer.from(Array.from({ length: random.between(1, 9_000) }, () => random.between(0, 255)));
    const kind = random.pick(["garbage", "empty", "swapped", "gone"]);
    if (kind === "garbage") writeFileSync(path, garbage);
    else if (kind === "empty") writeFileSync(path, "");
    else if (kind === "gone") rmSync(path);
    else cpSync(join(directory, random.pick(databases.filter((one) => one !== name))), path);
    return `${path} ${kind}`;
  },
  schema(directory, random) {
    const state = openState(directory, systemClock);
    const table = random.pick(tablesOf(state));
    const sql = random.pick([
      `DROP TABLE ${table}`,
      `ALTER TABLE ${table} RENAME TO other`,
      `PRAGMA user_version = ${random.pick([0, 1, 3, -7, 2 ** 31 - 1])}`,
      `ALTER TABLE ${table} ADD COLUMN other TEXT`,
    ]);
    state.database.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
    state.close();
    return sql;
  },
};

function tablesOf({ database }: State): string[] {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all();
  return (rows as { name: string }[]).map(({ name }) => name);
}

const strange: readonly (string | number | bigint | null)[] = [
  ["", "{", "[]", "null", "x", "{}", '{"v":1}', "ü\ud800", "\u0000", "-1", "console", "A B", "🙂".repeat(5_000)],
  ["[".repeat(1_600) + "]".repeat(1_600), `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, '{"__proto__":{}}'],
  [0, -1, 1, 9_007_199_254_740_993n, -9_223_372_036_854_775_808n, 8_640_000_000_000_001, null],
].flat();

/** One column of some rows of one table of any of the three files, set to something else that the file takes. */
function scramble(state: State, random: Random): string {
  const { database } = state;
  const table = random.pick(tablesOf(state));
  const columns = database.prepare("SELECT name, type FROM pragma_table_info(?)").all(table) as {
    name: string;
    type: string;
  }[];
  const { name, type } = random.pick(columns);
  const value = random.chance(0.4) ? undefined : random.pick(strange);
  const where = random.chance(0.3) ? "TRUE" : `${name} IN (SELECT ${name} FROM ${table} ORDER BY random() LIMIT 1)`;
  database.exec("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
  try {
    if (value === undefined && type === "TEXT")
      database.exec(
        `UPDATE OR IGNORE ${table} SET ${name} = CAST(substr(CAST(${name} AS BLOB), 2) || x'ff' AS TEXT) WHERE ${where}`,
      );
    else database.prepare(`UPDATE OR IGNORE ${table} SET ${name} = ? WHERE ${where}`).run(value ?? 0);
  } catch {
    return `${table}.${name} kept by SQLite`;
  }
  return `${table}.${name} = ${String(value).slice(0, 30)} where ${where}`;
}

/** Starts on the directory and does what anybody would: lists, and a new device that is born, stores and answers. */
export async function live(directory: string): Promise<void> {
  const house = await House.open(directory);
  try {
    const lists = ["devices", "commands", "jobs", "quarantine", "completeness", "series", "damage"].map(
      (one) => `/api/${one}`,
    );
    for (const url of [...lists, "/healthz", "/api/commands?state=queued", "/api/devices/d3/completeness"]) {
      const { status, body } = await house.ask(url);
      assert.ok(
        status === 200 || (status === 404 && url.includes("/d3/")),
        `${url}: ${status} ${JSON.stringify(body).slice(0, 300)}`,
      );
    }
    const metrics = await house.ask("/api/devices/d3/metrics?measurement=room&field=temperature&every=0");
    assert.ok([200, 404, 503].includes(metrics.status), `metrics: ${metrics.status} ${JSON.stringify(metrics.body)}`);
    await house.birth("newcomer");
    house.answer("newcomer");
    const stored = house.acknowledged("newcomer", 1);
    await house.batch("newcomer", 1, { temperature: [20.5, 21] });
    await withDeadline(stored, 5, "the ack of a batch");
    const { status, body } = await house.ask("/api/devices/newcomer/commands", "POST", { key: "ping" });
    assert.is(status, 200, JSON.stringify(body));
    assert.is((body as { state: string }).state, "succeeded");
    // Devices of before go on, too.
    await house.birth("d3");
    const again = house.acknowledged("d3", 20);
    await house.batch("d3", 20, { temperature: [20.5, 21] });
    await withDeadline(again, 5, "the ack of a known device's batch");
  } finally {
    await house.close();
  }
}
