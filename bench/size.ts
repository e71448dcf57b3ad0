import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#shared/clock";
import { Topics } from "#shared/topics";
import { version } from "#shared/version";
import { machineKindOf } from "../flash/machine-kinds.ts";
import { executableFrom } from "../flash/self-unpacking.ts";
import { foreignNode, unpackedPackages } from "../test/emulator.ts";
import { nodeRuntime } from "../test/runtimes.ts";
import { BenchScope } from "./children.ts";
import { startDeviceBroker } from "./device-broker.ts";
import { toMarkdown, type Row } from "./table.ts";

const file = "dist/muster-agent.cjs";
/** Node by machine: what Debian 12 has is near the first, and the newest that npm has for armv7. */
const machines = [
  { name: "x64", target: "linux-x64", node: "18.19.0", foreign: undefined },
  {
    name: "arm64, emulated",
    target: "linux-arm64",
    node: "18.19.0",
    foreign: { debian: "arm64", node: "arm64", qemu: "aarch64", cpu: "cortex-a53" },
  },
  {
    name: "armv7, emulated",
    target: "linux-armv7l",
    node: "20.11.0",
    foreign: { debian: "armhf", node: "armv7l", qemu: "arm", cpu: "cortex-a7" },
  },
] as const;
/** Batches of an agent before it is looked at: one a second. */
const batches = 5;
/** Milliseconds that an emulated agent may take to them on a busy machine. */
const patience = 400_000;
/** Milliseconds in which a peer, and a Node that does nothing, have come to rest. */
const rest = 10_000;
const idle = "console.error('up'); setInterval(() => {}, 1_000)";

/** Sizes and memory: the agent beside a Node that does nothing, on three processors, and beside agents of others that Debian has. */
export async function size(): Promise<string> {
  const rows: Row[] = [];
  for (const machine of machines) rows.push(...(await ofMachine(machine)));
  return toMarkdown("Size and memory", [...rows, ...(await peers())]);
}

async function ofMachine({ name, target, node, foreign }: (typeof machines)[number]): Promise<Row[]> {
  const program = await nodeRuntime(node, target);
  const command = foreign ? await foreignNode(foreign, node) : ([program] as const);
  const kind = machineKindOf(target);
  const executable = executableFrom({ target: kind, node: readFileSync(program), agent: readFileSync(file), version });
  const bare = await memoryOf([...command, "--eval", idle], (up) => up.then(() => pause(rest)));
  const agent = await memoryOfAgent(command);
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return [
    {
      what: `${name}: Node ${node} that waits for a timer`,
      figures: { "file MB": megabytes(statSync(program).size), "RSS MB": megabytes(bare) },
    },
    {
      what: `${name}: the agent on it`,
      figures: {
        "file MB": megabytes(statSync(file).size),
        "RSS MB": megabytes(agent),
        "over bare Node": megabytes(agent - bare),
      },
    },
    { what: `${name}: both as one executable`, figures: { "file MB": megabytes(executable.length) } },
  ];
}

/** Telegraf and thin-edge are not in Debian's archive; these two collect the same of a machine. */
async function peers(): Promise<Row[]> {
  const root = await unpackedPackages("peers", ["prometheus-node-exporter"]);
  const program = join(root, "usr/bin/prometheus-node-exporter");
  const memory = await memoryOf([program, "--web.listen-address=127.0.0.1:0"], () => pause(rest));
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return [
    {
      what: "x64: Prometheus' node exporter",
      figures: { "file MB": megabytes(statSync(program).size), "RSS MB": megabytes(memory) },
    },
  ];
}

async function memoryOfAgent(command: readonly string[]): Promise<number> {
  const scope = new BenchScope();
  try {
    const { bus, url } = await startDeviceBroker(scope);
    const data = await scope.directory();
    const sent = new Promise<void>((resolve) => {
      let heard = 0;
      bus.subscribe([new Topics().filter("metrics")], () => {
        heard += 1;
        if (heard === batches) resolve();
      });
    });
    const flags = ["--mqtt-url", url("rpi-7"), "--interval", "1s", "--data", data];
    return await memoryOf([...command, file, ...flags], () => sent);
  } finally {
    await scope.end();
  }
}

/** Bytes that the process has in memory, once it has come so far. @param settled is given when it has said its first word */
async function memoryOf(
  [program = "", ...args]: readonly string[],
  settled: (up: Promise<unknown>) => Promise<unknown>,
): Promise<number> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${program} ended with ${String(code)}: ${said.slice(-500)}`);
  });
  ended.catch(() => {});
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const why = new Error(`${program}: nothing for ${patience / 1_000} s`);
    cancel = systemClock.after(patience, () => reject(why));
  });
  try {
    await Promise.race([settled(once(child.stderr, "data")), ended, late]);
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1_024;
  } finally {
    cancel();
    child.kill("SIGKILL");
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve));
}
