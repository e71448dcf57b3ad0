import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { systemClock, type Clock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { explainCommand } from "../console/desk/explain-command.ts";
import { openState } from "../console/state/state.ts";
import { openForReading } from "../console/database/database.ts";
import { startFleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const day = 86_400_000;
const secret = "a sensor's secret that nobody has";

/** `muster start` on a data directory of its own, each time with a clock that is so many ms off. */
async function place(scope: Scope) {
  const directory = join(await scope.directory(), "data");
  const state = openState(directory, systemClock);
  state.accounts.set("sensor", "device", secret);
  state.close();
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: directory,
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  const client = createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" });
  return {
    client,
    start: async (shift: number): Promise<Running> => {
      const shifted = `const now=Date.now;Date.now=()=>now()+(${shift})`;
      const options =
        shift === 0 ? {} : { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shifted)}` };
      const running = new Running(scope, ...musterProgram(["start"]), { env: { ...env, ...options } });
      await running.line(/Muster .* is up/);
      return running;
    },
    /** A number that the console measures of itself. */
    counted: async (name: string): Promise<number> => {
      const text = await client.getMetrics();
      return Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.split(" ")[1] ?? 0,
      );
    },
    /** @returns whether it was acknowledged */
    publish: async (payload: string): Promise<boolean> => {
      const login = ["-h", "127.0.0.1", "-p", String(mqttPort), "-i", "sensor", "-u", "sensor", "-P", secret];
      const { code } = await runProgram("mosquitto_pub", [
        ...login,
        "-q",
        "1",
        "-t",
        "muster/sensor/metrics/room",
        "-m",
        payload,
      ]);
      return code === 0;
    },
    /** Samples that the store has from `from` on, before `to`. */
    stored: (from: number, to: number): number => {
      const database = openForReading(join(directory, "metrics.db"));
      try {
        const row = database.prepare("SELECT COUNT(*) AS count FROM samples WHERE ts >= ? AND ts < ?").get(from, to);
        return (row as { count: number }).count;
      } finally {
        database.close();
      }
    },
  };
}

suite("a console with a wrong clock", ({ test }) => {
  test(
    "eight days ahead it deletes nothing; in 1970 it takes nothing, and has all of it afterwards",
    async (scope) => {
      const { start, client, counted, publish, stored } = await place(scope);
      const began = Date.now();
      const right = await start(0);
      for (let sample = 0; sample < 2; sample++) assert.ok(await publish(`{"temperature":${sample}}`));
      await eventually("samples of the agent", () => stored(began - day, began + day) > 30);
      assert.equal((await client.getHealth()).clock, { state: "trusted" });
      assert.is(await right.kill("SIGTERM"), 0);
      const ended = Date.now() + 1_000;
      const kept = stored(began - day, ended);

      const ahead = await start(8 * day);
      const { ok, clock } = await client.getHealth();
      assert.is(ok, true);
      assert.is(clock?.state, "ahead");
      await ahead.line(/8 d later than what was last known.*nothing is deleted by age/);
      // The first write is followed by a look at what is too old.
      await eventually("a write", () => stored(began + 7 * day, began + 9 * day) > 0);
      assert.is(await ahead.kill("SIGTERM"), 0);
      assert.is(stored(began - day, ended), kept);

      const behind = await start(60_000 - Date.now());
      const health = await client.getHealth();
      assert.is(health.clock?.state, "behind");
      assert.match(health.store?.problem ?? "", /the console's clock says 1970-.*nothing is taken/);
      assert.is(await publish('{"temperature":99}'), false, "it was acknowledged");
      await eventually("a batch that is left to its agent", async () => (await counted("muster_deferred_total")) > 0);
      assert.is(await counted('muster_refused_total{reason="no_clock"}'), 1);
      assert.is(await behind.kill("SIGTERM"), 0);
      assert.is(stored(began - day, ended), kept);
      assert.is(stored(0, began - day), 0);

      const again = await start(0);
      assert.equal((await client.getHealth()).clock, { state: "trusted" });
      await eventually("all that the agent has kept", async () => {
        const { missing, outstanding } = await client.getCompleteness("edge-1");
        return missing === 0 && outstanding.batches === 0;
      });
      assert.is(stored(0, began - day), 0);
      assert.ok(stored(began - day, ended) >= kept);
      assert.is(await again.kill("SIGTERM"), 0);
    },
    { seconds: 90 },
  );
});

suite("a console whose clock steps", ({ test }) => {
  test("devices that agree are its clock; nothing is taken before its past, and all of it is when it is right again", async (scope) => {
    let shift = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + shift };
    const fleet = await startFleet(scope, "embedded", { clock });
    const { console } = fleet;
    const pub: typeof fleet.pub = (...args) => fleet.pub(...args);
    const batch = (device: string, seq: number): Promise<unknown> =>
      pub(
        "-t",
        `muster/${device}/metrics`,
        "-m",
        JSON.stringify({
          v: 1,
          outbox: `outbox-${device}`,
          seq,
          t: Date.now(),
          dt: [0],
          age: 0,
          epoch: "elsewhere",
          mono: seq * 1_000,
          m: [{ n: "room", f: { n: seq } }],
        }),
        ...fleet.login(device),
      );
    const stored = async (device: string, from: number, to: number): Promise<number> => {
      const query = { device: parseDeviceId(device), measurement: "room", field: "n", every: 0 };
      const series = await console.store.query({ ...query, from, to });
      return series.reduce((sum, { points }) => sum + points.length, 0);
    };
    const now = (device: string): Promise<number> => stored(device, Date.now() - 60_000, Date.now() + 60_000);
    const refused = (): number => console.report().refused["no_clock"] ?? 0;

    shift = 8 * day;
    await batch("rpi-7", 1);
    await batch("rpi-8", 1);
    await eventually("the devices' word", () => /2 devices agree/.test(console.storeHealth().clock ?? ""));
    assert.is(console.storeHealth().ok, true);
    await pub("-q", "1", "-t", "muster/rpi-7/metrics/room", "-m", '{"n":99}', ...fleet.login("rpi-7"));
    await eventually("samples where they belong", async () => (await now("rpi-7")) === 2 && (await now("rpi-8")) === 1);
    assert.is(console.registry.get("rpi-7")?.problem, null, "no device that is right is called wrong");

    shift = -day;
    assert.match(console.storeHealth().problem ?? "", /1 d before what has been already .*nothing is taken/);
    await batch("rpi-7", 2);
    await pub("-q", "1", "-t", "muster/rpi-7/metrics/room", "-m", '{"n":100}', ...fleet.login("rpi-7"));
    await eventually("a refusal", () => refused() === 1);
    assert.is(await now("rpi-7"), 2);
    assert.is(await stored("rpi-7", Date.now() - 2 * day, Date.now() - day / 2), 0);

    shift = 0;
    assert.equal(console.clockVerdict, { state: "trusted" });
    await batch("rpi-7", 2);
    await eventually("what came again", async () => (await now("rpi-7")) === 3);
    assert.is(console.ingest.batches.stats.deferred, 1);
  });

  test("one that comes back days ahead expires no queued command: agents go by what it told before, or wait", async (scope) => {
    let shift = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + shift };
    const fleet = await startFleet(scope, "mosquitto", { clock });
    const { console } = fleet;
    const [running, away] = [parseDeviceId("rpi-7"), parseDeviceId("rpi-8")];
    const begun: string[] = [];
    let release: (() => void) | undefined;
    const make = (device: string): ReturnType<typeof fleet.newAgent> => {
      const agent = fleet.newAgent(device);
      agent.handle("count", { run: () => void begun.push(device) });
      agent.handle("hold", { run: () => new Promise((resolve) => (release = () => resolve())) });
      agent.start();
      return agent;
    };
    make("rpi-7");
    const first = make("rpi-8");
    await fleet.sees("rpi-7", true);
    await fleet.sees("rpi-8", true);
    await first.stop();
    await fleet.sees("rpi-8", false);
    const order = { by: "ann", timeout: null, ttl: 600_000 };
    console.desk.submit(running, { ...order, key: "hold" });
    const waits = console.desk.submit(running, { ...order, key: "count" });
    const queued = console.desk.submit(away, { ...order, key: "count" });
    await eventually("the first to run", () => release !== undefined);
    await console.stop();

    shift = 8 * day;
    await console.start();
    assert.is(console.clockVerdict.state, "ahead");
    await fleet.sees("rpi-7", true);
    release?.();
    await eventually("what waited in an agent", () => console.desk.find(running, waits.id)?.state === "succeeded");
    make("rpi-8");
    await fleet.sees("rpi-8", true);
    // It is answered by who takes nothing for over that waits, and needs no clock.
    assert.is((await console.send("rpi-8", { key: "ping" })).state, "succeeded");
    assert.equal(begun, ["rpi-7"]);
    const told = (): string => explainCommand(console.desk.find(away, queued.id)!, console.registry.get(away));
    await eventually("its word", () =>
      told().startsWith("rpi-8 has it (it waits until the console is sure of its clock"),
    );

    shift = 0;
    assert.is(console.clockVerdict.state, "trusted");
    await eventually("what waited for a clock", () => console.desk.find(away, queued.id)?.state === "succeeded");
    assert.equal(begun, ["rpi-7", "rpi-8"]);
    assert.is(console.desk.find(away, queued.id)?.note, undefined);
  });
});
