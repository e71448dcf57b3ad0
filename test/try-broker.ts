import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { settings } from "#shared/settings";
import { Agent } from "../agent/agent.ts";
import { BenchScope } from "../bench/children.ts";
import { Console } from "../console/console.ts";
import { openState } from "../console/state/state.ts";
import { eventually } from "./suite.ts";

/**
 * Both promises in short over a broker of somebody else's, which is not touched: an outage is that of the way to it.
 * `CONSOLE=SECRET DEVICE=rpi-7:SECRET node --import tsx test/try-broker.ts mqtt://host:port`; the accounts with the rights of docs/brokers.md.
 * MUSTER_MQTT_VERSION as everywhere. RESTART holds a line of shell for a second outage, such as one that kills the broker and starts it.
 */
const [url = ""] = process.argv.slice(2);
const {
  CONSOLE: password = "",
  DEVICE: account = "",
  RESTART: restart,
  MUSTER_MQTT_VERSION: version = "auto",
} = process.env;
const mqttVersion = settings.mqttVersion.parse(version);
const at = account.indexOf(":");
const device = parseDeviceId(account.slice(0, at));
const outage = 3_000;
/** Commands that wait through each: more than HiveMQ lets be unacknowledged, which are 10. */
const waiting = 30;

const scope = new BenchScope();
try {
  await tryIt();
} catch (thrown) {
  process.stdout.write(`✗ ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
} finally {
  await scope.end();
}

async function tryIt(): Promise<void> {
  const way = await startWay();
  const directory = await scope.directory();
  const state = openState(directory, systemClock);
  scope.cleanup(() => state.close());
  state.accounts.set(device, "device");
  const console = new Console({ directory, state, log: silentLog, url: way.url, password, mqttVersion });
  await console.start();
  scope.cleanup(() => console.stop());
  const begun: unknown[] = [];
  const own = { mqttVersion, url: way.url, password: account.slice(at + 1), directory: await scope.directory() };
  const agent = new Agent({ device, ...own, interval: 200 });
  agent.handle("count", { run: ({ n }: Record<string, unknown>) => void begun.push(n) });
  agent.start();
  scope.cleanup(() => agent.stop());
  const { batches } = console.ingest;
  const isOnline = (): boolean => console.registry.get(device)?.online === true;

  await eventually("presence", isOnline);
  said("presence");
  await eventually("batches", () => batches.stats.stored >= 5);
  said("batches are stored and acknowledged");
  let sent = 0;
  while (sent < 3) await console.send(device, { key: "count", args: { n: sent++ } });
  said("calls are answered");

  const through = async (what: string, happens: (meanwhile: () => void) => Promise<number>): Promise<void> => {
    const back = await happens(() => {
      for (const end = sent + waiting; sent < end; sent++)
        console.desk.submit(device, { key: "count", args: { n: sent }, by: "try", timeout: null, ttl: 60_000 });
    });
    await eventually("what waited", () => begun.length >= sent);
    said(`${waiting} tasks that waited had begun ${Date.now() - back} ms after ${what}`);
  };
  await through(`an outage of ${outage} ms`, (meanwhile) => way.cut(outage, meanwhile));
  if (restart !== undefined) await through("a second outage", (meanwhile) => shell(restart, meanwhile));
  await console.send(device, { key: "pause" });
  await eventually("an empty outbox", () => agent.outbox.batches === 0);
  await pause(1_000);
  const { missing } = batches.completeness.of(device);
  const inOrder = begun.every((n, place) => n === place) && begun.length === sent;
  if (missing > 0 || !inOrder) throw new Error(`${missing} batches are missing; begun: ${begun.join()}`);
  said("no batch is missing; each command began once, in its order");
}

/** A way to the broker that can be cut. */
async function startWay() {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((near) => {
    if (!open) return near.resetAndDestroy();
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => server.close());
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resets all connections, does what is to be done without any, and lets them in again. @returns when, epoch ms */
    async cut(ms: number, meanwhile: () => void): Promise<number> {
      open = false;
      for (const socket of sockets) socket.resetAndDestroy();
      meanwhile();
      await pause(ms);
      open = true;
      return Date.now();
    },
  };
}

/** @returns when the line had run, epoch ms */
async function shell(line: string, meanwhile: () => void): Promise<number> {
  const ended = once(spawn("sh", ["-c", line], { stdio: "ignore" }), "exit");
  meanwhile();
  await ended;
  return Date.now();
}

function said(text: string): void {
  process.stdout.write(`✓ ${text}\n`);
}
