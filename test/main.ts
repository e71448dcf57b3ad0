import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parse } from "uvu/parse";
import { makePlace, Remains, removePlace } from "./remains.ts";
import { resultMark, type Order, type Result } from "./worker.ts";

/**
 * Runs every `*.test.ts` whose path contains the first argument (or, where it is `.slow`, the `*.slow.ts` instead, which
 * take too long for each time), in a few processes side by side, each file whole in one of them, and ends with the plain
 * line `N passed, N failed`. A file that registers no suite, a handle left open, and whatever else a file leaves (a process, a
 * directory) fail the run. With `--check` behind it, types, lint, format and dead code are looked at beside the first of them.
 */

/** Most tests wait for other programs: with three processes on two cores, a quarter of each would idle. */
const maxWorkers = 4;

const words = process.argv.slice(2);
const isChecked = words.includes("--check");
const pattern = words.find((word) => word !== "--check") ?? "";
const { suites } = await parse(".", pattern === ".slow" ? String.raw`\.slow\.ts$` : String.raw`\.test\.tsx?$`, {
  ignore: ["^node_modules", "^dist", "^data"],
});
const found = suites.map(({ name }) => name).filter((name) => name.includes(pattern));
// Those over real servers take longest: last, one of them would keep one process busy while the other has nothing to do.
const files = [
  ...found.filter((name) => name.startsWith("test/")),
  ...found.filter((name) => !name.startsWith("test/")),
];
const total = { passed: 0, failed: 0 };
const problems: string[] = [];
if (files.length === 0) problems.push(`no test file's path contains "${pattern}"`);

const workers = Math.min(maxWorkers, availableParallelism() + 2, files.length);
await Promise.all([...Array.from({ length: workers }, runWorkers), ...(isChecked ? [check()] : [])]);

for (const problem of problems) console.error(`FAIL ${problem}`);
console.log(`${total.passed} passed, ${total.failed + problems.length} failed`);
process.exit(total.failed + problems.length > 0 ? 1 : 0);

/** `npm run check`, with what the tests leave of the cores. */
async function check(): Promise<void> {
  const since = performance.now();
  const child = spawn("nice", ["npm", "run", "--silent", "check"], { stdio: ["ignore", "pipe", "pipe"] });
  const output: string[] = ["npm run check"];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => output.push(line));
  const [code] = (await once(child, "close")) as [number | null];
  print(output, since);
  if (code !== 0) problems.push("types, lint, format or dead code: npm run check");
}

/** One process after the other, should one end early. */
async function runWorkers(): Promise<void> {
  while (files.length > 0) await runWorker();
}

async function runWorker(): Promise<void> {
  const place = makePlace();
  const worker = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      ...process.env,
      TMPDIR: place,
      FORCE_COLOR: process.env["FORCE_COLOR"] ?? (process.stdout.isTTY ? "1" : "0"),
    },
  });
  const remains = new Remains(place, worker.pid ?? 0);
  let current: string | undefined;
  let ended = false;
  let since = 0;
  let output: string[] = [];

  const next = (): void => {
    current = files.shift();
    since = performance.now();
    const order: Order = current === undefined ? { end: true } : { file: current };
    worker.send(order);
  };
  const take = ({ passed, failed, busy = 0, problems: own, last = false }: Result): void => {
    total.passed += passed;
    total.failed += failed;
    problems.push(...own.map((problem) => (current === undefined ? problem : `${current}: ${problem}`)));
    print(output.splice(0), since, busy);
    ended = last;
    if (!last) next();
  };

  for (const stream of [worker.stdout, worker.stderr])
    if (stream)
      createInterface({ input: stream }).on("line", (line) => {
        // What a test left without a newline stands before it.
        const [text = "", result] = line.split(resultMark);
        if (text !== "" || result === undefined) output.push(text);
        if (result !== undefined) take(JSON.parse(result) as Result);
      });
  next();
  const closed = once(worker, "close");
  await once(worker, "exit");
  // Before its pipes are waited for: whoever is left may hold them open.
  problems.push(...(await remains.clear()).map((what) => `${current ?? "a worker"}: ${what}`));
  await closed;
  removePlace(place);
  if (ended) return;
  print(output, since);
  problems.push(`${current ?? "a worker"}: its process ended early (${worker.exitCode ?? worker.signalCode ?? "?"})`);
}

/** A file's name with its seconds, on the clock and of CPU, what it printed, and not uvu's own count of it. */
function print([name, ...lines]: readonly string[], since: number, busy?: number): void {
  if (name === undefined) return;
  const seconds = ((performance.now() - since) / 1_000).toFixed(1);
  const own = lines.filter((line) => !/^ {2}(Total|Passed|Skipped|Duration):/.test(line));
  const ofCpu = busy === undefined ? "" : `, ${busy.toFixed(1)} of CPU`;
  console.log(`${name}  ${seconds} s${ofCpu}\n${own.join("\n").trimEnd()}\n`);
}
