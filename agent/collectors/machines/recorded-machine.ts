import type { Capacity } from "../disk.ts";
import type { Reading } from "../collector.ts";

/**
 * A machine as its kernel shows it: files by path, written after the kernel's own documentation (Documentation/filesystems/proc.rst,
 * admin-guide/iostats.rst, hwmon/sysfs-interface.rst, ABI/stable/sysfs-devices-system-cpu and proc(5)), and what is right there.
 */
export interface RecordedMachine {
  readonly what: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** What is changed when it is sampled for the second time. */
  readonly later?: Readonly<Record<string, string>>;
  /** What statfs(2) says of each mount point, by its bytes as Latin-1. The others may not be asked. */
  readonly capacities?: Readonly<Record<string, Capacity>>;
  /** Fields of the second sample: all of these, with whatever others. */
  readonly right: readonly Reading[];
  /** Every value of a measurement's tag that is there, in any order. */
  readonly series?: readonly [measurement: string, tag: string, values: readonly string[]][];
}

export const recordedDisk = (gigabytes: number, free: number): Capacity => ({
  bsize: 4_096,
  blocks: gigabytes * 262_144,
  bfree: free * 262_144,
  bavail: free * 262_144,
  files: 1_000,
  ffree: 900,
});

/** A line of /proc/stat for each processor, all alike, and their sum; what follows as given. */
export function stat(
  processors: number,
  ticks: readonly number[],
  rest = "intr 9 0 9\nctxt 1\nbtime 1700000000\nprocesses 1\n",
): string {
  const sum = ticks.map((value) => value * processors).join(" ");
  const lines = Array.from({ length: processors }, (_, at) => `cpu${at} ${ticks.join(" ")}\n`);
  return `cpu  ${sum}\n${lines.join("")}${rest}`;
}

export const reading = (measurement: string, fields: Reading["fields"], tags: Reading["tags"] = {}): Reading => ({
  measurement,
  tags,
  fields,
});

export const loads = { "/proc/loadavg": "0.10 0.20 0.30 1/100 4242\n", "/proc/uptime": "1000.50 900.00\n" };
