import { meminfo } from "./meminfo.ts";
import type { Collector } from "./collector.ts";
import type { ProcReader } from "./proc.ts";
import { rounded } from "./rounded.ts";

/** Fields that are a line of /proc/meminfo. */
const lines: Record<string, string> = {
  total: "MemTotal",
  free: "MemFree",
  active: "Active",
  buffered: "Buffers",
  commit_limit: "CommitLimit",
  committed_as: "Committed_AS",
  dirty: "Dirty",
  high_free: "HighFree",
  high_total: "HighTotal",
  huge_page_size: "Hugepagesize",
  huge_pages_free: "HugePages_Free",
  huge_pages_total: "HugePages_Total",
  inactive: "Inactive",
  low_free: "LowFree",
  low_total: "LowTotal",
  mapped: "Mapped",
  page_tables: "PageTables",
  shared: "Shmem",
  slab: "Slab",
  sreclaimable: "SReclaimable",
  sunreclaim: "SUnreclaim",
  swap_cached: "SwapCached",
  swap_free: "SwapFree",
  swap_total: "SwapTotal",
  vmalloc_chunk: "VmallocChunk",
  vmalloc_total: "VmallocTotal",
  vmalloc_used: "VmallocUsed",
  write_back: "Writeback",
  write_back_tmp: "WritebackTmp",
};
const fromLines = Object.entries(lines);

/** Memory in bytes and percent. */
export function mem(proc: ProcReader): Collector {
  return {
    name: "mem",
    sample() {
      const info = meminfo(proc);
      const fields: Record<string, number> = {};
      // A line that this kernel lacks is 0, as in Telegraf.
      for (const [field, line] of fromLines) fields[field] = orZero(info(line));
      const cached = orZero(info("Cached")) + orZero(info("SReclaimable"));
      const told = info("MemAvailable");
      const available = Number.isNaN(told) ? estimated(info, proc) : told;
      return [{ measurement: "mem", tags: {}, fields: { ...fields, cached, ...share(info("MemTotal"), available) } }];
    },
  };
}

/** Kernels before 3.14 do not say what is available. This is how later ones reckon, and what `free` shows there. */
function estimated(info: (name: string) => number, proc: ProcReader): number {
  const [free, reclaimable] = [orZero(info("MemFree")), orZero(info("SReclaimable"))];
  const pages = info("Active(file)") + info("Inactive(file)");
  const zones = proc.find("/proc/zoneinfo");
  if (zones === undefined || Number.isNaN(pages)) return free + orZero(info("Cached")) + reclaimable;
  let reserve = 0;
  for (const [, low] of zones.matchAll(/^ +low +(\d+)$/gm)) reserve += Number(low) * pageBytes;
  const spared = (bytes: number): number => bytes - Math.min(bytes / 2, reserve);
  return Math.max(0, Math.round(free - reserve + spared(pages) + spared(reclaimable)));
}

const orZero = (value: number): number => (Number.isNaN(value) ? 0 : value);
/** Of every machine whose kernel is as old as that. */
const pageBytes = 4_096;

/** What is left and what is taken. Telegraf counts as used, since its release 1.36, all that is not available. */
export function share(total: number, available: number): Record<string, number> {
  const used = Math.max(0, total - available);
  const percent = (bytes: number): number => rounded((100 * bytes) / total);
  return { available, used, available_percent: percent(available), used_percent: percent(used) };
}
