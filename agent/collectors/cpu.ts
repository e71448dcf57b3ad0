import type { Collector, Reading } from "./collector.ts";
import type { ProcReader } from "./proc.ts";
import { rounded } from "./rounded.ts";

/** A processor's times since boot in the kernel's order: user nice system idle iowait irq softirq steal guest guest_nice. */
export type CpuTicks = readonly number[];

/** How each processor and all together (`cpu-total`) spent the time since the last sample, in percent. */
export function cpu(proc: ProcReader): Collector {
  let last = new Map<string, CpuTicks>();
  return {
    name: "cpu",
    sample() {
      const now = parseStat(proc.again("/proc/stat"));
      const readings = usages(last, now);
      last = now;
      return readings;
    },
  };
}

/** The processors that both samples know. Where no time went by, or a counter began anew, there is nothing to tell. */
export function usages(last: ReadonlyMap<string, CpuTicks>, now: ReadonlyMap<string, CpuTicks>): Reading[] {
  const readings: Reading[] = [];
  for (const [name, ticks] of now) {
    const before = last.get(name);
    const fields = before && usage(before, ticks);
    if (fields) readings.push({ measurement: "cpu", tags: { cpu: name }, fields });
  }
  return readings;
}

function usage(last: CpuTicks, now: CpuTicks): Record<string, number> | undefined {
  const passed = (at: number): number => (now[at] ?? 0) - (last[at] ?? 0);
  // Never below zero: proc(5) says that iowait may step back, and some kernels let idle and steal do so too. What such a one would
  // take from the whole, the others would have too much.
  const spent = (at: number): number => Math.max(0, passed(at));
  let [total, all] = [0, 0];
  for (let at = 0; at < 8; at++) {
    total += spent(at);
    all += passed(at);
  }
  if (all <= 0) return undefined;
  const percent = (ticks: number): number => rounded((100 * Math.max(0, ticks)) / total);
  return {
    // The kernel counts a guest's time in user and nice as well.
    usage_user: percent(spent(0) - spent(8)),
    usage_nice: percent(spent(1) - spent(9)),
    usage_system: percent(spent(2)),
    usage_idle: percent(spent(3)),
    usage_iowait: percent(spent(4)),
    usage_irq: percent(spent(5)),
    usage_softirq: percent(spent(6)),
    usage_steal: percent(spent(7)),
    usage_guest: percent(Math.min(spent(8), spent(0))),
    usage_guest_nice: percent(Math.min(spent(9), spent(1))),
  };
}

/** The lines of /proc/stat that begin with `cpu`; they stand at its top, before the very long line of interrupts. */
function parseStat(text: string): Map<string, CpuTicks> {
  const processors = new Map<string, CpuTicks>();
  for (let at = 0; text.startsWith("cpu", at);) {
    const end = text.indexOf("\n", at);
    const [name = "", ...ticks] = text.slice(at, end).split(/ +/);
    processors.set(name === "cpu" ? "cpu-total" : name, ticks.map(Number));
    at = end + 1;
  }
  return processors;
}
