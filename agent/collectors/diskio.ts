import type { Collector, Reading } from "./collector.ts";
import { nameFilter, usualNames, type NameFilter } from "./name-filter.ts";
import type { ProcReader } from "./proc.ts";
import { rounded } from "./rounded.ts";

/** The columns of /proc/diskstats from the fourth on, as the kernel's iostats.rst names them. */
type Counters = Record<(typeof columns)[number], number>;
const columns = [
  "reads",
  "merged_reads",
  "sectorsRead",
  "read_time",
  "writes",
  "merged_writes",
  "sectorsWritten",
  "write_time",
  "iops_in_progress",
  "io_time",
  "weighted_io_time",
] as const;

/** Whatever the device's own block size is, the kernel counts sectors of 512 bytes. */
const sectorBytes = 512;

/** The traffic of each block device since boot, and how busy it was since the last sample. */
export function diskio(proc: ProcReader, wanted: NameFilter = nameFilter(usualNames.disks)): Collector {
  let last = { at: 0, devices: new Map<string, Counters>() };
  return {
    name: "diskio",
    sample({ clock }) {
      const now = { at: clock.monotonic(), devices: parseDiskstats(proc.again("/proc/diskstats"), wanted) };
      const readings: Reading[] = [];
      for (const [name, counters] of now.devices) {
        const before = last.devices.get(name);
        const busy = before ? business(before, counters, now.at - last.at) : {};
        readings.push({ measurement: "diskio", tags: { name }, fields: { ...totals(counters), ...busy } });
      }
      last = now;
      return readings;
    },
  };
}

/** Numbers of the device, its name, and what is counted of it: most lines are of devices that nobody wants, and are not taken apart. */
const lines = /^ *\d+ +\d+ ([^ \n]+) (.*)/gm;

/** Devices that never did anything (unused loop devices) are left out, as Telegraf does. */
function parseDiskstats(text: string, wanted: NameFilter): Map<string, Counters> {
  const devices = new Map<string, Counters>();
  for (const [, name = "", rest = ""] of text.matchAll(lines)) {
    if (!wanted(name)) continue;
    const values = rest.split(" ", columns.length);
    if (values.length < columns.length || values.every((value) => value === "0")) continue;
    devices.set(name, Object.fromEntries(columns.map((column, at) => [column, Number(values[at])])) as Counters);
  }
  return devices;
}

function totals({ sectorsRead, sectorsWritten, ...same }: Counters): Record<string, number> {
  return { ...same, read_bytes: sectorsRead * sectorBytes, write_bytes: sectorsWritten * sectorBytes };
}

/** Milliseconds an operation waited and took, and the share of `interval` (ms) with an operation under way, in percent. */
function business(last: Counters, now: Counters, interval: number): Record<string, number> {
  const grown = (...names: (keyof Counters)[]): number => names.reduce((sum, name) => sum + now[name] - last[name], 0);
  const monotonous = (["reads", "writes", "read_time", "write_time", "io_time"] as const).every(
    (name) => grown(name) >= 0,
  );
  if (!monotonous) return {};
  const operations = grown("reads", "writes");
  return {
    ...(operations > 0 && {
      io_await: rounded(grown("read_time", "write_time") / operations),
      io_svctm: rounded(grown("io_time") / operations),
    }),
    ...(interval > 0 && { io_util: rounded((100 * grown("io_time")) / interval) }),
  };
}
