import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Topics } from "#shared/topics";
import { encode } from "#shared/codec";
import { commonNames } from "#shared/messages/common-names";
import { readBatch } from "#shared/messages/batch-reading";
import { readStatus } from "#shared/messages/presence-messages";
import { thriftyMalloc } from "../agent/install/starter.ts";
import type { SampleCost } from "./agent-sample-child.ts";
import { BenchScope, endChild, startChild } from "./children.ts";
import { startDeviceBroker } from "./device-broker.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";

const file = fileURLToPath(new URL("../dist/muster-agent.cjs", import.meta.url));
/** Seconds that each process runs before it is looked at: ten samples. */
const seconds = 10;
const processes = 3;
/** Samples of a life, every 10 s. */
const lifeSamples = 18;
/** As `agent/install/starter.ts` has it. */
const sizeFlag = "--optimize-for-size";
const idle = "setInterval(() => {}, 1_000)";

/** What an agent costs its device: CPU a sample, and memory beside a Node that does nothing. Linux only; `npm run build` first. */
export async function agentCost(): Promise<string> {
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  const cost = await sampleCost();
  const [bare, agent, started] = await memory();
  const life = await lifeCost();
  const tables = [
    toMarkdown("CPU of one full sample", cpuRows(cost)),
    toMarkdown("Memory", memoryRows(bare, agent, started)),
    toMarkdown("A life with a sample every 10 s", lifeRows(life)),
  ];
  return tables.join("\n");
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

/** A bare Node, an agent, and one as its starter runs it at a time, so that all see the same machine. @returns the medians of each */
async function memory(): Promise<[bare: Memory, agent: Memory, started: Memory]> {
  const scope = new BenchScope();
  try {
    const { url, heard } = await startBroker(scope);
    const data = await scope.directory();
    const agentAt = (device: string, flags: readonly string[] = [], env = {}): Promise<Memory> =>
      memoryOf(
        [...flags, file, "--mqtt-url", url(device), "--interval", "1s", "--data", `${data}/${device}`],
        env,
        () => isHeard(heard, device),
      );
    const pairs = Array.from({ length: processes }, (_, at) =>
      Promise.all([
        memoryOf(["--eval", idle]),
        agentAt(`device-${at}`),
        agentAt(`started-${at}`, [sizeFlag], thriftyMalloc),
      ]),
    );
    const all = await Promise.all(pairs);
    return [
      median(all.map(([bare]) => bare)),
      median(all.map(([, agent]) => agent)),
      median(all.map(([, , started]) => started)),
    ];
  } finally {
    await scope.end();
  }
}

interface Court {
  readonly url: (device: string) => string;
  /** Topics of batches that came. */
  readonly heard: Set<string>;
  /** Bytes of each payload, in the order of their coming. */
  readonly sizes: number[];
}

async function startBroker(scope: BenchScope): Promise<Court> {
  const { bus, url } = await startDeviceBroker(scope);
  const heard = new Set<string>();
  const sizes: number[] = [];
  const topics = new Topics();
  bus.subscribe([topics.filter("metrics")], ({ topic, payload }) => {
    const address = topics.parse(topic);
    if (address?.kind !== "metrics") return;
    heard.add(topic);
    sizes.push(payload.length);
    const { outbox, run, seq } = readBatch(payload);
    const ack = { outbox, run, ranges: [[seq, seq]], ts: Date.now() };
    void bus.publish(topics.build({ kind: "ack", device: address.device }), encode(ack, "json"), { qos: 0 });
  });
  // As a console does: it tells what it knows, and without a greeting a birth is published again and again.
  const online = { v: 1, online: true, session: "bench", taking: true, names: commonNames.length };
  void bus.publish(topics.build({ kind: "console" }), encode(online, "json"), { retain: true });
  bus.subscribe([topics.filter("status")], ({ topic, payload }) => {
    const address = topics.parse(topic);
    const status = payload.length > 0 ? readStatus(payload) : undefined;
    if (address?.kind !== "status" || !status?.online) return;
    const greeting = { boot: status.boot, session: status.session, ts: Date.now(), ranges: [], open: [] };
    void bus.publish(topics.build({ kind: "ack", device: address.device }), encode(greeting, "json"));
  });
  return { url, heard, sizes };
}

async function memoryOf(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  began: () => boolean = () => true,
): Promise<Memory> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"], env });
  while (!began()) await later(50);
  await later(seconds * 1_000);
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(rollup)?.[1]);
  child.kill("SIGKILL");
  await once(child, "exit");
  return {
    rss: kilobytes("Rss") / 1_024,
    own: (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1_024,
  };
}

/** Of an agent as its starter runs it: milliseconds from its start to its first sample, and of CPU a sample, of all its threads. */
interface Life {
  readonly start: number;
  readonly cpu: number;
}

async function lifeCost(): Promise<Life & { readonly bytes: number }> {
  const scope = new BenchScope();
  try {
    const { url, heard, sizes } = await startBroker(scope);
    const data = await scope.directory();
    const lives = Array.from({ length: processes }, (_, at) => lifeOf(`device-${at}`, { url, heard, data }));
    const all = await Promise.all(lives);
    return {
      start: percentile(
        all.map(({ start }) => start),
        0.5,
      ),
      cpu: percentile(
        all.map(({ cpu }) => cpu),
        0.5,
      ),
      bytes: percentile(sizes, 0.5),
    };
  } finally {
    await scope.end();
  }
}

async function lifeOf(
  device: string,
  { url, heard, data }: { url: (device: string) => string; heard: ReadonlySet<string>; data: string },
): Promise<Life> {
  const began = performance.now();
  const child = spawn(process.execPath, [sizeFlag, file, "--mqtt-url", url(device), "--data", `${data}/${device}`], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...thriftyMalloc },
  });
  while (!isHeard(heard, device)) await later(5);
  const start = performance.now() - began;
  // The start itself is not one of its samples, nor is what it has left to be collected, which is done with after some twenty seconds.
  await later(30_000);
  const before = cpuOf(child.pid);
  await later(lifeSamples * 10_000);
  const cpu = (cpuOf(child.pid) - before) / lifeSamples;
  child.kill("SIGKILL");
  await once(child, "exit");
  return { start, cpu };
}

const isHeard = (heard: ReadonlySet<string>, device: string): boolean =>
  [...heard].some((topic) => topic.includes(`/${device}/`));

/** Milliseconds, in steps of ten. */
function cpuOf(pid: number | undefined): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(13, 15).map(Number);
  return (user + system) * 10;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function lifeRows({ start, cpu, bytes }: Life & { readonly bytes: number }): Row[] {
  return [
    { what: "from its start to its first sample at the broker, ms", figures: { "": start.toFixed(0) } },
    { what: "CPU of the whole process for a sample, ms", figures: { "": cpu.toFixed(1) } },
    { what: "the same, % of a core", figures: { "": (cpu / 100).toFixed(3) } },
    { what: "bytes of a batch of one sample, the median", figures: { "": bytes.toFixed(0) } },
  ];
}

function median(all: readonly Memory[]): Memory {
  const of = (key: keyof Memory): number =>
    percentile(
      all.map((one) => one[key]),
      0.5,
    );
  return { rss: of("rss"), own: of("own") };
}

function memoryRows(bare: Memory, agent: Memory, started: Memory): Row[] {
  const row = (what: string, { rss, own }: Memory): Row => ({
    what,
    figures: { "RSS MB": rss.toFixed(1), "of its own MB": own.toFixed(1) },
  });
  const over = (one: Memory): Memory => ({ rss: one.rss - bare.rss, own: one.own - bare.own });
  const size = Math.round(statSync(file).size / 1_000);
  return [
    row("Node that waits for a timer", bare),
    row(`the agent, one file of ${size} kB`, agent),
    row("over bare Node", over(agent)),
    row("the same file as its starter runs it", started),
    row("over bare Node", over(started)),
  ];
}
