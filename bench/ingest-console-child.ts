import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import type { ServerIdentity } from "#shared/tls-door";
import { Broker } from "../broker/broker.ts";
import { Console } from "../console/console.ts";
import { openState } from "../console/state/state.ts";
import { keepHeapLean } from "../commands/compose/lean-heap.ts";
import { answer, ready, settingsOfChild } from "./children.ts";
import { deviceName } from "./ingest-load.ts";

/** Console and embedded broker in one process, or the console alone at an external one. */
const { directory, port, url, identity, influxUrl, devices, secret } = settingsOfChild<{
  directory: string;
  port: number;
  /** The external broker; without it, the embedded one listens on `port`. */
  url?: string;
  /** What the embedded one shows there, if it is to speak TLS. */
  identity?: ServerIdentity;
  /** Without it, samples go to the embedded store. */
  influxUrl?: string;
  devices: number;
  secret: string;
}>();
// As the program does.
keepHeapLean();
const state = openState(directory, systemClock);
for (let index = 0; index < devices; index++) state.accounts.set(deviceName(index), "device", secret);
const common = { directory, state, log: silentLog, ...(influxUrl === undefined ? {} : { influxUrl }) };
const console = new Console(
  url === undefined ? { ...common, bus: await embedded() } : { ...common, url, password: secret, mqttVersion: "auto" },
);
await console.start();

async function embedded() {
  const broker = new Broker({
    listen: "127.0.0.1",
    port: identity ? 0 : port,
    tls: identity && {
      listen: "127.0.0.1",
      port,
      identity: { current: () => identity, changes: { on: () => () => {} } },
    },
    root: "muster",
    authenticate: (name, password) => state.accounts.verify(name, password),
    clock: systemClock,
    log: silentLog,
  });
  await broker.start();
  return broker.local();
}

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
/** Since the question before. */
const stalls = () => {
  const ms = { p99: delay.percentile(99) / 1e6, longest: delay.max / 1e6 };
  delay.reset();
  return ms;
};

answer(() => {
  const { user, system } = process.cpuUsage();
  return {
    stalls: stalls(),
    cpu: user + system,
    connected: console.brokerConnected,
    rss: process.memoryUsage.rss(),
  };
});
ready();
