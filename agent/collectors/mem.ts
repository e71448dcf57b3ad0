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
      for (const [field, line] of fromLines) fields[field] = info(line);
      const cached = info("Cached") + info("SReclaimable");
      // Kernels before 3.14 do not say what is available.
      const available = info("MemAvailable") || info("MemFree") + cached;
      return [{ measurement: "mem", tags: {}, fields: { ...fields, cached, ...share(info("MemTotal"), available) } }];
    },
  };
}

/** What is left and what is taken. Telegraf counts as used, since its release 1.36, all that is not available. */
export function share(total: number, available: number): Record<string, number> {
  const used = Math.max(0, total - available);
  const percent = (bytes: number): number => rounded((100 * bytes) / total);
  return { available, used, available_percent: percent(available), used_percent: percent(used) };
}
