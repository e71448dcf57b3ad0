import { users } from "./users.ts";
import type { Collector } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

/** Load, processors, people logged in, and the time since boot. */
export function system(proc: ProcReader): Collector {
  const processors = processorCounter(proc);
  return {
    name: "system",
    sample() {
      const [load1, load5, load15] = proc.again("/proc/loadavg").split(" ", 3).map(Number.parseFloat);
      const seconds = Math.floor(Number.parseFloat(proc.again("/proc/uptime")));
      const fields = {
        load1: load1 ?? Number.NaN,
        load5: load5 ?? Number.NaN,
        load15: load15 ?? Number.NaN,
        ...processors(),
        ...users(proc),
        ...uptime(seconds),
      };
      return [{ measurement: "system", tags: {}, fields }];
    },
  };
}

/** The field for machines and the one for people: `6 days, 15:49`. */
export function uptime(seconds: number): { uptime: number; uptime_format: string } {
  const days = Math.floor(seconds / 86_400);
  const hours = String(Math.floor(seconds / 3_600) % 24).padStart(2);
  const minutes = String(Math.floor(seconds / 60) % 60).padStart(2, "0");
  const prefix = days > 0 ? `${days} day${days > 1 ? "s" : ""}, ` : "";
  return { uptime: seconds, uptime_format: `${prefix}${hours}:${minutes}` };
}

/** Processors and cores. Which processors share a core is read again only when one comes or goes. */
export function processorCounter(proc: ProcReader): () => Record<string, number> {
  let known: string | undefined;
  let counts: Record<string, number> = {};
  return () => {
    const online = proc.findAgain("/sys/devices/system/cpu/online")?.trim() ?? listed(proc);
    if (online !== known) {
      const ids = expand(online);
      counts = ids.length === 0 ? {} : { n_cpus: ids.length, n_physical_cpus: cores(ids, proc) };
      known = online;
    }
    return counts;
  };
}

/** In a container without /sys the processors stand in /proc/stat alone, a line each. */
function listed(proc: ProcReader): string {
  return [...(proc.findAgain("/proc/stat") ?? "").matchAll(/^cpu(\d+) /gm)].map(([, id]) => id).join(",");
}

/** Those that share a core have the same list of its processors; before 5.3 the file had another name. */
function cores(ids: readonly number[], proc: ProcReader): number {
  const topology = (id: number, name: string): string | undefined =>
    proc.find(`/sys/devices/system/cpu/cpu${id}/topology/${name}`);
  const lists = ids.map((id) => topology(id, "core_cpus_list") ?? topology(id, "thread_siblings_list"));
  const known = new Set(lists.filter((list) => list !== undefined));
  if (known.size > 0) return known.size + lists.filter((list) => list === undefined).length;
  const text = proc.find("/proc/cpuinfo") ?? "";
  // Processors that know of no sockets, such as ARM's, are a core each.
  const places = new Set(
    [...text.matchAll(/^physical id\s*: (\d+)$[^]*?^core id\s*: (\d+)$/gm)].map(([, a, b]) => `${a} ${b}`),
  );
  return places.size || ids.length;
}

/** `0-2,5` is 0, 1, 2, 5. */
function expand(list: string): number[] {
  if (list === "") return [];
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}
