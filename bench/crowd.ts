import { setTimeout as pause } from "node:timers/promises";
import { bundlePrograms } from "../test/bundle.ts";
import { startInflux } from "../test/influx.ts";
import { freePort } from "../test/mosquitto.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
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

const devices = 10_000;
const interval = 10_000;
/** Connections begun in a second. */
const rate = 500;
/** Milliseconds until all have to be connected: nine times as long as it takes on a quiet machine. */
const longestEntrance = 180_000;
/** Milliseconds after the last connection, and then seconds in which CPU is measured: two batches of each agent. */
const settling = 5_000;
const counted = 20;
const secret = "the secret of all simulated devices";

/**
 * Ten thousand connected agents in one process, each with a sample every 10 seconds in a batch of its own: what one costs in memory,
 * there and in the process of the broker and the console; what all cost in CPU; and whether every batch is acknowledged within
 * its interval. The broker and the console are one process, and behind them is a real InfluxDB.
 */
export async function crowd(): Promise<string> {
  const { before, from, to, end, inInflux } = await measure();
  const kilobytes = (part: Part): string => ((to[part].rss - before[part].rss) / devices / 1_000).toFixed(1);
  const percent = (part: Part): string => ((to[part].cpu - from[part].cpu) / counted / 10_000).toFixed(0);
  const row = (what: string, part: Part, figures: Row["figures"] = {}): Row => ({
    what,
    figures: { "kB an agent": kilobytes(part), "CPU, % of a core": percent(part), ...figures },
  });
  const counts = {
    "batches sent": end.sent,
    "sent again": end.resent,
    acked: end.acked,
    late: end.late,
    "lost in InfluxDB": end.samples - inInflux,
    "ack p99 ms": Math.round(end.p99),
  };
  const texts = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
  return toMarkdown(`${devices} connected agents, a batch every ${interval / 1_000} s`, [
    row("all agents, one process", "agents", texts),
    row("broker and console, one process", "console"),
  ]);
}

type Part = "agents" | "console";
interface Look {
  readonly agents: CrowdAnswer;
  readonly console: ConsoleAnswer;
}

async function measure() {
  const scope = new BenchScope();
  try {
    const { influx, console, agents } = await start(scope);
    const tell = (what: CrowdQuestion["what"]): Promise<CrowdAnswer> =>
      ask<CrowdAnswer>(agents, { what } satisfies CrowdQuestion);
    const look = async (): Promise<Look> => ({
      console: await ask<ConsoleAnswer>(console, {}),
      agents: await tell("look"),
    });
    const before = await look();
    await tell("start");
    await allIn(() => tell("look"));
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
async function allIn(look: () => Promise<CrowdAnswer>): Promise<void> {
  const until = performance.now() + longestEntrance;
  await pause((devices / rate) * 1_000);
  while ((await look()).connected < devices && performance.now() < until) await pause(1_000);
}

async function start(scope: BenchScope) {
  const influx = await startInflux(scope);
  // As built: what tsx puts into each closure is a seventh of what a connection takes.
  const built = await bundlePrograms({ console: "bench/ingest-console-child.ts", agents: "bench/crowd-child.ts" });
  scope.cleanup(() => built.remove());
  const port = await freePort();
  const directory = await scope.directory();
  const console = await startChild(built.path("console"), {
    directory,
    port,
    influxUrl: `${influx.url}/fleet`,
    devices,
    secret,
  });
  scope.cleanup(() => endChild(console));
  const agents = await startChild(built.path("agents"), { devices, port, secret, interval, rate });
  scope.cleanup(() => endChild(agents));
  return { influx, console, agents };
}
