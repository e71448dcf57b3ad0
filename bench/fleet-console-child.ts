import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { Console } from "../console/console.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state/state.ts";
import { answer, ready, settingsOfChild } from "./children.ts";

/** What {@link answer} tells: where the console is, and its longest turn of the event loop since it was asked before, in ms. */
export interface FleetConsole {
  readonly http: number;
  readonly token: string;
  readonly password: string;
  readonly longest: number;
}

/** A console that knows a fleet, as agents would have introduced themselves, and some of it says something each second. */
interface Given {
  readonly directory: string;
  readonly devices: number;
  readonly changing: number;
  /** Where the built page is, for whoever looks at it. */
  readonly web?: string;
}

const { directory, devices, changing, web } = settingsOfChild<Given>();
const state = openState(directory, systemClock);
const { accounts } = state;
const password = "a secret of the bench, long enough";
accounts.set("ann", "operator", password);
const token = accounts.tokens.issue({ account: "ann", kind: "token", ttl: 3_600_000, name: "bench" }).secret;
const broker = new Broker({
  listen: "127.0.0.1",
  port: 0,
  root: "muster",
  authenticate: (...who) => accounts.verify(...who),
  clock: systemClock,
  log: silentLog,
});
await broker.start();
const console = new Console({ directory, state, bus: broker.local(), log: silentLog });
await console.start();
const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, log: silentLog, page: web });
const http = await server.start();
const ids = Array.from({ length: devices }, (_, at) => parseDeviceId(`rpi-${String(at).padStart(5, "0")}`));
const args = {
  type: "object",
  properties: { seconds: { type: "number", minimum: 0.1, maximum: 86_400, description: "between two samples" } },
  required: ["seconds"],
};
const keys = ["ping", "info", "report", "pause", "resume", "restart", "shutdown", "update", "logs", "support"];
const commands = Object.fromEntries(keys.map((key) => [key, { title: `What ${key} does on this device` }]));

function sample(at: number): void {
  const device = ids[at] ?? parseDeviceId("none");
  const { registry } = console;
  const one = (measurement: string, tags: Record<string, string>, fields: Record<string, number>) => ({
    device,
    measurement,
    tags,
    times: [Date.now()],
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])),
  });
  registry.seen(device);
  registry.observe(device, [
    ...["cpu-total", "cpu0", "cpu1", "cpu2", "cpu3"].map((cpu) => one("cpu", { cpu }, { usage_idle: (at * 7) % 100 })),
    one("mem", {}, { used_percent: (at * 13) % 100, total: 4e9 }),
    ...["/", "/boot", "/data"].map((path) => one("disk", { path }, { used_percent: (at * 3) % 100 })),
    one("system", {}, { load1: (at % 40) / 10, uptime: 1_000 + at }),
    ...["eth0", "wlan0"].map((name) => one("net", { interface: name }, { bytes_recv: at * 1_000, bytes_sent: at })),
  ]);
}

for (const [at, id] of ids.entries()) {
  console.registry.presence(id, {
    v: 1,
    online: true,
    boot: `boot-${at}`,
    session: `s${at}`,
    instance: `i${at}`,
    agent: at % 3 === 0 ? "0.2.0" : "0.3.0",
    build: "0123456789ab",
    interval: 10_000,
    facts: {
      os: "Debian GNU/Linux 12 (bookworm)",
      kernel: "6.6.31+rpt-rpi-v8",
      model: "Raspberry Pi 4 Model B Rev 1.4",
      cpu: "Cortex-A72",
      cores: 4,
      memory: 4_000_000_000,
      hostname: id,
      node: "20.19.0",
      timezone: "Europe/Berlin",
    },
    commands: { ...commands, "set-interval": { title: "Sample at another interval", args } },
  });
  sample(at);
}
let next = 0;
setInterval(() => {
  for (let one = 0; one < changing; one++) sample((next = (next + 1) % devices));
}, 1_000);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

answer((): FleetConsole => {
  const longest = delay.max / 1e6;
  delay.reset();
  return { http, token, password, longest };
});
ready();
