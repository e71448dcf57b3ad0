import { conntrack } from "./conntrack.ts";
import { cpu } from "./cpu.ts";
import { disk } from "./disk.ts";
import { diskio } from "./diskio.ts";
import { interrupts } from "./interrupts.ts";
import { kernel } from "./kernel.ts";
import { mem } from "./mem.ts";
import { net } from "./net.ts";
import { netstat } from "./netstat.ts";
import { nameFilter, usualNames, type NameFilter, type NamePatterns } from "./name-filter.ts";
import { nstat } from "./nstat.ts";
import { portable } from "./portable.ts";
import { ProcReader } from "./proc.ts";
import { processes } from "./processes.ts";
import { maxPause, rarely } from "./rarely.ts";
import { swap } from "./swap.ts";
import { sysctlFs } from "./sysctl-fs.ts";
import { system } from "./system.ts";
import { temp } from "./temp.ts";
import type { Collector } from "./collector.ts";

/**
 * Fresh collectors for a system. On Linux they read /proc and /sys (less than a millisecond of CPU a sample); elsewhere
 * they ask systeminformation (about a hundred, and child processes: sample more rarely there).
 */
export function collectors(platform: NodeJS.Platform = process.platform, names: NamePatterns = {}): Collector[] {
  return platform === "linux" ? linux(new ProcReader(), names) : portable();
}

/** All collectors over one reader, of the names that are wanted, or the usual ones. The files that it keeps open for them are closed with the first one's stop. */
export function linux(proc: ProcReader, names: NamePatterns = {}): Collector[] {
  const wanted = (kind: keyof NamePatterns): NameFilter => nameFilter(names[kind] ?? usualNames[kind]);
  return [
    { ...cpu(proc), stop: () => proc.stop() },
    mem(proc),
    swap(proc),
    disk(proc, undefined, wanted("mounts")),
    diskio(proc, wanted("disks")),
    net(proc, wanted("interfaces")),
    netstat(proc),
    rarely(conntrack(proc)),
    system(proc),
    processes(proc),
    temp(proc),
    kernel(proc),
    rarely(sysctlFs(proc)),
    // Many series or names, for what few look at.
    rarely(interrupts(proc), maxPause),
    rarely(nstat(proc), maxPause),
  ];
}
