import { meminfo } from "./meminfo.ts";
import type { Collector } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";
import { rounded } from "./rounded.ts";

/** Telegraf takes pages of 4 KiB on every machine, also where the kernel's are larger; so its numbers stay comparable. */
const pageBytes = 4_096;

/** Swap space in bytes and percent, and the bytes swapped in and out since boot. */
export function swap(proc: ProcReader): Collector {
  return {
    name: "swap",
    sample() {
      const info = meminfo(proc);
      const pages = proc.findAgain("/proc/vmstat") ?? "";
      const fields = {
        ...space(orZero(info("SwapTotal")), orZero(info("SwapFree"))),
        in: numberAfter(pages, "\npswpin ") * pageBytes,
        out: numberAfter(pages, "\npswpout ") * pageBytes,
      };
      return [{ measurement: "swap", tags: {}, fields }];
    },
  };
}

/** A kernel that is built without swap has no such lines. */
const orZero = (value: number): number => (Number.isNaN(value) ? 0 : value);

/** A machine without swap uses 0 percent of it. */
export function space(total: number, free: number): Record<string, number> {
  const used = Math.max(0, total - free);
  return { total, free, used, used_percent: total > 0 ? rounded((100 * used) / total) : 0 };
}
