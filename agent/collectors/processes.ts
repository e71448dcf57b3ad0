import type { Collector } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";
import { maxPause } from "./rarely.ts";

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

/** Files kept open at most: each takes some 5 kB of the kernel's memory. Processes beyond them cost twice the time. */
const maxOpenFiles = 256;
/** Processes that one sample looks at at least: half a millisecond of a core that was asleep. A machine with fewer has all of them in each sample. */
export const sliceOfProcesses = 32;
/** More than the columns up to the count of threads ever take: nine of them, a name of 64 and numbers of 20 digits. */
const line = Buffer.allocUnsafeSlow(512);

/**
 * How many processes are in which state, and all their threads. Nothing else in a sample costs as much, so each process's
 * file stays open: the kernel makes it up anew at each read, and finding it by its name is what takes the time. And where there are many,
 * each sample looks at a part, so that all are counted once a minute at least; a state of the middle of that walk is as true as one of its end.
 */
export function processes(proc: ProcReader): Collector {
  /** By pid, those of the last walk; the file of one that is not kept open is undefined. */
  let known = new Map<string, number | undefined>();
  let opened = 0;
  let walk: Walk | undefined;
  // The first walk goes through at once.
  let last = Number.NEGATIVE_INFINITY;
  const haveForked = forks(proc);

  /** Reads one process's line. @returns the bytes read: 0 when it has ended */
  function read(pid: string, now: Map<string, number | undefined>): number {
    const kept = known.get(pid);
    const again = kept === undefined ? 0 : proc.reread(kept, line);
    if (again > 0) now.set(pid, kept);
    return again > 0 ? again : readNew(pid, now);
  }

  /** One that is new or not kept open, or another process under the number of one that has ended. */
  function readNew(pid: string, now: Map<string, number | undefined>): number {
    const file = proc.open(`/proc/${pid}/stat`);
    if (file === undefined) return 0;
    const length = proc.reread(file, line);
    const keep = length > 0 && opened < maxOpenFiles;
    if (keep) opened += 1;
    else proc.close(file);
    if (length > 0) now.set(pid, keep ? file : undefined);
    return length;
  }

  /** Closes what is open of `known` and not among `now`. */
  function moveTo(now: Map<string, number | undefined>): void {
    for (const [pid, file] of known) {
      if (file === undefined || now.get(pid) === file) continue;
      proc.close(file);
      opened -= 1;
    }
    known = now;
  }

  function begin(): Walk {
    const sameAsBefore = !haveForked() && known.size > 0;
    const pids = sameAsBefore ? [...known.keys()] : proc.list("/proc").filter(isPid);
    return { pids, at: 0, fields: { ...none }, now: new Map() };
  }

  /** Lets go of what a walk that does not come to its end has opened. */
  function abandon(): void {
    if (walk) moveTo(walk.now);
    walk = undefined;
    moveTo(new Map());
  }

  return {
    name: "processes",
    sample({ clock }) {
      const begun = clock.monotonic();
      walk ??= begin();
      const { pids, now, fields } = walk;
      // So many that the whole is seen before the minute is over.
      const share = Math.ceil((pids.length * (begun - last)) / (maxPause * 0.8));
      last = begun;
      const end = Math.min(pids.length, walk.at + Math.max(sliceOfProcesses, share));
      for (; walk.at < end; walk.at += 1) {
        const pid = pids[walk.at];
        if (pid !== undefined) count(read(pid, now), fields);
      }
      if (walk.at < pids.length) return [];
      walk = undefined;
      moveTo(now);
      return [{ measurement: "processes", tags: {}, fields }];
    },
    stop() {
      abandon();
      last = Number.NEGATIVE_INFINITY;
    },
  };
}

/** A look at all processes, over as many samples as it takes. */
interface Walk {
  readonly pids: readonly string[];
  at: number;
  readonly fields: Record<string, number>;
  /** By pid, those that were found; and their files. */
  readonly now: Map<string, number | undefined>;
}

/**
 * Tells whether there may be processes that were not there the last time. All come by a fork, which the kernel counts;
 * listing the directory takes a tenth of the whole. Where nothing is counted (gVisor), there always may be.
 */
function forks(proc: ProcReader): () => boolean {
  let last = 0;
  return () => {
    const before = last;
    last = numberAfter(proc.findAgain("/proc/stat") ?? "", "\nprocesses ");
    return !(last > 0 && last === before);
  };
}

const none: Readonly<Record<string, number>> = {
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

function isPid(entry: string): boolean {
  const first = entry.charCodeAt(0);
  return first >= 0x31 && first <= 0x39;
}

/** The columns between the state and the count of threads. */
const between = /(?:[^ ]+ ){16}/y;

/** Adds the process whose line of so many bytes was read. One that ended since the directory was read has none and counts no more. */
function count(length: number, fields: Record<string, number>): void {
  const stat = line.toString("latin1", 0, length);
  // The name before may hold spaces and parentheses: the last one ends it.
  const name = stat.lastIndexOf(")");
  between.lastIndex = name + 4;
  if (!between.test(stat)) return;
  const state = states[stat.charAt(name + 2)] ?? "unknown";
  fields[state] = (fields[state] ?? 0) + 1;
  fields["total"] = (fields["total"] ?? 0) + 1;
  fields["total_threads"] = (fields["total_threads"] ?? 0) + Number.parseInt(stat.slice(between.lastIndex), 10);
}
