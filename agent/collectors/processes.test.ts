import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Collector, Reading } from "./collector.ts";
import { record, sample } from "./fixture.ts";
import { ProcReader } from "./proc.ts";
import { processes, sliceOfProcesses } from "./processes.ts";
import { maxPause } from "./rarely.ts";

/** A line of proc(5): pid, name, state, then numbers, of which the 18th field after the name is the count of threads. */
function stat(pid: number, name: string, state: string, threads: number): string {
  return `${pid} (${name}) ${state} 1 ${pid} ${pid} 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 ${threads} 0 77 999\n`;
}

/** On whose next sample everything has been seen, however many there are. */
function aMinuteApart(collector: Collector): () => Promise<readonly Reading[]> {
  const clock = new ManualClock();
  return () => {
    clock.advance(60_000);
    return sample(collector, clock);
  };
}

suite("processes", ({ test }) => {
  test("are counted by state; names with spaces and parentheses do not confuse", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/1/stat": stat(1, "init", "S", 1),
      "/proc/2/stat": stat(2, "a) R (b", "D", 3),
      "/proc/30/stat": stat(30, "node", "R", 11),
      "/proc/31/stat": stat(31, "kworker/0:1", "I", 1),
      "/proc/32/stat": stat(32, "gone", "Z", 0),
      "/proc/33/stat": stat(33, "held", "T", 1),
      "/proc/34/stat": stat(34, "traced", "t", 1),
      "/proc/35/stat": stat(35, "park", "P", 1),
      "/proc/36/stat": stat(36, "new", "Q", 1),
      "/proc/37/status": "ended between the two reads",
      "/proc/version": "Linux",
    });
    const [reading] = await sample(processes(proc));
    const quiet = { dead: 0, paging: 0 };
    const seen = { running: 1, sleeping: 1, blocked: 1, idle: 1, zombies: 1, stopped: 2, parked: 1, unknown: 1 };
    assert.equal(reading?.fields, { ...quiet, ...seen, total: 9, total_threads: 20 });
  });

  test("the files of processes stay open from one sample to the next, until they end or the collector stops", async () => {
    const collector = processes(new ProcReader());
    const child = spawn("sleep", ["100"], { stdio: "ignore" });
    await once(child, "spawn");
    const path = `/proc/${child.pid}/stat`;
    const next = aMinuteApart(collector);
    await next();
    assert.is(openFiles(path), 1);
    await next();
    assert.is(openFiles(path), 1);
    collector.stop?.();
    assert.is(openFiles(path), 0);
    const [again] = await next();
    assert.ok(Number(again?.fields["running"]) >= 1);
    assert.is(openFiles(path), 1);
    child.kill("SIGKILL");
    await once(child, "exit");
    await next();
    assert.is(openFiles(path), 0);
    collector.stop?.();
  });

  test("of many, each sample looks at some, and all have been counted within a minute", async (scope) => {
    const many = 3 * sliceOfProcesses;
    const files = Array.from({ length: many }, (_, at) => [`/proc/${at + 1}/stat`, stat(at + 1, "many", "S", 2)]);
    const { proc, write } = await record(scope, {
      ...Object.fromEntries(files),
      "/proc/stat": "cpu 1\nprocesses 5\n",
    });
    const before = openFiles(/\/\d+\/stat$/);
    const collector = processes(proc);
    const clock = new ManualClock();
    const [first] = await sample(collector, clock);
    assert.is(first?.fields["total"], many, "the first look is at all");
    // What forks while a look is under way is in the next one.
    await write({ "/proc/stat": "cpu 1\nprocesses 6\n", "/proc/900/stat": stat(900, "new", "R", 1) });
    for (const [every, looks] of [
      [1_000, 4],
      [10_000, 4],
      [30_000, 2],
      [maxPause, 1],
    ] as const) {
      const seen: (readonly Reading[])[] = [];
      for (let look = 0; look < looks; look += 1) {
        clock.advance(every);
        seen.push(await sample(collector, clock));
      }
      assert.equal(
        seen.map(([reading]) => reading?.fields["total"]),
        [...Array.from({ length: looks - 1 }), many + 1],
        `every ${every} ms`,
      );
    }
    clock.advance(1_000);
    await sample(collector, clock);
    collector.stop?.();
    assert.is(openFiles(/\/\d+\/stat$/), before, "of a look that was begun too");
  });

  test("a number that another process has now is that process's, not the ended one's", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/9/stat": stat(9, "first", "S", 1) });
    const collector = processes(proc);
    await sample(collector);
    await write({ "/proc/9/stat": stat(9, "second", "D", 4) });
    const [reading] = await sample(collector);
    assert.equal([reading?.fields["blocked"], reading?.fields["total_threads"]], [1, 4]);
    collector.stop?.();
  });

  test("the directory is listed again only when something has forked, or after a stop", async (scope) => {
    const { proc, write } = await record(scope, {
      "/proc/stat": "cpu 1\nprocesses 5\n",
      "/proc/1/stat": stat(1, "init", "S", 1),
    });
    const collector = processes(proc);
    const total = async (): Promise<unknown> => (await sample(collector))[0]?.fields["total"];
    assert.is(await total(), 1);
    await write({ "/proc/2/stat": stat(2, "new", "S", 1) });
    assert.is(await total(), 1);
    await write({ "/proc/stat": "cpu 1\nprocesses 6\n" });
    assert.is(await total(), 2);
    collector.stop?.();
    assert.is(await total(), 2);
    collector.stop?.();
  });

  test("where the kernel counts no forks, each sample finds what is new", async (scope) => {
    const { proc, write } = await record(scope, {
      "/proc/stat": "cpu 1\nprocesses 0\n",
      "/proc/1/stat": stat(1, "init", "S", 1),
    });
    const collector = processes(proc);
    await sample(collector);
    await write({ "/proc/2/stat": stat(2, "new", "S", 1) });
    assert.is((await sample(collector))[0]?.fields["total"], 2);
    collector.stop?.();
  });

  test("a process that has started since the last sample is among those of the next", async () => {
    const collector = processes(new ProcReader());
    const next = aMinuteApart(collector);
    await next();
    const child = spawn("sleep", ["100"], { stdio: "ignore" });
    await once(child, "spawn");
    await next();
    assert.is(openFiles(`/proc/${child.pid}/stat`), 1);
    child.kill("SIGKILL");
    await once(child, "exit");
    collector.stop?.();
  });
});

/** How often this process has such a file open. */
function openFiles(path: string | RegExp): number {
  return readdirSync("/proc/self/fd").filter((file) => {
    try {
      const link = readlinkSync(`/proc/self/fd/${file}`);
      return typeof path === "string" ? link === path : path.test(link);
    } catch {
      return false;
    }
  }).length;
}
