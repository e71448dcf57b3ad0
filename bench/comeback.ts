import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { generateSecret } from "#shared/password";
import { bundlePrograms, type Bundle } from "../test/bundle.ts";
import { freePort, startMosquitto } from "../test/mosquitto.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import type { CrowdQuestion } from "./crowd.ts";
import { deviceName } from "./ingest-load.ts";
import { toMarkdown, type Row } from "./table.ts";

/** What the console's process is asked: to send a command to each device, or how long after `since` (epoch ms) all were back. */
export interface ComebackQuestion {
  readonly what: "order" | "back";
  readonly since?: number;
}

/** Milliseconds from the broker's return until the last device was online, and until the last had begun what waited for it. */
export interface Back {
  readonly online: number;
  readonly begun: number;
}

const kinds = ["Mosquitto", "embedded broker"] as const;
/** Simulated devices, which speak the protocol as agents do; beside them are real agents. */
const fleets = [20, 200];
const realAgents = 3;
/** Seconds without a broker, one after the other. */
const outages = [3, 60];
/** As an enrolled device has: the check of a chosen one would take 80 ms each. */
const secret = generateSecret();

/** A fleet whose broker is killed and comes back after a while. */
interface Muster {
  /** The process that commands are sent by: another one each time where it is the broker's. */
  kill(): Promise<void>;
  /** @returns the moment of the broker's return, epoch ms */
  revive(): Promise<number>;
  ask<T>(question: ComebackQuestion): Promise<T>;
}

/** As built: from its sources a console takes three times as long to begin. */
const programs = {
  console: "bench/comeback-console-child.ts",
  crowd: "bench/crowd-child.ts",
  agents: "bench/comeback-agents-child.ts",
};
let built: Promise<Bundle> | undefined;

async function program(name: keyof typeof programs): Promise<string> {
  built ??= bundlePrograms(programs).then((made) => (process.once("exit", () => made.remove()), made));
  return (await built).path(name);
}

/** How long a fleet takes to come back once its broker is there again, with a command waiting for each of its devices. */
export async function comeback(): Promise<string> {
  const rows: Row[] = [];
  for (const kind of kinds)
    for (const simulated of fleets)
      for (const { outage, online, begun } of await outagesOf(kind, simulated))
        rows.push({
          what: `${kind}, ${simulated} simulated devices and ${realAgents} agents, ${outage > 0 ? `${outage} s without a broker` : "started again at once, from the kill on"}`,
          figures: { "all online, s": (online / 1_000).toFixed(1), "all tasks begun, s": (begun / 1_000).toFixed(1) },
        });
  return toMarkdown("Time from the broker's return", rows);
}

async function outagesOf(kind: (typeof kinds)[number], simulated: number): Promise<(Back & { outage: number })[]> {
  const scope = new BenchScope();
  try {
    const names = Array.from({ length: simulated + realAgents }, (_, index) => deviceName(index));
    const muster = await (kind === "Mosquitto" ? external : embedded)(scope, names);
    const began = Date.now();
    await muster.ask({ what: "order" });
    await startDevices(scope, names, simulated, muster.port);
    await muster.ask<Back>({ what: "back", since: began });
    const measured = [];
    for (const outage of outages) {
      await muster.kill();
      await pause(outage * 1_000);
      const since = await muster.revive();
      measured.push({ outage, ...(await muster.ask<Back>({ what: "back", since })) });
    }
    if (kind === "embedded broker") measured.push({ outage: 0, ...(await atOnce(muster)) });
    return measured;
  } finally {
    await scope.end();
  }
}

/** Killed and started again at once, measured from the kill: the console's own start is in it. */
async function atOnce(muster: Muster): Promise<Back> {
  const since = Date.now();
  await muster.kill();
  await muster.revive();
  return muster.ask<Back>({ what: "back", since });
}

async function startDevices(
  scope: BenchScope,
  names: readonly string[],
  simulated: number,
  port: number,
): Promise<void> {
  const sims = { devices: simulated, port, secret, interval: 10_000, rate: 1_000 };
  const crowd = await startChild(await program("crowd"), sims);
  scope.cleanup(() => endChild(crowd));
  await ask(crowd, { what: "start" } satisfies CrowdQuestion);
  const agents = await startChild(await program("agents"), {
    devices: names.slice(simulated),
    url: `mqtt://127.0.0.1:${port}`,
    secret,
    directory: await scope.directory(),
  });
  scope.cleanup(() => endChild(agents));
}

/** Mosquitto dies alone; the console takes orders meanwhile. */
async function external(scope: BenchScope, devices: readonly string[]): Promise<Muster & { port: number }> {
  const accounts = [
    { name: "console", role: "console" as const, secret },
    ...devices.map((name) => ({ name, role: "device" as const, secret })),
  ];
  const broker = await startMosquitto(scope, { accounts });
  const { port, url } = broker;
  const child = await startChild(await program("console"), {
    directory: await scope.directory(),
    devices,
    secret,
    url,
    port: 0,
  });
  scope.cleanup(() => endChild(child));
  return {
    port,
    async kill() {
      await broker.stop("SIGKILL");
      await ask(child, { what: "order" } satisfies ComebackQuestion);
    },
    async revive() {
      const since = Date.now();
      await broker.start();
      return since;
    },
    ask: (question) => ask(child, question),
  };
}

/** The embedded broker dies with its console, which sends its orders as soon as it is back, before any device is. */
async function embedded(scope: BenchScope, devices: readonly string[]): Promise<Muster & { port: number }> {
  const port = await freePort();
  const settings = { directory: await scope.directory(), devices, secret, port };
  let child: ChildProcess;
  const start = async (): Promise<void> => void (child = await startChild(await program("console"), settings));
  await start();
  scope.cleanup(() => endChild(child));
  return {
    port,
    kill: () => endChild(child),
    async revive() {
      await start();
      return (await ask<{ began: number }>(child, { what: "order" } satisfies ComebackQuestion)).began;
    },
    ask: (question) => ask(child, question),
  };
}
