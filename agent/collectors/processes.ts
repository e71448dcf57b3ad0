import type { Collector } from "./collector.ts";
import type { ProcReader } from "./proc.ts";

/** The letters of proc(5) and the fields that count them. `parked` appears only where there is one. */
const states: Record<string, string> = {
  R: "running",
  S: "sleeping",
  D: "blocked",
  Z: "zombies",
  X: "dead",
  T: "stopped",
  t: "stopped",
  W: "paging",
  I: "idle",
  P: "parked",
};

/** How many processes are in which state, and all their threads. */
export function processes(proc: ProcReader): Collector {
  return {
    name: "processes",
    sample() {
      const fields: Record<string, number> = {
        blocked: 0,
        dead: 0,
        idle: 0,
        paging: 0,
        running: 0,
        sleeping: 0,
        stopped: 0,
        total: 0,
        total_threads: 0,
        unknown: 0,
        zombies: 0,
      };
      for (const entry of proc.list("/proc")) if (isPid(entry)) count(proc, entry, fields);
      return [{ measurement: "processes", tags: {}, fields }];
    },
  };
}

function isPid(entry: string): boolean {
  const first = entry.charCodeAt(0);
  return first >= 0x31 && first <= 0x39;
}

/** A process that ended since the directory was read counts no more. */
function count(proc: ProcReader, pid: string, fields: Record<string, number>): void {
  const stat = proc.find(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold some itself, and spaces: the last one ends it.
  const end = stat?.lastIndexOf(")") ?? -1;
  if (stat === undefined || end < 0) return;
  const state = states[stat.charAt(end + 2)] ?? "unknown";
  fields[state] = (fields[state] ?? 0) + 1;
  fields["total"] = (fields["total"] ?? 0) + 1;
  fields["total_threads"] = (fields["total_threads"] ?? 0) + threads(stat, end + 2);
}

/** The 18th of the columns that begin at `at`. Not split: this runs for each process of the machine. */
function threads(stat: string, at: number): number {
  let start = at;
  for (let column = 1; column < 18; column++) start = stat.indexOf(" ", start) + 1;
  return Number.parseInt(stat.slice(start, start + 10), 10);
}
