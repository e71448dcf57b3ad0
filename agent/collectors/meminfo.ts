import type { ProcReader } from "./proc.ts";

/** /proc/meminfo: sizes in bytes, and the counts of huge pages as they are. A name that the kernel lacks is 0. */
export function meminfo(proc: ProcReader): (name: string) => number {
  const values = new Map<string, number>();
  for (const line of proc.read("/proc/meminfo").split("\n")) {
    const colon = line.indexOf(":");
    const value = Number.parseInt(line.slice(colon + 1), 10);
    if (colon > 0) values.set(line.slice(0, colon), line.endsWith(" kB") ? value * 1_024 : value);
  }
  return (name) => values.get(name) ?? 0;
}
