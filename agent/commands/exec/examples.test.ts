import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { suite, type Scope } from "../../../test/suite.ts";
import { CommandError, type Handler } from "../handler.ts";
import { failureOf, Journal, Run } from "./fixture.ts";
import { loadExecutables } from "./load-executables.ts";

const examples = resolve("examples/handlers");

/** The examples as the agent offers them, on an application directory of their own. */
async function offered(scope: Scope): Promise<{ app: string; handlers: Map<string, Handler> }> {
  const home = process.env["HOME"];
  process.env["HOME"] = await scope.directory();
  scope.cleanup(() => (home === undefined ? delete process.env["HOME"] : (process.env["HOME"] = home)));
  const app = join(process.env["HOME"], "muster-app");
  await mkdir(app);
  const log = new Journal();
  const handlers = await loadExecutables({ directory: examples, log, clock: systemClock });
  assert.equal(log.sentences, []);
  return { app, handlers };
}

/** A process that stands for the application. */
async function application(scope: Scope, app: string, cwd = app): Promise<ChildProcess> {
  const child = spawn("sleep", ["1000"], { cwd, stdio: "ignore" });
  scope.cleanup(() => child.kill("SIGKILL") && once(child, "exit"));
  await writeFile(join(app, "app.pid"), `${child.pid}\n`);
  return child;
}

const interruption = {
  command: { id: new Run().id, key: "exec:application" },
  begunRunId: "a",
  runId: "b",
  begunMachine: undefined,
  machine: undefined,
};

suite("examples of executables", ({ test }) => {
  test("all of them are offered", async (scope) => {
    const { handlers } = await offered(scope);
    assert.equal([...handlers.keys()], ["exec:application", "exec:clear-cache", "exec:heartbeat"]);
    const policies = [...handlers.values()].map(({ onInterrupt }) => onInterrupt);
    assert.equal(policies, ["verify", "rerun", "rerun"]);
  });

  test("heartbeat writes the time and answers with it", async (scope) => {
    const { app, handlers } = await offered(scope);
    const result = (await new Run().start(handlers.get("exec:heartbeat")!)) as { beat: string };
    assert.is(await readFile(join(app, "heartbeat"), "utf8"), `${result.beat}\n`);
    assert.ok(Math.abs(Date.parse(result.beat) - Date.now()) < 10_000);
  });

  test("clear-cache removes the old files of the cache alone, and tells how far it is", async (scope) => {
    const { app, handlers } = await offered(scope);
    const handler = handlers.get("exec:clear-cache")!;
    const none = await failureOf(new Run().start(handler));
    assert.is(none.message, `exec:clear-cache ended with exit status 1: there is no cache at ${join(app, "cache")}`);
    await mkdir(join(app, "cache", "deep"), { recursive: true });
    const old = ["a b", "$(id)", "-rf", ...Array.from({ length: 22 }, (_, index) => `deep/${index}`)];
    for (const name of [...old, "../cache/new", "../old"]) await writeFile(join(app, "cache", name), "x");
    const tenDaysAgo = Date.now() / 1_000 - 10 * 86_400;
    for (const name of [...old, "../old"]) await utimes(join(app, "cache", name), tenDaysAgo, tenDaysAgo);

    assert.equal(await new Run().start(handler, { days: 30 }), { removed: 0 });
    const run = new Run();
    assert.equal(await run.start(handler), { removed: 25 });
    assert.equal(run.progress, [
      [0.4, "10 of 25"],
      [0.8, "20 of 25"],
    ]);
    assert.match(run.output, "removed ./$(id)\n");
    assert.equal((await readdir(join(app, "cache"))).sort(), ["deep", "new"]);
    assert.equal((await readdir(app)).sort(), ["cache", "old"]);
  });

  test("application pauses and resumes a process, and finds out afterwards whether it did", async (scope) => {
    const { app, handlers } = await offered(scope);
    const handler = handlers.get("exec:application")!;
    const { pid } = await application(scope, app);
    const state = async (): Promise<string> => (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]![0]!;
    const verify = async (action: string): Promise<unknown> => handler.verify!({ action }, interruption);

    assert.equal(await new Run().start(handler, { action: "pause" }), { pid, paused: true });
    assert.is(await state(), "T");
    assert.equal(await verify("pause"), { pid, paused: true });
    assert.is((await failureOf(verify("resume"))).code, "interrupted");
    assert.equal(await new Run().start(handler, { action: "resume" }), { pid, paused: false });
    assert.is(await state(), "S");
    assert.is((await failureOf(verify("pause"))).code, "interrupted");
  });

  test("application leaves a stranger's process alone", async (scope) => {
    const { app, handlers } = await offered(scope);
    const handler = handlers.get("exec:application")!;
    assert.match(
      (await failureOf(new Run().start(handler, { action: "pause" }))).message,
      /status 2: .*No such file.*app\.pid/,
    );
    await application(scope, app, "/");
    const error = await failureOf(new Run().start(handler, { action: "pause" }));
    assert.ok(error instanceof CommandError);
    assert.match(error.message, "app.pid is out of date");
  });

  test("the documentation shows exactly these files", () => {
    const page = readFileSync("docs/handlers.md", "utf8");
    for (const name of ["heartbeat", "clear-cache", "application"])
      assert.ok(page.includes(readFileSync(join(examples, name), "utf8").trim()), name);
  });
});
