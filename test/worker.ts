import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { Remains } from "./remains.ts";

/**
 * Runs the test files that its parent names, one after the other, until it is told that there are no more. Each file's
 * result follows its output on the same pipe, so that neither can overtake the other.
 */

/** Begins a result: no test prints this character. */
export const resultMark = "\u001E";

/** What a worker says after each file, and as its last word of what was left open. */
export interface Result {
  readonly last?: boolean;
  readonly passed: number;
  readonly failed: number;
  /** Seconds of CPU, of this process and of those that it has waited for. */
  readonly busy?: number;
  readonly problems: readonly string[];
}

/** What a worker is told: a test file's path, or that there are no more. */
export type Order = { readonly file: string } | { readonly end: true };

const runtime = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: unknown[] };
if (process.send) await work();

async function work(): Promise<void> {
  // uvu looks at this when it is first imported: without it each suite would start by itself.
  runtime.UVU_DEFER = 1;
  const { exec } = await import("uvu");
  const { tally } = await import("./suite.ts");
  // What is thrown outside of every test ends the run, and says so in its last line.
  process.once("uncaughtException", (error) => {
    console.error(error);
    say({ passed: tally.passed, failed: tally.failed, problems: ["thrown outside of every test"], last: true });
    process.exit(1);
  });

  const remains = new Remains(tmpdir(), process.pid, { lasting: true });
  const run = async (file: string): Promise<Result> => {
    Object.assign(tally, { passed: 0, failed: 0, suites: 0 });
    const before = busySeconds();
    runtime.UVU_INDEX = 0;
    runtime.UVU_QUEUE.splice(0, Infinity, [file]);
    await import(resolve(file));
    await exec();
    const problems = await remains.clear();
    if (tally.suites === 0) problems.push(`${file} registers no suite`);
    return { ...tally, busy: busySeconds() - before, problems };
  };

  process.on("message", (order: Order) => {
    if ("end" in order) void end();
    else void run(order.file).then(say);
  });
}

/** `utime` to `cstime` of proc(5), in ticks of which Linux tells a hundred a second. */
function busySeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

async function end(): Promise<void> {
  await (await import("./suite.ts")).closeShared();
  const leftovers = await openHandles();
  const problems = leftovers.length > 0 ? [`left open at the end: ${leftovers.join(", ")}`] : [];
  say({ passed: 0, failed: 0, problems, last: true });
  process.disconnect();
  process.exit();
}

function say(result: Result): void {
  process.stdout.write(`${resultMark}${JSON.stringify(result)}\n`);
}

/** Sockets, servers, child processes and timers that outlive the tests, after two seconds for those that are closing. */
async function openHandles(): Promise<string[]> {
  const ordinary = new Set(["TTYWrap", "PipeWrap", "Immediate", "CloseReq", "MessagePort"]);
  for (let turn = 0; ; turn++) {
    const open = process.getActiveResourcesInfo().filter((name) => !ordinary.has(name));
    if (open.length === 0 || turn === 100) return open;
    await new Promise((done) => setTimeout(done, 20));
  }
}
