import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { Broker } from "../broker/broker.ts";
import type { SampleCost } from "./agent-sample-child.ts";
import { BenchScope, endChild, startChild } from "./children.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";

const file = fileURLToPath(new URL("../dist/muster-agent.cjs", import.meta.url));
/** Seconds that each process runs before it is looked at: ten samples. */
const seconds = 10;
const processes = 3;
const idle = "setInterval(() => {}, 1_000)";

/** What an agent costs its device: CPU a sample, and memory beside a Node that does nothing. Linux only; `npm run build` first. */
export async function agentCost(): Promise<string> {
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  const cost = await sampleCost();
  const [bare, agent] = await memory();
  return [toMarkdown("CPU of one full sample", cpuRows(cost)), toMarkdown("Memory", memoryRows(bare, agent))].join(
    "\n",
  );
}

async function sampleCost(): Promise<SampleCost> {
  const child = await startChild("agent-sample-child.ts", {});
  const [cost] = (await once(child, "message")) as [SampleCost];
  await endChild(child);
  if (cost.children > 0) throw new Error(`sampling left ${cost.children} child processes behind`);
  return cost;
}

function cpuRows({ full, rest, processes: count }: SampleCost): Row[] {
  const figures = (micros: number): Row["figures"] => ({ "CPU ms": (micros / 1_000).toFixed(2) });
  return [
    { what: `all collectors, ${count} processes on the machine`, figures: figures(full) },
    { what: "without the count of processes", figures: figures(rest) },
    { what: "a process", figures: { "CPU ms": ((full - rest) / count / 1_000).toFixed(4) } },
  ];
}

/** MB, as the kernel counts them. */
interface Memory {
  readonly rss: number;
  /** What no other process shares: of the rest, Node's own program, there is one copy for all. */
  readonly own: number;
}

/** A bare Node and an agent at a time, so that both see the same machine. @returns the medians of each */
async function memory(): Promise<[bare: Memory, agent: Memory]> {
  const scope = new BenchScope();
  try {
    const { url, heard } = await startBroker(scope);
    const data = await scope.directory();
    const pairs = Array.from({ length: processes }, (_, at) =>
      Promise.all([
        memoryOf(["--eval", idle]),
        memoryOf([file, "--mqtt-url", url(`device-${at}`), "--interval", "1s", "--data", `${data}/${at}`]),
      ]),
    );
    const all = await Promise.all(pairs);
    if (heard.size < processes)
      throw new Error(`${heard.size} of ${processes} agents sent samples: see what they printed`);
    return [median(all.map(([bare]) => bare)), median(all.map(([, agent]) => agent))];
  } finally {
    await scope.end();
  }
}

async function startBroker(scope: BenchScope): Promise<{ url: (device: string) => string; heard: Set<string> }> {
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: (name) => Promise.resolve({ name, role: "device" as const }),
    clock: systemClock,
    log: silentLog,
  });
  const { port } = await broker.start();
  scope.cleanup(() => broker.stop());
  const heard = new Set<string>();
  broker.local().subscribe([new Topics().filter("metrics")], ({ topic }) => void heard.add(topic));
  return { url: (device) => `mqtt://${device}:secret@127.0.0.1:${port}`, heard };
}

async function memoryOf(args: readonly string[]): Promise<Memory> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(rollup)?.[1]);
  child.kill("SIGKILL");
  await once(child, "exit");
  return {
    rss: kilobytes("Rss") / 1_024,
    own: (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1_024,
  };
}

function median(all: readonly Memory[]): Memory {
  const of = (key: keyof Memory): number =>
    percentile(
      all.map((one) => one[key]),
      0.5,
    );
  return { rss: of("rss"), own: of("own") };
}

function memoryRows(bare: Memory, agent: Memory): Row[] {
  const row = (what: string, { rss, own }: Memory): Row => ({
    what,
    figures: { "RSS MB": rss.toFixed(1), "of its own MB": own.toFixed(1) },
  });
  const over = { rss: agent.rss - bare.rss, own: agent.own - bare.own };
  const size = Math.round(statSync(file).size / 1_000);
  return [
    row("Node that waits for a timer", bare),
    row(`the agent, one file of ${size} kB`, agent),
    row("over bare Node", over),
  ];
}
