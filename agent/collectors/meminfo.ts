import { numberAfter, type ProcReader } from "./proc.ts";

/** /proc/meminfo: sizes in bytes, and the counts of huge pages as they are. NaN for a name that the kernel lacks: zero is a size. */
export function meminfo(proc: ProcReader): (name: string) => number {
  const text = `\n${proc.again("/proc/meminfo")}`;
  return (name) => numberAfter(text, `\n${name}:`) * (name.startsWith("HugePages_") ? 1 : 1_024);
}
