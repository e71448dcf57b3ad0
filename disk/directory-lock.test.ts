import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EnvironmentError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { runProgram, Running } from "../test/programs.ts";
import { suite, type Scope } from "../test/suite.ts";
import { DirectoryLock, type Tenant } from "./directory-lock.ts";
import { beat, beatAge, beatEvery, beatGone } from "./shared-volume.ts";

const locks = (directory: string): string[] => readdirSync(directory).filter((name) => name.includes("lock."));

/** What runs a program as another container does: by process ids of its own, and on a network of its own. */
const elsewhere = ["unshare", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"] as const;

/** Another process that takes the lock and holds it. @param within what runs it */
function holder(
  scope: Scope,
  directory: string,
  tenant: Tenant = "agent",
  within: readonly string[] = [],
  around = "",
): Running {
  const program = `
    import { DirectoryLock } from "#disk/directory-lock";
    import { silentLog } from "#shared/log";
    try {
      new DirectoryLock(process.argv[2], process.argv[1], silentLog${around}).acquire();
      console.log("held by " + process.pid);
      setInterval(() => {}, 60_000);
    } catch (error) {
      console.log("refused: " + error.message);
    }`;
  const node = ["--import", "tsx", "--input-type=module", "--eval", program, directory, tenant];
  const [command = "", ...given] = [...within, process.execPath, ...node];
  return new Running(scope, command, given);
}

suite("lock", ({ test }) => {
  test("a second agent is refused while the first lives, in whatever process, and not after it was killed", async (scope) => {
    const directory = join(await scope.directory(), "agent");
    const first = holder(scope, directory);
    await first.line(/held by/);
    const lock = new DirectoryLock("agent", directory, silentLog);
    assert.throws(
      () => lock.acquire(),
      (error: unknown) => error instanceof EnvironmentError && error.message.includes(`process ${first.child.pid})`),
    );
    await holder(scope, directory).line(new RegExp(`refused: another agent \\(process ${first.child.pid}\\)`));
    assert.is(locks(directory).length, 1, "who gives way leaves nothing");
    await first.kill("SIGKILL");
    lock.acquire();
    assert.is(locks(directory).length, 1, "what the killed one left is gone");
    await holder(scope, directory).line(new RegExp(`refused: another agent \\(process ${process.pid}\\)`));
    lock.release();
    assert.is(locks(directory).length, 0);
  });

  test("an agent and a console may share one; a second console may not", async (scope) => {
    const directory = await scope.directory();
    const agent = new DirectoryLock("agent", directory, silentLog);
    const console = new DirectoryLock("console", directory, silentLog);
    agent.acquire();
    console.acquire();
    const second = holder(scope, directory, "console");
    await second.line(new RegExp(`refused: another console \\(process ${process.pid}\\) is at work in .* MUSTER_DATA`));
    console.release();
    await holder(scope, directory, "console").line(/held by/);
    agent.release();
  });

  test("one process may come again after it let go, not before", async (scope) => {
    const directory = await scope.directory();
    const first = new DirectoryLock("agent", directory, silentLog);
    first.acquire();
    const second = new DirectoryLock("agent", directory, silentLog);
    assert.throws(() => second.acquire(), /another agent/);
    second.release();
    first.release();
    second.acquire();
    second.release();
    second.release();
  });

  test("the claims of an earlier boot, and of a process whose id was given anew, count nothing", async (scope) => {
    if (!existsSync("/proc/self/stat")) return;
    const directory = await scope.directory();
    const lock = new DirectoryLock("agent", directory, silentLog);
    lock.acquire();
    const [own = ""] = locks(directory);
    lock.release();
    const [, started = "", boot = ""] = /-(\d+)-(.*)$/.exec(own) ?? [];
    writeFileSync(join(directory, `lock.${process.ppid}-${started}-0badb007`), "");
    writeFileSync(join(directory, `lock.${process.ppid}-1-${boot}`), "");
    writeFileSync(join(directory, `lock.${process.pid}-1-${boot}`), "");
    lock.acquire();
    assert.equal(locks(directory), [own]);
    lock.release();
  });

  for (const [what, depth] of [
    ["a directory", 0],
    ["one whose path is longer than a socket's address", 12],
  ] as const)
    test(`a living one in another container is seen, in ${what}, and a killed one there is not`, async (scope) => {
      if (process.getuid?.() !== 0 || spawnSync(elsewhere[0], [...elsewhere.slice(1), "true"]).status !== 0)
        return console.log("    not shown: namespaces need root on Linux");
      const directory = join(await scope.directory(), ...Array<string>(depth).fill("a-long-name"), "agent");
      const first = holder(scope, directory, "agent", elsewhere);
      await first.line(/held by 1$/);
      const lock = new DirectoryLock("agent", directory, silentLog);
      assert.throws(() => lock.acquire(), /another agent \(process 1\) is at work in/);
      await holder(scope, directory, "agent", elsewhere).line(/refused: another agent \(process 1\)/);
      assert.is(locks(directory).length, 1, "who gives way leaves nothing, and removes no living one's claim");
      await first.kill("SIGKILL");
      lock.acquire();
      assert.is(locks(directory).length, 1, "what the killed one left is gone");
      await holder(scope, directory, "agent", elsewhere).line(new RegExp(`refused: .*process ${process.pid}\\)`));
      lock.release();
      assert.is(locks(directory).length, 0);
    });

  test("on a volume that two machines have, one of the other is seen by its beat, and gone without it", async (scope) => {
    const directory = await scope.directory();
    const shared = { boot: "0000000a", isShared: () => true };
    // Nothing but what is in the directory tells of it: its sockets and processes are another kernel's.
    const first = holder(scope, directory, "console", [], `, { boot: "0000000b", isShared: () => true }`);
    await first.line(/held by/);
    const claim = locks(directory).find((name) => !name.includes(".beat-")) ?? "";
    rmSync(join(directory, claim));
    writeFileSync(join(directory, claim), "");
    const lock = new DirectoryLock("console", directory, silentLog, shared);
    assert.throws(() => lock.acquire(), /another console \(process \d+ of another machine.* \d+ s ago: stop it/);
    assert.is(locks(directory).length, 2, "who gives way leaves nothing, and removes no living one's claim");
    const agent = new DirectoryLock("agent", directory, silentLog, shared);
    agent.acquire();
    agent.release();

    const theirs = join(directory, claim.replace("console-lock.", "console-lock.beat-"));
    await first.kill("SIGKILL");
    assert.throws(() => lock.acquire(), new RegExp(`start this one again in ${beatGone / 1_000} s`));
    const last = (Date.now() - beatGone - 1_000) / 1_000;
    utimesSync(theirs, last, last);
    lock.acquire();
    assert.not.ok(existsSync(theirs) || existsSync(join(directory, claim)), "what it left is gone");
    lock.release();
    assert.equal(
      locks(directory).filter((name) => name.startsWith("console")),
      [],
    );
  });

  test("a machine on such a volume goes on beating, and on a disk of its own nobody does", async (scope) => {
    const directory = await scope.directory();
    const lock = new DirectoryLock("agent", directory, silentLog);
    lock.acquire();
    assert.is(locks(directory).length, 1);
    lock.release();
    assert.ok(beatGone > 2 * beatEvery);
    const path = join(directory, "one");
    beat(path);
    const [long, own] = [(Date.now() - beatGone) / 1_000, join(directory, "other")];
    utimesSync(path, long, long);
    beat(own);
    assert.ok(beatAge(path, own) >= beatGone);
    beat(path);
    assert.ok(beatAge(path, own) < beatGone);
    assert.is(beatAge(join(directory, "none"), own), Infinity);
    assert.is(beatAge(own, join(directory, "none")), 0);
  });

  test("one that is stopped, or whose event loop stands, lives", async (scope) => {
    const directory = await scope.directory();
    const first = holder(scope, directory);
    await first.line(/held by/);
    first.child.kill("SIGSTOP");
    scope.cleanup(() => first.child.kill("SIGKILL"));
    const lock = new DirectoryLock("agent", directory, silentLog);
    for (let round = 0; round < 3; round++) assert.throws(() => lock.acquire(), /another agent/);
  });

  test("a lock keeps no process alive, and what it leaves at its end counts nothing", async (scope) => {
    const directory = await scope.directory();
    const program = `
      import { DirectoryLock } from "#disk/directory-lock";
      import { silentLog } from "#shared/log";
      new DirectoryLock("agent", process.argv[1], silentLog).acquire();`;
    const ended = await runProgram(process.execPath, [
      "--import",
      "tsx",
      "--input-type=module",
      "--eval",
      program,
      directory,
    ]);
    assert.is(ended.code, 0, ended.err);
    const lock = new DirectoryLock("agent", directory, silentLog);
    lock.acquire();
    lock.release();
    assert.is(locks(directory).length, 0);
  });

  test("of many that start in the same moment at most one goes on", async (scope) => {
    const directory = await scope.directory();
    const all = Array.from({ length: 6 }, () => holder(scope, directory));
    const lines = await Promise.all(all.map((one) => one.line(/held|refused/)));
    assert.ok(lines.filter((line) => line.startsWith("held")).length <= 1, lines.join("\n"));
  });
});
