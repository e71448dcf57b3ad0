import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Scope } from "./suite.ts";

/** The number behind `label` in a file of the kernel. */
export function kernelSays(path: string, label: string): number {
  const found = new RegExp(`^${label}:?\\s+(\\d+)`, "m").exec(readFileSync(path, "utf8"));
  assert.ok(found, `${path} has no ${label}`);
  return Number(found?.[1]);
}

/** Busy and all hundredths of a second since boot. */
export function processorTime(): { busy: number; all: number } {
  const [, ...times] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/ +/).map(Number);
  const all = times.slice(0, 8).reduce((sum, time) => sum + time, 0);
  return { busy: all - (times[3] ?? 0) - (times[4] ?? 0), all };
}

/** The columns of one interface in /proc/net/dev. */
export function traffic(name: string): readonly number[] {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((one) => one.trim().startsWith(`${name}:`));
  return (line?.split(":")[1]?.trim().split(/ +/) ?? []).map(Number);
}

/** The bytes that a disk has written since boot. */
export function bytesWritten(name: string): number {
  const line = readFileSync("/proc/diskstats", "utf8")
    .split("\n")
    .find((one) => one.split(/ +/)[3] === name);
  return Number(line?.trim().split(/ +/)[9]) * 512;
}

/** A megabyte, down to the disk: await and service times exist only where something was done. */
export async function writeToDisk(scope: Scope): Promise<void> {
  const file = await open(join(await scope.directory(), "some"), "w");
  await file.write(Buffer.alloc(1024 * 1024, 7));
  await file.sync();
  await file.close();
}
