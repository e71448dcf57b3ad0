import { resolve } from "node:path";
import { parse } from "uvu/parse";

/**
 * Runs every `*.test.ts` whose path contains the first argument (or, where it is `.slow`, the `*.slow.ts` instead, which take too long
 * for each time), in one process, one after the other, and ends with
 * the plain line `N passed, N failed`. A file that registers no suite, and a handle left open, fail the run.
 */
const runtime = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: unknown[] };
// uvu looks at this when it is first imported: without it each suite would start by itself.
runtime.UVU_DEFER = 1;
process.env["FORCE_COLOR"] ??= process.stdout.isTTY ? "1" : "0";
const { exec } = await import("uvu");
const { tally } = await import("./suite.ts");

const [pattern = ""] = process.argv.slice(2);
const { suites } = await parse(".", pattern === ".slow" ? String.raw`\.slow\.ts$` : String.raw`\.test\.tsx?$`, {
  ignore: ["^node_modules", "^dist", "^data"],
});
const files = suites.filter(({ name }) => name.includes(pattern));
const problems: string[] = [];
if (files.length === 0) problems.push(`no test file's path contains "${pattern}"`);

for (const [index, { name }] of files.entries()) {
  const before = tally.suites;
  runtime.UVU_INDEX = index;
  runtime.UVU_QUEUE.push([name]);
  await import(resolve(name));
  if (tally.suites === before) problems.push(`${name} registers no suite`);
}
// What is thrown outside of every test ends the run, and says so in its last line.
process.once("uncaughtException", (error) => {
  console.error(error);
  console.log(`${tally.passed} passed, ${tally.failed + 1} failed`);
  process.exit(1);
});
await exec();

const leftovers = await openHandles();
if (leftovers.length > 0) problems.push(`left open at the end: ${leftovers.join(", ")}`);
for (const problem of problems) console.error(`FAIL ${problem}`);
console.log(`${tally.passed} passed, ${tally.failed + problems.length} failed`);
process.exit(tally.failed + problems.length > 0 || process.exitCode ? 1 : 0);

/** Sockets, servers, child processes and timers that outlive the tests, after two seconds for those that are closing. */
async function openHandles(): Promise<string[]> {
  const ordinary = new Set(["TTYWrap", "PipeWrap", "Immediate", "CloseReq", "MessagePort"]);
  for (let turn = 0; ; turn++) {
    const open = process.getActiveResourcesInfo().filter((name) => !ordinary.has(name));
    if (open.length === 0 || turn === 100) return open;
    await new Promise((done) => setTimeout(done, 20));
  }
}
