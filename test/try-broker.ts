import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Agent } from "../agent/agent.ts";
import { BenchScope } from "../bench/children.ts";
import { Console } from "../console/console.ts";
import { openState } from "../console/state.ts";
import { eventually } from "./suite.ts";

/**
 * Both promises in short over a broker of somebody else's, which is not touched: an outage is that of the way to it.
 * `CONSOLE=SECRET DEVICE=rpi-7:SECRET node --import tsx test/try-broker.ts mqtt://host:port`; the accounts with the rights of docs/brokers.md.
 */
const [url = ""] = process.argv.slice(2);
const { CONSOLE: password = "", DEVICE: account = "" } = process.env;
const at = account.indexOf(":");
const device = parseDeviceId(account.slice(0, at));
const outage = 3_000;

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
  const console = new Console({ directory, state, log: silentLog, url: way.url, password });
  await console.start();
  scope.cleanup(() => console.stop());
  const begun: unknown[] = [];
  const own = { url: way.url, password: account.slice(at + 1), directory: await scope.directory() };
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
  for (const n of [0, 1, 2]) await console.send(device, { key: "count", args: { n } });
  said("calls are answered");

  const back = await way.cut(outage, () => {
    for (const n of [3, 4, 5])
      console.desk.submit(device, { key: "count", args: { n }, by: "try", timeout: null, ttl: 60_000 });
  });
  await eventually("what waited", () => begun.length >= 6);
  said(`tasks that waited began ${Date.now() - back} ms after an outage of ${outage} ms`);
  await console.send(device, { key: "pause" });
  await eventually("an empty outbox", () => agent.outbox.batches === 0);
  await pause(1_000);
  const { missing } = batches.completeness.of(device);
  const inOrder = begun.every((n, place) => n === place) && begun.length === 6;
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

function said(text: string): void {
  process.stdout.write(`✓ ${text}\n`);
}
