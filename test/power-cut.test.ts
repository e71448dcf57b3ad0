import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { Agent } from "../agent/agent.ts";
import { systemClock } from "#shared/clock";
import { openState } from "../console/state/state.ts";
import { openForReading } from "../console/database/database.ts";
import { freePort } from "./mosquitto.ts";
import { powerDisk } from "./power-cut.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { openPublisher } from "./publisher.ts";
import { connectRaw } from "./raw-device.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** Messages of each kind. */
const count = 60;
/** Samples in each batch of a raw device. */
const samplesOfBatch = 3;

/** Muster's own processes on a disk whose power can be cut. */
async function place(scope: Scope) {
  const disk = await powerDisk(scope);
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: join(disk.directory, "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  const muster = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await runProgram(...musterProgram(args), { env });
    assert.is(code, 0, err);
    return out;
  };
  return {
    data: env.MUSTER_DATA,
    url: `mqtt://127.0.0.1:${mqttPort}`,
    http: `http://127.0.0.1:${httpPort}`,
    muster,
    /** @returns the device's secret */
    enroll: async (device: string) =>
      /mqtt:\/\/[^:]+:([^@]+)@/.exec(await muster("enroll", device, "--secret"))?.[1] ?? "",
    start: async (): Promise<Running> => {
      const running = new Running(scope, ...musterProgram(["start"]), { env });
      await running.line(/Muster .* is up/);
      return running;
    },
    /** @returns the data directory as the next boot finds it */
    cut: () => join(disk.cut(), "data"),
  };
}

function numbersIn(path: string, sql: string, ...values: string[]): number {
  const database = openForReading(path);
  try {
    return Number(Object.values(database.prepare(sql).get(...values) as Record<string, number>)[0]);
  } finally {
    database.close();
  }
}

const samplesIn = (data: string, device: string): number =>
  numbersIn(
    join(data, "metrics.db"),
    "SELECT COUNT(*) FROM samples WHERE series IN (SELECT id FROM series WHERE device = ? AND measurement <> 'clock')",
    device,
  );

suite("power cuts of the console's machine", ({ test }) => {
  test("every sample that was acknowledged is there, and known to be", async (scope) => {
    const { url, http, enroll, start, cut } = await place(scope);
    const secrets: Record<string, string> = { probe: await enroll("probe"), weather: await enroll("weather") };
    const running = await start();
    const probe = await connectRaw(scope, { url, device: "probe", password: secrets["probe"] ?? "" });
    const publish = await openPublisher(scope, { url, secretOf: (id) => secrets[id] ?? "" }, "weather");
    for (let seq = 1; seq <= count; seq += 1) {
      await probe.send(seq);
      await publish("muster/weather/metrics/room", Buffer.from(JSON.stringify({ temperature: seq })));
    }
    await eventually("all acks", () => new Set(probe.acks).size === count, 15);
    await createClient({ url: http }).logIn({ name: "admin", password: "correct horse" });
    await running.kill("SIGKILL");
    const acked = new Set(probe.acks).size;
    const data = cut();

    assert.is(samplesIn(data, "probe"), acked * samplesOfBatch);
    const spooled = numbersIn(join(data, "spool.db"), "SELECT COUNT(*) FROM messages WHERE device = 'weather'");
    const stored = samplesIn(data, "weather");
    assert.ok(spooled + stored >= count, `${stored} of ${count} simple samples in the store, ${spooled} in the spool`);
    const known = numbersIn(join(data, "muster.db"), "SELECT batches FROM outboxes WHERE device = 'probe'");
    assert.is(known, acked);
    assert.is(numbersIn(join(data, "muster.db"), "SELECT COUNT(*) FROM tokens WHERE kind = 'session'"), 1);
  });

  test("every command that somebody was told of is there, with the end that was told", async (scope) => {
    const { url, http, enroll, start, cut } = await place(scope);
    const password = await enroll("probe");
    const running = await start();
    const agent = new Agent({ device: "probe", url, password, interval: 60_000 });
    scope.cleanup(() => agent.stop());
    agent.handle("count", { concurrent: true, run: () => null });
    agent.start();
    const client = createClient({ url: http, login: "admin:correct horse" });
    await eventually("the agent", () => client.sendCommand("probe", { key: "count" }));
    await enroll("away");
    const told = new Map<string, string>();
    const publish = await openPublisher(scope, { url, secretOf: () => "correct horse" }, "admin");
    let typed = 0;
    for (let round = 0; round < count / 4; round += 1) {
      const answers = await Promise.all([
        client.sendCommand("probe", { key: "count" }),
        client.sendCommand("away", { key: "count", ttl: "1h" }, { wait: false }),
        client.sendCommand("away", { key: "count", ttl: "1h" }, { wait: false }),
        publish("muster/away/cmd", Buffer.from('{"key":"typed"}')).then(() => void (typed += 1)),
      ]);
      for (const answer of answers) if (answer) told.set(answer.id, answer.state);
      const withdrawn = answers[1]?.id ?? "";
      told.set(withdrawn, (await client.cancelCommand(withdrawn)).state);
    }
    await running.kill("SIGKILL");
    const database = openForReading(join(cut(), "muster.db"));
    scope.cleanup(() => database.close());
    const rows = database.prepare("SELECT id, key, state FROM commands").all() as Record<string, string>[];
    const states = new Map(rows.map(({ id = "", state = "" }) => [id, state]));
    const wrong = [...told].filter(([id, state]) => states.get(id) !== state);
    assert.is(wrong.length, 0, `${wrong.length} of ${told.size} are not as they were told`);
    assert.is(rows.filter(({ key }) => key === "typed").length, typed);
  });

  test("secrets made a moment ago open the console, Mosquitto and the devices", async (scope) => {
    const { muster, enroll, cut } = await place(scope);
    await muster("mosquitto");
    const secret = await enroll("probe");
    const data = cut();

    const state = openState(data, systemClock);
    scope.cleanup(() => state.close());
    const own = readFileSync(join(data, "secrets", "console"), "utf8").trim();
    const agents = readFileSync(join(data, "secrets", "edge-1"), "utf8").trim();
    for (const [name, known] of [
      ["admin", "correct horse"],
      ["console", own],
      ["edge-1", agents],
      ["probe", secret],
    ] as const)
      assert.is((await state.accounts.verify(name, known))?.name, name, `${name} gets in`);
    const passwords = readFileSync(join(data, "mosquitto", "passwd"), "utf8");
    for (const name of ["console", "edge-1", "probe"])
      assert.ok(passwords.includes(`${name}:${state.accounts.find(name)?.hash}\n`), `${name} is in Mosquitto's file`);
    assert.match(readFileSync(join(data, "mosquitto", "acl"), "utf8"), /^user console$/m);
  });

  test("a clean stop leaves every database in its one file", async (scope) => {
    const { data, http, start } = await place(scope);
    const running = await start();
    const client = createClient({ url: http, login: "admin:correct horse" });
    // The history is read by a thread, which has the file open as well.
    await eventually("history", () => client.getHistory("edge-1", { measurement: "mem", field: "used_percent" }));
    assert.is(await running.kill("SIGINT"), 0);
    for (const name of ["muster.db", "metrics.db", "spool.db", "held.db"]) {
      const log = join(data, `${name}-wal`);
      assert.is(existsSync(log) ? statSync(log).size : 0, 0, `${name}'s log`);
    }
  });
});
