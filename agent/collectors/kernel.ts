import type { Collector } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";

/** Counters of the kernel since boot, and when that was. */
export function kernel(proc: ProcReader): Collector {
  return {
    name: "kernel",
    sample() {
      const stat = proc.again("/proc/stat");
      const fields = {
        boot_time: numberAfter(stat, "\nbtime "),
        context_switches: numberAfter(stat, "\nctxt "),
        interrupts: numberAfter(stat, "\nintr "),
        processes_forked: numberAfter(stat, "\nprocesses "),
        entropy_avail: Number.parseInt(proc.findAgain("/proc/sys/kernel/random/entropy_avail") ?? "", 10),
      };
      return [{ measurement: "kernel", tags: {}, fields }];
    },
  };
}
