import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { Console } from "../console/console.ts";
import { openState } from "../console/state/state.ts";
import { answer, ready, settingsOfChild } from "./children.ts";
import type { Back, ComebackQuestion } from "./comeback.ts";

/** Console and embedded broker in one process, which is killed with it; or the console alone at an external one. */
const settings = settingsOfChild<{
  directory: string;
  devices: readonly string[];
  secret: string;
  /** The external broker; without it, the embedded one listens on `port`. */
  url?: string;
  port: number;
}>();
const { directory, devices, secret, url, port } = settings;
const state = openState(directory, systemClock);
const known = new Set(state.accounts.list().map(({ name }) => name));
for (const device of devices) if (!known.has(device)) state.accounts.set(device, "device", secret);
const embedded = new Broker({
  listen: "127.0.0.1",
  port,
  root: "muster",
  authenticate: (name, password) => state.accounts.verify(name, password),
  clock: systemClock,
  log: silentLog,
});
const way = url === undefined ? { bus: embedded.local() } : { url, password: secret, mqttVersion: "auto" as const };
const console = new Console({ directory, state, log: silentLog, ...way });
if (url === undefined) await embedded.start();
const began = Date.now();
await console.start();

/** Devices by their last birth, and those that have begun what was ordered. */
const born = new Map<string, number>();
const begun = new Map<string, number>();
console.registry.changes.on(({ id, online, since }) => online && since !== null && born.set(id, since));
console.desk.changes.on(
  ({ device, state: now }) => now !== "queued" && !begun.has(device) && begun.set(device, Date.now()),
);

function order(): void {
  begun.clear();
  for (const device of devices)
    console.desk.submit(parseDeviceId(device), { key: "ping", by: "bench", timeout: null, ttl: 600_000 });
}

async function back(since: number): Promise<Back> {
  const late = (moments: ReadonlyMap<string, number>): boolean =>
    devices.some((device) => (moments.get(device) ?? 0) < since);
  while (late(born) || late(begun)) await new Promise((resolve) => setTimeout(resolve, 20));
  const last = (moments: ReadonlyMap<string, number>): number => Math.max(...devices.map((id) => moments.get(id) ?? 0));
  return { online: last(born) - since, begun: last(begun) - since };
}

answer(({ what, since }: ComebackQuestion) => {
  if (what === "order") order();
  return what === "order" ? { began } : back(since ?? began);
});
ready();
