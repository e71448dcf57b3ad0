import { setTimeout as pause } from "node:timers/promises";
import { bundlePrograms, type Bundle } from "../test/bundle.ts";
import { startInflux } from "../test/influx.ts";
import { freePort } from "../test/mosquitto.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import { plainCrowd, type CrowdOf, type Spent } from "./crowd-peer.ts";
import { toMarkdown, type Row } from "./table.ts";

/** What the process of the agents is asked: to start them, how they are, and to end once everything is stored. */
export interface CrowdQuestion {
  readonly what: "start" | "look" | "finish";
}

export interface CrowdAnswer {
  /** Microseconds. */
  readonly cpu: number;
  readonly rss: number;
  readonly connected: number;
  readonly samples: number;
  readonly sent: number;
  readonly acked: number;
  readonly resent: number;
  readonly lost: number;
  readonly late: number;
  readonly p99: number;
}

type ConsoleAnswer = Pick<CrowdAnswer, "cpu" | "rss">;

const sizes = [100, 1_000, 10_000];
const each = { interval: 10_000, rate: 500, settling: 5_000, counted: 20 };
/** Milliseconds until all have to be connected: nine times as long as it takes ten thousand on a quiet machine. */
const longestEntrance = 180_000;
const secret = "the secret of all simulated devices";

/**
 * Connected agents in one process, each with a sample every 10 seconds in a batch of its own: what one costs in memory,
 * there and in the process of the broker and the console; what all cost in CPU; and whether every batch is acknowledged within
 * its interval. The broker and the console are one process, and behind them is a real InfluxDB. Beside it the same values by way of
 * Mosquitto and a plain subscriber.
 */
export async function crowd(): Promise<string> {
  // As built: what tsx puts into each closure is a seventh of what a connection takes.
  const built = await bundlePrograms({
    console: "bench/ingest-console-child.ts",
    agents: "bench/crowd-child.ts",
    plain: "bench/ingest-plain-child.ts",
    publishers: "bench/crowd-plain-child.ts",
  });
  try {
    const rows: Row[] = [];
    for (const devices of sizes) rows.push(...(await sideBySide(built, { ...each, devices })));
    return toMarkdown(`Connected agents, a batch every ${each.interval / 1_000} s`, rows);
  } finally {
    built.remove();
  }
}

async function sideBySide(built: Bundle, of: CrowdOf): Promise<Row[]> {
  const { before, from, to, end, inInflux } = await measure(built, of);
  const plain = await plainCrowd(built, of);
  const row = (what: string, { cpu, rss }: Spent, figures: Row["figures"] = {}): Row => ({
    what: `${of.devices}: ${what}`,
    figures: {
      "kB an agent": (rss / of.devices / 1_000).toFixed(1),
      "CPU, % of a core": (cpu / of.counted / 10_000).toFixed(1),
      ...figures,
    },
  });
  const spent = (part: Part): Spent => ({ cpu: to[part].cpu - from[part].cpu, rss: to[part].rss - before[part].rss });
  const counts = {
    "batches sent": end.sent,
    "sent again": end.resent,
    acked: end.acked,
    late: end.late,
    "lost in InfluxDB": end.samples - inInflux,
    "ack p99 ms": Math.round(end.p99),
  };
  const texts = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
  return [
    row("all agents, one process", spent("agents"), texts),
    row("broker and console, one process", spent("console")),
    row("Mosquitto and a plain subscriber", plain),
  ];
}

type Part = "agents" | "console";
interface Look {
  readonly agents: CrowdAnswer;
  readonly console: ConsoleAnswer;
}

async function measure(built: Bundle, of: CrowdOf) {
  const { devices, settling, counted } = of;
  const scope = new BenchScope();
  try {
    const { influx, console, agents } = await start(scope, built, of);
    const tell = (what: CrowdQuestion["what"]): Promise<CrowdAnswer> =>
      ask<CrowdAnswer>(agents, { what } satisfies CrowdQuestion);
    const look = async (): Promise<Look> => ({
      console: await ask<ConsoleAnswer>(console, {}),
      agents: await tell("look"),
    });
    const before = await look();
    await tell("start");
    await allIn(of, () => tell("look"));
    await pause(settling);
    const from = await look();
    await pause(counted * 1_000);
    const to = await look();
    const { connected, lost } = to.agents;
    if (connected !== devices || lost > 0)
      throw new Error(`of ${devices} agents ${connected} are connected, and ${lost} connections were lost`);
    const end = await tell("finish");
    const stored = await influx.shell('SELECT count("uptime") FROM "system"', { database: "fleet", format: "csv" });
    return { before, from, to, end, inInflux: Number(stored.trim().split(",").at(-1)) };
  } finally {
    await scope.end();
  }
}

/** A machine that does other work as well lets them in more slowly. */
async function allIn({ devices, rate }: CrowdOf, look: () => Promise<CrowdAnswer>): Promise<void> {
  const until = performance.now() + longestEntrance;
  await pause((devices / rate) * 1_000);
  while ((await look()).connected < devices && performance.now() < until) await pause(1_000);
}

async function start(scope: BenchScope, built: Bundle, { devices, interval, rate }: CrowdOf) {
  const influx = await startInflux(scope);
  const port = await freePort();
  const directory = await scope.directory();
  const influxUrl = `${influx.url}/fleet`;
  const console = await startChild(built.path("console"), { directory, port, influxUrl, devices, secret });
  scope.cleanup(() => endChild(console));
  const agents = await startChild(built.path("agents"), { devices, port, secret, interval, rate });
  scope.cleanup(() => endChild(agents));
  return { influx, console, agents };
}
