import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EnvironmentError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { Running } from "../test/programs.ts";
import { suite, type Scope } from "../test/suite.ts";
import { Lock } from "./lock.ts";

const locks = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith("lock."));

/** Another process that takes the lock and holds it. */
function holder(scope: Scope, directory: string): Running {
  const program = `
    import { Lock } from "./agent/lock.ts";
    import { silentLog } from "#shared/log";
    try {
      new Lock(process.argv[1], silentLog).acquire();
      console.log("held by " + process.pid);
      setInterval(() => {}, 60_000);
    } catch (error) {
      console.log("refused: " + error.message);
    }`;
  const node = ["--import", "tsx", "--input-type=module", "--eval", program, directory];
  return new Running(scope, process.execPath, node);
}

suite("lock", ({ test }) => {
  test("a second agent is refused while the first lives, in whatever process, and not after it was killed", async (scope) => {
    const directory = join(await scope.directory(), "agent");
    const first = holder(scope, directory);
    await first.line(/held by/);
    const lock = new Lock(directory, silentLog);
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

  test("one process may come again after it let go, not before", async (scope) => {
    const directory = await scope.directory();
    const first = new Lock(directory, silentLog);
    first.acquire();
    const second = new Lock(directory, silentLog);
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
    const lock = new Lock(directory, silentLog);
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

  test("of many that start in the same moment at most one goes on", async (scope) => {
    const directory = await scope.directory();
    const all = Array.from({ length: 6 }, () => holder(scope, directory));
    const lines = await Promise.all(all.map((one) => one.line(/held|refused/)));
    assert.ok(lines.filter((line) => line.startsWith("held")).length <= 1, lines.join("\n"));
  });
});
