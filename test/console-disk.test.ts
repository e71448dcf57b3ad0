import { rmSync } from "node:fs";
import mqtt from "mqtt";
import * as assert from "uvu/assert";
import type { Agent } from "../agent/agent.ts";
import { openState } from "../console/state/state.ts";
import { CommandTimeoutError } from "../console/desk/command-errors.ts";
import { buildApp } from "../console/http/server.ts";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { startFleet, type Fleet } from "./fleet.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { exhaust, fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const [rpi7, rpi8] = [parseDeviceId("rpi-7"), parseDeviceId("rpi-8")];

/** What is looked at of an answer. */
interface Health {
  readonly detail: string;
  readonly rows: { readonly problem: string; readonly waiting: number };
}

async function httpOf(scope: Scope, { console, state }: Fleet) {
  const app = await buildApp({ console, accounts: state.accounts, listen: "", port: 0, log: silentLog });
  scope.cleanup(() => app.close());
  const authorization = `Bearer ${state.accounts.issueToken("ann", "token", 3_600_000)}`;
  return async (method: "GET" | "POST" | "DELETE", url: string, body?: object) => {
    const { statusCode, payload } = await app.inject({
      method,
      url,
      headers: { authorization },
      ...(body ? { payload: body } : {}),
    });
    return { status: statusCode, body: JSON.parse(payload) as Health };
  };
}

suite("the console's own disk", ({ test }) => {
  test(
    "full when a command expires and a caller's patience ends: the caller is told, the task stays, and all is well when there is room",
    async (scope) => {
      const disk = await smallDisk(scope, 3_072);
      const fleet = await startFleet(scope, "embedded", {
        state: openState(disk, systemClock),
        selfInterval: 3_600_000,
      });
      const { console, state } = fleet;
      const http = await httpOf(scope, fleet);
      let begun = 0;
      const count = (agent: Agent): Agent => {
        agent.handle("count", { run: () => void (begun += 1) });
        return agent;
      };
      const first = count(await fleet.agent("rpi-7"));
      await eventually("its offer", () => console.registry.get("rpi-7")?.commands?.["count"]);
      await first.stop();
      await fleet.sees("rpi-7", false);
      const busy = await fleet.agent("rpi-8");
      busy.handle("sleep", {
        run: (_, { signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
      });
      await eventually("its offer", () => console.registry.get("rpi-8")?.commands?.["sleep"]);
      const tasks = await fleet.sub(scope, "-t", "muster/rpi-7/cmd/+");
      const queued = console.desk.submit(rpi7, { key: "count", by: "test", timeout: null, ttl: 1_500 });
      const call = console.send("rpi-8", { key: "sleep" }, { timeout: "1200ms" }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      await tasks.line(/cmd\/\S+ \{/);
      const filler = fillDisk(disk);
      exhaust(state.database);

      const told = await call;
      assert.instance(told, CommandTimeoutError);
      const { command } = (told as CommandTimeoutError).details;
      assert.is(command.state, "timed_out");
      await eventually("the expiry in memory", () => console.desk.find(rpi7, queued.id)?.state === "expired");
      const health = await http("GET", "/healthz");
      assert.is(health.status, 503);
      assert.match(health.body.rows.problem, /disk takes no writes \(database or disk is full\)/);
      assert.ok(health.body.rows.waiting >= 2, `${health.body.rows.waiting} rows wait`);
      const refused = await http("POST", "/api/devices/rpi-8/commands", { key: "ping" });
      assert.is(refused.status, 503);
      assert.match(refused.body.detail, /disk takes no writes.*make room/);
      assert.is(await shortCommand(scope, fleet), "not acknowledged");
      const held = await fleet.sub(scope, "-t", "muster/+/cmd/+");
      for (const { device, id } of [queued, command]) await held.line(new RegExp(`${device}/cmd/${id} \\{`));

      rmSync(filler);
      await eventually("the rows", () => console.rowsHealth().ok);
      for (const { device, id, state } of [{ ...queued, state: "expired" }, command]) {
        const row = state.length > 0 && rowOf(fleet, device, id);
        assert.is(row, state);
        await held.line(new RegExp(`${device}/cmd/${id} \\(null\\)|${device}/cmd/${id} $`));
      }
      assert.is((await http("POST", "/api/devices/rpi-8/commands", { key: "ping" })).status, 200);
      assert.is(await shortCommand(scope, fleet), "acknowledged");
      count(fleet.newAgent("rpi-7")).start();
      await fleet.sees("rpi-7", true);
      assert.is((await console.send("rpi-7", { key: "info" })).state, "succeeded");
      assert.is(begun, 0);
      assert.equal(console.faults.places, []);
    },
    { seconds: 40 },
  );

  test("somebody else's lock holds neither the event loop nor a person's request up, and costs no row", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const http = await httpOf(scope, fleet);
    await fleet.agent("rpi-8");
    const { device, id } = fleet.console.desk.submit(rpi8, { key: "info", by: "test", timeout: null, ttl: 60_000 });
    await eventually("its end", () => rowOf(fleet, device, id) === "succeeded");
    await lock(scope, fleet, 2_000);
    const asked = http("POST", "/api/devices/rpi-8/commands", { key: "ping" });
    fleet.console.registry.seen(rpi7);
    const turn = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(performance.now() - turn < 1_600, "a turn of the event loop");
    await eventually("the problem", () => fleet.console.rowsHealth().problem);
    assert.match(fleet.console.rowsHealth().problem ?? "", /database is locked/);
    assert.is((await asked).status, 200);
    await eventually("the rows", () => fleet.console.rowsHealth().ok);
    assert.is(fleet.state.database.prepare("SELECT count(*) AS n FROM devices WHERE id = 'rpi-7'").get()?.["n"], 1);
  });

  test("muster enroll beside a console that writes all the time, and past a lock of a second", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { database, directory } = fleet.state;
    const touch = database.prepare("UPDATE accounts SET created = created + 1");
    const writing = setInterval(() => fleet.state.persist.write("touch", () => touch.run()), 1);
    scope.cleanup(() => clearInterval(writing));
    await lock(scope, fleet, 1_500);
    const enroll = musterProgram(["enroll", "rpi-9", "--secret"]);
    const { code, out, err } = await runProgram(...enroll, { env: { MUSTER_DATA: directory } });
    assert.is(code, 0, err);
    assert.match(out, /rpi-9/);
    assert.is(fleet.state.accounts.find("rpi-9")?.role, "device");
  });
});

/** Types a short command at QoS 1; who gets no PUBACK keeps it. */
async function shortCommand(scope: Scope, fleet: Fleet): Promise<"acknowledged" | "not acknowledged"> {
  const [username, password] = ["ann", fleet.secretOf("ann")];
  const client = mqtt.connect(fleet.url, { username, password, protocolVersion: 4, reconnectPeriod: 0 });
  scope.cleanup(() => client.endAsync(true));
  return new Promise((resolve) => {
    client.once("close", () => resolve("not acknowledged"));
    client.publish("muster/rpi-8/cmd", "ping", { qos: 1 }, (error) => {
      if (!error) resolve("acknowledged");
    });
  });
}

/** As another program does; a second connection of this process would share its locks with the console's. */
const lockHolder = `
  import { DatabaseSync } from "@photostructure/sqlite";
  const [path, ms] = process.argv.slice(1);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA busy_timeout = 15000; BEGIN IMMEDIATE");
  process.stdout.write("locked\\n");
  setTimeout(() => database.exec("COMMIT"), Number(ms));
`;

/** Another process has the lock, for so many milliseconds. */
async function lock(scope: Scope, { state }: Fleet, ms: number): Promise<void> {
  const path = `${state.directory}/muster.db`;
  const holder = new Running(scope, process.execPath, ["--input-type=module", "-e", lockHolder, path, String(ms)]);
  await holder.line(/locked/);
}

function rowOf({ state }: Fleet, device: string, id: string): unknown {
  return state.database.prepare("SELECT state FROM commands WHERE device = ? AND id = ?").get(device, id)?.["state"];
}
