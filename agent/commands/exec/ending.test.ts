import { chmod } from "node:fs/promises";
import * as assert from "uvu/assert";
import { ManualClock, systemClock } from "#shared/clock";
import { runProgram } from "../../../test/programs.ts";
import { suite } from "../../../test/suite.ts";
import { failureOf, gone, handlerOf, Journal, put, python, Run, runs, shell } from "./fixture.ts";
import { loadExecutables } from "./load-executables.ts";

suite("executables: how a run ends", ({ test }) => {
  test("an exit status", async (scope) => {
    const run = new Run();
    const error = await failureOf(
      run.start(await handlerOf(scope, shell("echo first >&2; echo 'disk full' >&2; echo '{}'; exit 28"))),
    );
    assert.equal([error.code, error.data], ["exit", { status: 28 }]);
    assert.is(error.message, "exec:it ended with exit status 28: disk full");
    assert.match(run.output, "{}");
  });

  test("a signal", async (scope) => {
    const error = await failureOf(
      new Run().start(await handlerOf(scope, python("os.kill(os.getpid(), signal.SIGSEGV)"))),
    );
    assert.equal([error.code, error.data], ["signal", { signal: "SIGSEGV" }]);
    assert.is(error.message, "exec:it was killed by SIGSEGV");
  });

  test("a timeout, which is said even where it ends well upon SIGTERM", async (scope) => {
    const handler = await handlerOf(
      scope,
      shell("trap 'echo bye; exit 0' TERM; sleep 100 & echo $!; wait", { timeout: 300 }),
    );
    const run = new Run();
    const error = await failureOf(run.start(handler));
    assert.equal([error.code, error.data], ["timeout", { timeout: 300 }]);
    assert.is(error.message, "exec:it did not end within 300ms and was ended");
    assert.match(run.output, "bye");
    await gone(run.output.split("\n")[0]!);
  });

  test("a failed start: the file was replaced or its interpreter is gone", async (scope) => {
    const directory = await scope.directory();
    const path = await put(directory, "it", shell(""));
    const handler = (await loadExecutables({ directory, log: new Journal(), clock: systemClock })).get("exec:it")!;
    await put(directory, "it", "#!/nonexistent/interpreter\n");
    const missing = await failureOf(new Run().start(handler));
    assert.equal(
      [missing.code, missing.message],
      ["spawn", "exec:it was not started: the interpreter that its #! line names does not exist"],
    );
    await chmod(path, 0o644);
    assert.match((await failureOf(new Run().start(handler))).message, "it is not executable; make it so: chmod +x");
    await chmod(path, 0o777);
    assert.match((await failureOf(new Run().start(handler))).message, "writable by everybody");
  });

  test("a withdrawn command rejects with the reason, and its processes are gone", async (scope) => {
    const run = new Run();
    const running = run.start(await handlerOf(scope, shell("sleep 100 & echo $! $$; wait")));
    await run.printed("\n");
    run.abort.abort(new Error("the command was withdrawn"));
    const reason = await running.catch((error: Error) => error.message);
    assert.is(reason, "the command was withdrawn");
    await gone(run.output);
  });

  test("one that is withdrawn before it begins is never started", async (scope) => {
    const run = new Run();
    run.abort.abort(new Error("withdrawn"));
    assert.is(
      await run.start(await handlerOf(scope, shell("echo ran"))).catch((error: Error) => error.message),
      "withdrawn",
    );
    assert.is(run.output, "");
  });

  test("who ignores SIGTERM is killed 3 s later, with all that it forked", async (scope) => {
    const clock = new ManualClock();
    const body = `signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"ignored\\n"))
child = os.fork()
if child: print("pids", os.getpid(), child, flush=True)
while True: time.sleep(1)`;
    const run = new Run();
    const running = failureOf(run.start(await handlerOf(scope, python(body, { timeout: "30s" }), clock)));
    await run.printed("\n");
    clock.advance(30_000);
    await run.printed("ignored");
    clock.advance(3_000);
    assert.is((await running).code, "timeout");
    await gone(run.output);
  });

  test("a grandchild that holds the output open does not hold the reply up, and ends with the command", async (scope) => {
    const begun = performance.now();
    const run = new Run();
    const result = await run.start(await handlerOf(scope, shell("sleep 1000 & echo $!; echo '{\"ok\":true}'")));
    assert.equal(result, { ok: true });
    assert.ok(performance.now() - begun < 30_000);
    await gone(run.output);
  });

  test("a daemon in a session of its own that holds the output open does not hold the reply up either", async (scope) => {
    const run = new Run();
    const body = `setsid sleep 1000 & echo $!; echo '"ok"'`;
    assert.is(await run.start(await handlerOf(scope, shell(body))), "ok");
    const pid = Number(run.output);
    scope.cleanup(() => process.kill(pid, "SIGKILL"));
    assert.ok(await runs(String(pid)));
  });

  test("what a background process prints until it is done belongs to the output", async (scope) => {
    const run = new Run();
    await run.start(await handlerOf(scope, shell("(sleep 0.1; echo late) & echo early")));
    assert.is(run.output, "early\nlate\n");
  });

  test("nothing of the output is lost when the agent stands still just after the end", async (scope) => {
    const handler = await handlerOf(scope, python(`print("\\n".join(["x" * 999] * 350))\nprint('"ok"')`));
    const run = new Run();
    const standstill = new Int32Array(new SharedArrayBuffer(4));
    run.onOutput = () => void Atomics.wait(standstill, 0, 0, 600);
    assert.is(await run.start(handler), "ok");
    assert.is(run.output.length, 350_000);
  });

  test("nothing outlives the agent's process, not even who ignores SIGTERM", async (scope) => {
    const directory = await scope.directory();
    await put(
      directory,
      "it",
      python("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('pid', os.getpid(), flush=True)\ntime.sleep(1000)"),
    );
    const agent = `
      import { systemClock } from "#shared/clock";
      import { silentLog } from "#shared/log";
      import { loadExecutables } from "./agent/commands/exec/load-executables.ts";
      const handlers = await loadExecutables({ directory: process.argv[1], log: silentLog, clock: systemClock });
      const abort = new AbortController();
      const output = (chunk) => { process.stdout.write(chunk); abort.abort(); setImmediate(() => process.exit(0)); };
      handlers.get("exec:it").run({}, { command: { id: "1" }, signal: abort.signal, output }).catch(() => {});`;
    const flags = ["--import", "tsx", "--input-type=module", "-e", agent, directory];
    const { out, err, code } = await runProgram(process.execPath, flags);
    assert.is(code, 0, err);
    assert.match(out, /^pid \d+\n$/);
    await gone(out);
  });

  test("a flood of output leaves the event loop its turns, and ends with its timeout", async (scope) => {
    const run = new Run();
    const running = failureOf(run.start(await handlerOf(scope, shell("exec yes", { timeout: 500 }))));
    let before = 0;
    let most = 0;
    let ended = false;
    const turn = (): void => {
      most = Math.max(most, run.output.length - before);
      before = run.output.length;
      if (!ended) setImmediate(turn);
    };
    turn();
    assert.is((await running).code, "timeout");
    ended = true;
    // Read as fast as they come, it would be 2 MiB between two turns.
    assert.ok(before > 0 && most <= 256 * 1_024, `${most} characters between two turns of the event loop`);
  });
});

suite("executables: verification after an interruption", ({ test }) => {
  const interruption = {
    command: { id: new Run().id, key: "exec:it" },
    begunRunId: "a",
    runId: "b",
    begunMachine: undefined,
    machine: undefined,
  };
  const verifying = (body: string): string =>
    shell(`[ "$1" = --verify ] || exit 99\n${body}`, { onInterrupt: "verify" });

  test("exit status 0 and JSON: it took place, and that is its result", async (scope) => {
    const handler = await handlerOf(scope, verifying("cat"));
    assert.is(handler.onInterrupt, "verify");
    assert.equal(await handler.verify!({ n: 1 }, interruption), { n: 1 });
  });

  test("exit status 1: it did not take place", async (scope) => {
    const handler = await handlerOf(scope, verifying("echo 'no file' >&2; exit 1"));
    const error = await failureOf(Promise.resolve(handler.verify!({}, interruption)));
    assert.equal(
      [error.code, error.message],
      ["interrupted", "exec:it was interrupted and did not take place: no file"],
    );
  });

  test("anything else: it could not find out", async (scope) => {
    const handler = await handlerOf(scope, verifying("exit 7"));
    const error = await failureOf(Promise.resolve(handler.verify!({}, interruption)));
    assert.equal(
      [error.code, error.message, error.data],
      ["exit", "exec:it --verify ended with exit status 7", { status: 7 }],
    );
  });
});
