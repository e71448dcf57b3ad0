import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startFleet } from "./fleet.ts";
import { reportsAndObeys } from "./reporting.ts";
import { suite, type Scope } from "./suite.ts";

/** MB, of which Node's own program takes 36 and is only read; and the share of one core. */
const machine = { memory: 64, core: 0.2 };

/** A group of processes that have no more; undefined where this system lets nobody make one. @returns the files that a process joins it by */
function leanGroup(scope: Scope): string[] | undefined {
  const name = `muster-lean-${process.pid}`;
  const period = 100_000;
  const first: readonly [string, string][] = [
    ["memory/NAME/memory.limit_in_bytes", String(machine.memory * 1_048_576)],
    ["cpu/NAME/cpu.cfs_period_us", String(period)],
    ["cpu/NAME/cpu.cfs_quota_us", String(period * machine.core)],
  ];
  const second: readonly [string, string][] = [
    ["NAME/memory.max", String(machine.memory * 1_048_576)],
    ["NAME/cpu.max", `${period * machine.core} ${period}`],
  ];
  const bounds = existsSync("/sys/fs/cgroup/memory") ? first : second;
  const paths = bounds.map(([path, value]) => [join("/sys/fs/cgroup", path.replace("NAME", name)), value] as const);
  const groups = [...new Set(paths.map(([path]) => join(path, "..")))];
  try {
    for (const group of groups) {
      mkdirSync(group);
      scope.cleanup(() => rmdirSync(group));
    }
    for (const [path, value] of paths) writeFileSync(path, value);
  } catch {
    return undefined;
  }
  return groups.map((group) => join(group, "cgroup.procs"));
}

suite("a lean machine", ({ test }) => {
  test(
    "the agent starts, samples and obeys with little memory on a fifth of a core",
    async (scope) => {
      const join = leanGroup(scope);
      if (!join) return console.log("    not shown: groups of processes need root on Linux, and their controllers");
      const fleet = await startFleet(scope, "embedded");
      const enter = `${join.map((path) => `echo $$ > ${path}`).join(" && ")} && exec "$@"`;
      const command = ["sh", "-c", enter, "sh", process.execPath, "--max-old-space-size=24"] as const;
      await reportsAndObeys({ scope, fleet, command, version: process.versions.node, patience: 60 });
      assert.ok(true);
    },
    { seconds: 150 },
  );
});
