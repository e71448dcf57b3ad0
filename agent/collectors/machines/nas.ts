import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

const shares = Array.from({ length: 40 }, (_, at) => `/share/${String(at).padStart(2, "0")}`);
const drives = Array.from({ length: 8 }, (_, at) => String.fromCharCode(97 + at));

/** Many volumes, one of them named in Latin-1 by an old client, and eight drives that one driver watches without a label. */
export const nas: RecordedMachine = {
  what: "a NAS: forty volumes, names that are no UTF-8, clustered and remote file systems, eight drives of one driver",
  files: {
    ...loads,
    "/proc/stat": stat(2, [1, 0, 1, 10, 1, 0, 0, 0, 0, 0]),
    "/proc/meminfo": "MemTotal: 4000 kB\nMemFree: 0 kB\nMemAvailable: 0 kB\nBuffers: 0 kB\nCached: 0 kB\n",
    "/proc/self/mountinfo": Buffer.concat([
      Buffer.from(shares.map((path, at) => `${30 + at} 1 9:${at} / ${path} rw - btrfs /dev/md${at} rw\n`).join("")),
      Buffer.from(
        String.raw`90 1 9:90 / /share/B\374ro\040ä rw - ext4 /dev/md90 rw`.replace(String.raw`\374`, "\u00fc"),
        "latin1",
      ),
      Buffer.from("\n91 1 9:91 / /share/Büro rw - ext4 /dev/md91 rw\n"),
      Buffer.from("92 1 0:92 / /cluster rw - gfs2 /dev/dm-7 rw\n93 1 0:93 / /beegfs rw - beegfs beegfs_nodev rw\n"),
    ]),
    ...Object.fromEntries(
      drives.flatMap((name, at) => [
        [`/sys/class/hwmon/hwmon${at}/name`, "drivetemp\n"],
        [`/sys/class/hwmon/hwmon${at}/device`, `-> ../../../${at}:0:0:0`],
        [`/sys/class/hwmon/hwmon${at}/temp1_input`, name === "h" ? "" : `${30 + at}000\n`],
      ]),
    ),
    "/proc/diskstats": drives.map((name, at) => ` 8 ${at * 16} sd${name} 1 0 8 1 1 0 8 1 0 1 2\n`).join(""),
  },
  capacities: {
    ...Object.fromEntries(shares.map((path) => [path, recordedDisk(1_000, 500)])),
    "/share/B\u00fcro \u00e4": recordedDisk(10, 0),
    [Buffer.from("/share/Büro").toString("latin1")]: recordedDisk(10, 5),
    "/cluster": recordedDisk(10, 2),
    "/beegfs": recordedDisk(10, 3),
  },
  right: [
    reading("mem", { available: 0, used_percent: 100, free: 0 }),
    reading(
      "disk",
      { used_percent: 100 },
      { path: String.raw`/share/B\xFCro \xE4`, device: "md90", fstype: "ext4", mode: "rw" },
    ),
    reading("disk", { used_percent: 50 }, { path: "/share/Büro", device: "md91", fstype: "ext4", mode: "rw" }),
    reading("disk", { used_percent: 80 }, { path: "/cluster", device: "dm-7", fstype: "gfs2", mode: "rw" }),
    reading("temp", { temp: 36 }, { sensor: "drivetemp", device: "6:0:0:0" }),
  ],
  series: [["temp", "device", drives.slice(0, 7).map((_, at) => `${at}:0:0:0`)]],
};
