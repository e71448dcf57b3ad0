import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { record, sample } from "./fixture.ts";
import { kernel } from "./kernel.ts";
import { system, uptime } from "./system.ts";

/** A record of utmp(5). */
function login(type: number, name: string): Buffer {
  const entry = Buffer.alloc(process.arch === "arm64" ? 400 : 384);
  entry.writeInt16LE(type, 0);
  entry.write(name, 44, "utf8");
  return entry;
}

suite("system", ({ test }) => {
  test("load, processors and their cores, people, uptime", async (scope) => {
    const cpus = "/sys/devices/system/cpu";
    const { proc, write } = await record(scope, {
      "/proc/loadavg": "0.50 1.25 2.00 1/87 5616\n",
      "/proc/uptime": "93784.95 1964.51\n",
      [`${cpus}/online`]: "0-1,3\n",
      [`${cpus}/cpu0/topology/core_cpus_list`]: "0-1\n",
      [`${cpus}/cpu1/topology/core_cpus_list`]: "0-1\n",
      [`${cpus}/cpu3/topology/core_cpus_list`]: "3\n",
      "/var/run/utmp": Buffer.concat([
        login(2, "reboot"),
        login(7, "ada"),
        login(7, "ada"),
        login(7, "bob"),
        login(8, ""),
      ]),
    });
    const collector = system(proc);
    const [reading] = await sample(collector);
    const load = { load1: 0.5, load5: 1.25, load15: 2 };
    const counts = { n_cpus: 3, n_physical_cpus: 2, n_users: 3, n_unique_users: 2 };
    assert.equal(reading?.fields, { ...load, ...counts, uptime: 93_784, uptime_format: "1 day,  2:03" });
    await write({ [`${cpus}/online`]: "0-1\n" });
    const [later] = await sample(collector);
    assert.is(later?.fields["n_cpus"], 2);
    assert.is(later?.fields["n_physical_cpus"], 1);
  });

  test("uptime for people", () => {
    const written: [number, string][] = [
      [0, " 0:00"],
      [3_599, " 0:59"],
      [86_399, "23:59"],
      [86_400, "1 day,  0:00"],
      [14 * 86_400 + 11 * 3_600 + 7 * 60, "14 days, 11:07"],
    ];
    for (const [seconds, text] of written) assert.equal(uptime(seconds), { uptime: seconds, uptime_format: text });
  });

  test("kernel counters", async (scope) => {
    const stat = "cpu  1 2 3\nintr 1472736 57 10 0\nctxt 2626618\nbtime 1457505775\nprocesses 10673\nprocs_running 2\n";
    const { proc } = await record(scope, { "/proc/stat": stat, "/proc/sys/kernel/random/entropy_avail": "256\n" });
    const [reading] = await sample(kernel(proc));
    assert.equal(reading?.fields, {
      boot_time: 1_457_505_775,
      context_switches: 2_626_618,
      interrupts: 1_472_736,
      processes_forked: 10_673,
      entropy_avail: 256,
    });
  });
});
