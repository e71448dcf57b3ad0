import { cpu } from "./cpu.ts";
import { disk } from "./disk.ts";
import { diskio } from "./diskio.ts";
import { kernel } from "./kernel.ts";
import { mem } from "./mem.ts";
import { net } from "./net.ts";
import { netstat } from "./netstat.ts";
import { portable } from "./portable.ts";
import { ProcReader } from "./proc.ts";
import { processes } from "./processes.ts";
import { swap } from "./swap.ts";
import { system } from "./system.ts";
import { temp } from "./temp.ts";
import type { Collector } from "./collector.ts";

/**
 * Fresh collectors for a system. On Linux they read /proc and /sys (less than a millisecond of CPU a sample); elsewhere
 * they ask systeminformation (about a hundred, and child processes: sample more rarely there).
 */
export function collectors(platform: NodeJS.Platform = process.platform): Collector[] {
  return platform === "linux" ? linux(new ProcReader()) : portable();
}

/** All collectors over one reader. The files that it keeps open for them are closed with the first one's stop. */
export function linux(proc: ProcReader): Collector[] {
  return [
    { ...cpu(proc), stop: () => proc.stop() },
    mem(proc),
    swap(proc),
    disk(proc),
    diskio(proc),
    net(proc),
    netstat(proc),
    system(proc),
    processes(proc),
    temp(proc),
    kernel(proc),
  ];
}
