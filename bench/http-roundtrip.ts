import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Agent as HttpAgent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { bundlePrograms } from "../test/bundle.ts";
import { eventually } from "../test/suite.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import type { HttpConsole } from "./http-console-child.ts";
import { timesOf, type Taken } from "./times.ts";

const agentFile = fileURLToPath(new URL("../dist/muster-agent.cjs", import.meta.url));
const device = "rpi-7";
const secret = "a secret of the bench, long enough";
/** Far below what one account may ask in a minute. */
const rounds = 1_500;

/**
 * A program's command by HTTP, as built: `POST …/commands?wait=true` over one connection, to the agent's one file with its ledger on the disk,
 * and back. `npm run build` first.
 */
export async function httpRoundTrips(count = rounds): Promise<Taken> {
  if (!existsSync(agentFile)) throw new Error(`${agentFile} is missing: run "npm run build" first`);
  const scope = new BenchScope();
  try {
    const built = await bundlePrograms({ console: "bench/http-console-child.ts" });
    scope.cleanup(() => built.remove());
    const console = await startChild(built.path("console"), { directory: await scope.directory(), device, secret });
    scope.cleanup(() => endChild(console));
    const look = (): Promise<HttpConsole> => ask<HttpConsole>(console, {});
    const { http, mqtt, token } = await look();
    const url = `mqtt://${device}:${encodeURIComponent(secret)}@127.0.0.1:${mqtt}`;
    const args = [agentFile, "--mqtt-url", url, "--interval", "60s", "--data", await scope.directory()];
    const agent = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    scope.cleanup(() => endChild(agent));
    await eventually("the agent", async () => (await look()).isOnline);
    const connection = new HttpAgent({ keepAlive: true, maxSockets: 1 });
    scope.cleanup(() => connection.destroy());
    const cpu = async (): Promise<number> => (await look()).cpu;
    return await timesOf(count, () => ping(connection, http, token), cpu);
  } finally {
    await scope.end();
  }
}

const body = JSON.stringify({ key: "ping" });

/** @throws Error where the answer is not that of a command that succeeded */
function ping(agent: HttpAgent, port: number, token: string): Promise<void> {
  const path = `/api/devices/${device}/commands?wait=true`;
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ agent, host: "127.0.0.1", port, method: "POST", path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => {
        if (text.includes('"succeeded"')) resolve();
        else reject(new Error(`a command by HTTP ended with ${response.statusCode}: ${text}`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
