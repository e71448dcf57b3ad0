import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Console } from "../console/console.ts";
import type { Device } from "../console/devices/device.ts";
import { isMark } from "../console/ingest/store-marks.ts";
import { EmbeddedStore } from "../console/store/embedded.ts";
import { StoreUnavailableError } from "../console/store/store.ts";
import { storeAskedAgain, maxRecalled, Recall } from "../console/recall.ts";
import { startFleet } from "./fleet.ts";
import { startInflux } from "./influx.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const inOrder = (named: object): unknown => Object.entries(named).sort();
const failed = (thrown: unknown): void => {
  throw thrown;
};

suite("newest values of before", ({ test }) => {
  test("of a device without an agent come back from the store when the console starts, of as many series as there is time for", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const send = async (measurement: string, sample: object): Promise<void> => {
      const where = ["-q", "1", "-t", `muster/rpi-7/metrics/${measurement}`];
      await runProgram("mosquitto_pub", [...fleet.login("rpi-7"), ...where, "-m", JSON.stringify(sample)]);
    };
    await send("room", { t: 20 });
    await send("room", { t: 21.5, open: false });
    await send("door", { state: "shut" });
    const before = () => fleet.console.registry.latest("rpi-7");
    await eventually("the samples", () => before().length === 2);
    const expected = before();
    const { lastSeen } = fleet.console.registry.get("rpi-7") ?? {};
    await fleet.console.stop();

    const way = { url: fleet.url, password: fleet.secretOf("console") };
    const next = new Console({ directory: fleet.state.directory, state: fleet.state, ...way, log: silentLog });
    await next.start();
    scope.cleanup(() => next.stop());
    await eventually("the values of before", () => next.registry.latest("rpi-7").length === 2);
    assert.equal(next.registry.latest("rpi-7"), expected);
    assert.is(next.registry.get("rpi-7")?.lastSeen, lastSeen);
    assert.is(next.registry.get("rpi-7")?.reason, null);
  });

  test("of a device whose agent is off are there after a restart as well, with their age, and do not make it online", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const agent = await fleet.agent("rpi-7", { interval: 100 });
    const sampled = () => fleet.console.registry.sampled("rpi-7");
    await eventually("samples", () => sampled() !== undefined && fleet.console.ingest.batches.stats.acknowledged > 1);
    await fleet.console.send("rpi-7", { key: "ping" });
    const stored = () =>
      fleet.console.store.last({
        device: parseDeviceId("rpi-7"),
        from: 0,
        to: Date.now(),
        most: 500,
        rows: 1,
        by: "test",
      });
    await eventually("the mark of the command", async () => (await stored()).some(isMark));
    await agent.stop();
    await fleet.sees("rpi-7", false);
    const idle = fleet.console.registry.valued("rpi-7", "mem", "used_percent");
    assert.type(idle, "number");
    await fleet.console.stop();
    const way = { url: fleet.url, password: fleet.secretOf("console") };
    const next = new Console({ directory: fleet.state.directory, state: fleet.state, ...way, log: silentLog });
    await next.start();
    scope.cleanup(() => next.stop());
    await eventually("the values of before", () => next.registry.sampled("rpi-7") !== undefined);
    assert.is(next.registry.valued("rpi-7", "mem", "used_percent"), idle);
    assert.is(next.registry.get("rpi-7")?.online, false);
    assert.is(next.registry.latest("rpi-7").some(isMark), false, "what the console noted is no value of the device");
  });

  test("come back from InfluxDB, each field's last one, also where it comes up after the console and no agent speaks", async (scope) => {
    const server = await startInflux(scope);
    const influxUrl = `${server.url}/fleet`;
    const fleet = await startFleet(scope, "mosquitto", { influxUrl });
    const send = async (measurement: string, sample: object): Promise<void> => {
      const where = ["-q", "1", "-t", `muster/rpi-7/metrics/${measurement}`];
      await runProgram("mosquitto_pub", [...fleet.login("rpi-7"), ...where, "-m", JSON.stringify(sample)]);
    };
    await send("room", { t: 20, battery: 3 });
    await send("room", { t: 21.5 });
    await send("door", { state: "shut", open: false });
    // Whatever the order in which a store names series and fields.
    const latest = (at: Console): string =>
      JSON.stringify(
        at.registry
          .latest("rpi-7")
          .map(({ measurement, ts, fields, times = {} }) => [measurement, ts, ...[fields, times].map(inOrder)])
          .sort(),
      );
    await eventually("the samples", () => latest(fleet.console).includes("21.5"));
    await eventually("the last one", () => latest(fleet.console).includes("shut"));
    const expected = latest(fleet.console);
    const stored = async (): Promise<string> => server.shell("SELECT * FROM door, room", { database: "fleet" });
    await eventually("all of it in InfluxDB", async () => /shut/.test(await stored()) && /21\.5/.test(await stored()));
    await fleet.console.stop();
    await server.stop();

    const way = { url: fleet.url, password: fleet.secretOf("console"), influxUrl };
    const next = new Console({ directory: fleet.state.directory, state: fleet.state, ...way, log: silentLog });
    await next.start();
    scope.cleanup(() => next.stop());
    assert.is(latest(next), "[]");
    await server.start();
    await eventually("the values of before", () => latest(next) === expected, 60);
  });

  test("are looked up of a bounded number of series", async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const store = new EmbeddedStore({ path, maxAge: 1e15, maxBytes: 1e9, clock: systemClock, log: silentLog });
    await store.start();
    scope.cleanup(() => store.stop());
    const device = parseDeviceId("rpi-7");
    const seriesOf = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => ({
        device,
        measurement: "m",
        tags: { at: String(from + at) },
        times: [1, 2],
        fields: { value: [from, at] },
      }));
    const recalled = async (): Promise<number> => {
      let count = 0;
      const recall = (_: unknown, series: readonly unknown[]): void => void (count += series.length);
      const list = () => [{ id: device, boot: null } as Device, { id: parseDeviceId("rpi-8"), boot: "b" } as Device];
      const sampled = (id: string): number | undefined => (id === "rpi-8" ? 1 : undefined);
      const looks = new Recall({
        registry: { list, recall, sampled, recalledAll: () => {} },
        store,
        clock: systemClock,
        failed,
      });
      looks.start();
      await eventually("all", () => count > 0);
      await looks.stop();
      return count;
    };
    await store.write(seriesOf(0, maxRecalled));
    assert.is(await recalled(), maxRecalled);
    await store.write(seriesOf(maxRecalled, maxRecalled + 1));
    assert.is(await recalled(), maxRecalled);
  });

  test("wait for a store that is away, and nothing holds a stop up", async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    const told: string[] = [];
    let away = true;
    const looks = new Recall({
      registry: {
        list: () => ["rpi-1", "rpi-2", "rpi-3"].map((id) => ({ id, boot: null }) as Device),
        recall: (id) => void told.push(id),
        sampled: () => undefined,
        recalledAll: () => void told.push("all"),
      },
      store: {
        last: async ({ device }) => {
          asked.push(device);
          if (away) throw new StoreUnavailableError("not yet");
          if (device === "rpi-2") throw new Error("too much of it");
          return [];
        },
      },
      clock,
      failed: (thrown) => void told.push(String(thrown)),
    });
    looks.start();
    await eventually("the first try", () => asked.length === 1);
    away = false;
    await eventually("the others", () => {
      clock.advance(storeAskedAgain);
      return told.includes("all");
    });
    assert.equal(asked, ["rpi-1", "rpi-1", "rpi-2", "rpi-3"]);
    assert.equal(told, ["rpi-1", "Error: too much of it", "rpi-3", "all"]);
    away = true;
    looks.start();
    await eventually("one more", () => asked.length === 5);
    await looks.stop();
  });
});
