import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Console } from "../console/console.ts";
import type { Device } from "../console/devices/device.ts";
import { EmbeddedStore } from "../console/store/embedded.ts";
import { maxRecalled, recallNewest } from "../console/recall.ts";
import { startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

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
      await recallNewest({ list, recall, sampled }, store, () => false);
      return count;
    };
    await store.write(seriesOf(0, maxRecalled));
    assert.is(await recalled(), maxRecalled);
    await store.write(seriesOf(maxRecalled, maxRecalled + 1));
    assert.is(await recalled(), maxRecalled);
    const [one] = store.newest(device, 1);
    assert.equal([one?.times, one?.fields], [[2], { value: 0 }]);
  });
});
