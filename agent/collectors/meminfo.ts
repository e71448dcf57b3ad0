import { numberAfter, type ProcReader } from "./proc.ts";

/** /proc/meminfo: sizes in bytes, and the counts of huge pages as they are. A name that the kernel lacks is 0. */
export function meminfo(proc: ProcReader): (name: string) => number {
  const text = `\n${proc.again("/proc/meminfo")}`;
  return (name) => (numberAfter(text, `\n${name}:`) || 0) * (name.startsWith("HugePages_") ? 1 : 1_024);
}
