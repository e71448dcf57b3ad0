import { execFile } from "node:child_process";
import { freemem, hostname, totalmem } from "node:os";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { collectors } from "./all.ts";
import { inventory } from "./inventory.ts";
import { sampleAll } from "./sample.ts";
import type { Reading } from "./collector.ts";

/** For which all is due again that is read once a minute. */
const aMinuteLater = { ...systemClock, monotonic: () => systemClock.monotonic() + 60_000 };

/** Lets two samples lie a few hundredths of a second of work apart. */
function work(): void {
  const end = performance.now() + 80;
  while (performance.now() < end);
}

function of(readings: readonly Reading[], measurement: string): Reading[] {
  const found = readings.filter((reading) => reading.measurement === measurement);
  assert.ok(found.length > 0, measurement);
  return found;
}

const number = (reading: Reading | undefined, field: string): number => Number(reading?.fields[field]);
const isPercent = (value: number): boolean => value >= 0 && value <= 100;

suite("this machine", ({ test, before }) => {
  let readings: readonly Reading[] = [];

  before(async () => {
    const all = collectors();
    await sampleAll(all);
    work();
    const sample = await sampleAll(all, aMinuteLater);
    for (const collector of all) collector.stop?.();
    assert.equal(sample.problems, []);
    readings = sample.readings;
  });

  test("cpu: each processor's kinds of time sum to 100 percent, and this test used some", () => {
    for (const { tags, fields } of of(readings, "cpu")) {
      const sum = Object.values(fields).reduce<number>((total, value) => total + Number(value), 0);
      assert.ok(sum > 99.9 && sum < 115, `${tags["cpu"]}: ${sum}`);
    }
    const total = of(readings, "cpu").find(({ tags }) => tags["cpu"] === "cpu-total");
    assert.ok(number(total, "usage_idle") < 99);
    const [system] = of(readings, "system");
    assert.is(of(readings, "cpu").length, number(system, "n_cpus") + 1);
  });

  test("mem and swap: as the system says itself", () => {
    const [mem] = of(readings, "mem");
    assert.is(number(mem, "total"), totalmem());
    assert.ok(isPercent(number(mem, "used_percent")));
    assert.ok(Math.abs(number(mem, "available") - freemem()) < totalmem() / 10);
    assert.is(number(mem, "used") + number(mem, "available"), totalmem());
    const [swap] = of(readings, "swap");
    assert.ok(isPercent(number(swap, "used_percent")));
  });

  test("disk: the root is there, and no path twice", () => {
    const disks = of(readings, "disk");
    for (const disk of disks) {
      assert.ok(isPercent(number(disk, "used_percent")) && isPercent(number(disk, "inodes_used_percent")));
      assert.ok(number(disk, "used") + number(disk, "free") <= number(disk, "total"));
      assert.equal(Object.keys(disk.tags).toSorted(), ["device", "fstype", "mode", "path"]);
    }
    const paths = disks.map(({ tags }) => tags["path"]);
    assert.is(new Set(paths).size, paths.length);
  });

  test("system and processes: this process runs", () => {
    const [system] = of(readings, "system");
    assert.ok(number(system, "uptime") > 0 && number(system, "load1") >= 0);
    const [processes] = of(readings, "processes");
    const { total, total_threads: threads, ...states } = processes?.fields ?? {};
    assert.ok(number(processes, "running") >= 1);
    assert.is(
      Object.values(states).reduce<number>((sum, value) => sum + Number(value), 0),
      total,
    );
    assert.ok(Number(threads) >= Number(total));
    const [kernel] = of(readings, "kernel");
    const booted = Date.now() / 1_000 - number(kernel, "boot_time");
    assert.ok(Math.abs(booted - number(system, "uptime")) < 60, `booted ${booted} s ago`);
  });

  test("net: counters of every interface that is up, and of the machine", () => {
    const names = new Set(of(readings, "net").map(({ tags }) => tags["interface"]));
    assert.not(names.has("lo"));
    assert.ok(names.has("all"));
  });

  test("an agent on Linux does not load systeminformation to sample", async () => {
    const script = `
      import { createRequire } from "node:module";
      const { collectors } = await import("${new URL("all.ts", import.meta.url).href}");
      const { sampleAll } = await import("${new URL("sample.ts", import.meta.url).href}");
      const { readings } = await sampleAll(collectors());
      const loaded = Object.keys(createRequire("/").cache);
      console.log(readings.length > 5, loaded.some((path) => path.includes("systeminformation")));`;
    const options = ["--import", "tsx", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    assert.is(stdout.trim(), "true false");
  });

  test("inventory: what a person wants to know of a machine, and no serial numbers", async () => {
    const facts = await inventory();
    assert.is(facts["hostname"], hostname());
    assert.is(facts["memory"], totalmem());
    assert.is(facts["node"], process.versions.node);
    assert.is(facts["platform"], process.platform);
    for (const name of ["os", "kernel", "arch", "cpu", "distro"]) assert.type(facts[name], "string", name);
    assert.ok(Number(facts["cores"]) >= 1);
    assert.type(facts["virtual"], "boolean");
    for (const name of Object.keys(facts)) assert.not.match(name, /serial|uuid|mac/);
  });
});
