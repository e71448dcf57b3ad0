import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient, type CommandDocument, type CommandOrder } from "#api/client";
import { Agent } from "../agent/agent.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

suite("a console whose state is put back to an older copy", ({ test }) => {
  test(
    "carries nothing out twice or for nobody, and awaits no batch that it had acknowledged",
    async (scope) => {
      const [mqttPort, httpPort] = [await freePort(), await freePort()];
      const data = join(await scope.directory(), "data");
      const backup = await scope.directory();
      const env = {
        MUSTER_DATA: data,
        MUSTER_HTTP_PORT: String(httpPort),
        MUSTER_MQTT_PORT: String(mqttPort),
        MUSTER_DEVICE: "edge-1",
        MUSTER_ADMIN_PASSWORD: "correct horse",
      };
      const start = async (): Promise<Running> => {
        const running = new Running(scope, ...musterProgram(["start"]), { env });
        await running.line(/Muster .* is up/);
        return running;
      };
      const client = createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" });
      const send = (order: CommandOrder): Promise<CommandDocument> =>
        client.sendCommand("probe", order, { wait: false });
      const is = ({ id }: CommandDocument, state: CommandDocument["state"]): Promise<unknown> =>
        eventually(`${id}: ${state}`, async () => (await client.getCommand(id)).state === state, 15);
      const files = ["muster.db", "muster.db-wal"];

      let running = await start();
      const { out } = await runProgram(...musterProgram(["enroll", "probe", "--secret"]), { env });
      const password = /mqtt:\/\/[^:]+:([^@]+)@/.exec(out)?.[1] ?? "";
      const url = `mqtt://127.0.0.1:${mqttPort}`;
      const agent = new Agent({ device: "probe", url, password, interval: 100, directory: await scope.directory() });
      scope.cleanup(() => agent.stop());
      const begun = { first: 0, second: 0 };
      let finish = (): void => {};
      const finished = new Promise<void>((resolve) => (finish = resolve));
      agent.handle("first", { run: () => finished.then(() => void (begun.first += 1)) });
      agent.handle("second", { run: () => void (begun.second += 1) });
      agent.start();
      await eventually("the agent", async () => (await client.getDevice("probe")).online);
      const first = await send({ key: "first", ttl: "1h" });
      // Behind the first one, so that the device has not begun it when its caller gives up.
      const second = await send({ key: "second", timeout: "2s" });
      await is(first, "running");
      for (const file of files) if (existsSync(join(data, file))) cpSync(join(data, file), join(backup, file));

      await is(second, "timed_out");
      // What is answered after it tells that the device has heard of its withdrawal.
      assert.is((await client.sendCommand("probe", { key: "ping" })).state, "succeeded");
      finish();
      await is(first, "succeeded");
      const known = async (): Promise<number> => (await client.getCompleteness("probe")).stored;
      const before = await known();
      await eventually("more samples", async () => (await known()) > before + 10);
      await running.kill("SIGKILL");
      for (const file of [...files, "muster.db-shm"]) rmSync(join(data, file), { force: true });
      for (const file of files) if (existsSync(join(backup, file))) cpSync(join(backup, file), join(data, file));

      running = await start();
      await is(first, "succeeded");
      await is(second, "timed_out");
      assert.equal(begun, { first: 1, second: 0 });
      const account = await eventually("its account", async () => {
        const one = await client.getCompleteness("probe");
        return one.forgotten.batches > 0 && one.outstanding.batches === 0 ? one : undefined;
      });
      assert.is(account.missing, 0);
      assert.ok(account.forgotten.samples > 10, `${account.forgotten.samples} samples`);
    },
    { seconds: 60 },
  );
});
