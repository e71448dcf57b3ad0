import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { freePort } from "./mosquitto.ts";
import { runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const agent = "dist/muster-agent.cjs";

/** The console of the version before, as `test/before/pack-console.mjs` has packed it. @returns its program */
async function unpackConsole(scope: Scope): Promise<string> {
  const directory = await scope.directory();
  const packed = brotliDecompressSync(await readFile("test/before/console.json.br")).toString("utf8");
  for (const [name, text] of Object.entries(JSON.parse(packed) as Record<string, string>)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  // What it hands to machines that join.
  const own = brotliDecompressSync(await readFile("test/before/muster-agent.cjs.br"));
  await writeFile(join(directory, "dist", "muster-agent.cjs"), own);
  await symlink(resolve("node_modules"), join(directory, "node_modules"));
  return join(directory, "dist", "muster.js");
}

suite("the console of the version before", ({ test }) => {
  test(
    "this agent joins it: presence, samples, commands and jobs go on, and a file waits in words until it is cancelled",
    async (scope) => {
      const program = await unpackConsole(scope);
      const [httpPort, mqttPort] = [await freePort(), await freePort()];
      const console = new Running(scope, process.execPath, [program, "start"], {
        env: {
          MUSTER_DATA: join(await scope.directory(), "data"),
          MUSTER_HTTP_PORT: String(httpPort),
          MUSTER_MQTT_PORT: String(mqttPort),
          MUSTER_DEVICE: "edge-1",
          MUSTER_ADMIN_PASSWORD: "correct horse",
        },
      });
      await console.line(/Muster .* is up/);
      const origin = `http://127.0.0.1:${httpPort}`;
      const client = createClient({ url: origin, login: "admin:correct horse" });
      const device = await scope.directory();
      const [directory, logs] = [join(device, "agent"), join(device, "logs")];
      await mkdir(logs);
      await writeFile(join(logs, "a.log"), "hello");
      const { code } = await client.createEnrollment({ name: "cam", origin });
      scope.cleanup(() => runProgram(process.execPath, [agent, "leave", "--yes", "--dir", directory]));
      const words = ["join", code, "--no-service", "--dir", directory];
      const env = { MUSTER_FETCH_FROM: logs, MUSTER_INTERVAL: "1s" };
      const joined = await runProgram(process.execPath, [agent, ...words], { env, seconds: 90 });
      assert.is(joined.code, 0, joined.err);
      await eventually("cam", async () => (await client.getDevice("cam")).online);

      const path = join(logs, "a.log");
      const order = { key: "fetch", args: { path }, ttl: "10m" };
      const fetching = await client.sendCommand("cam", order, { wait: false });
      const stored = async (): Promise<number> => (await client.getCompleteness("cam")).stored;
      await eventually("its samples", async () => (await stored()) > 0);
      const pinged = await client.sendCommand("cam", { key: "ping", timeout: "1m" });
      assert.is(pinged.state, "succeeded", JSON.stringify(pinged));
      const set = await client.sendCommand("cam", { key: "set-interval", args: { seconds: 1.5 }, timeout: "1m" });
      assert.is(set.state, "succeeded", JSON.stringify(set));
      assert.is((await client.getDevice("cam")).interval, 1_500);
      const dry = await client.sendCommand("cam", { key: "fetch", args: { path, dryRun: true }, timeout: "1m" });
      assert.is((dry.result as { size?: number }).size, 5, JSON.stringify(dry));

      const { id } = await client.createJob({ key: "ping", target: { all: true }, rate: 50 });
      await eventually("the job's end", async () => (await client.getJob(id)).state === "done");
      assert.is((await client.getJob(id)).counts.succeeded, 2, "its own agent, and this one");

      // It has no topics for pieces: nobody answers, and the agent says why that may be.
      const told = async (): Promise<string> => (await client.getCommand(fetching.id)).note ?? "";
      await eventually("the agent's word", async () => /older than this/.test(await told()), 60);
      const before = await stored();
      await eventually("samples beside it", async () => (await stored()) > before);
      assert.is((await client.cancelCommand(fetching.id)).state, "cancelled");
      const { outstanding, missing } = await client.getCompleteness("cam");
      assert.equal([missing, outstanding.batches <= 3], [0, true], "what was sent was acknowledged");
    },
    { seconds: 60 },
  );
});
