import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

const cpu = "/sys/devices/system/cpu";
const siblings = Object.fromEntries(
  Array.from({ length: 8 }, (_, id) => [
    `${cpu}/cpu${id}/topology/thread_siblings_list`,
    `${id % 4},${(id % 4) + 4}\n`,
  ]),
);

/** A server of 2014: kernel 3.10 without a backport of MemAvailable, core_cpus_list or the sensors' own directory. */
export const centos7: RecordedMachine = {
  what: "kernel 3.10: four cores with two threads each, no MemAvailable, sensors below device/",
  files: {
    ...loads,
    ...siblings,
    [`${cpu}/online`]: "0-7\n",
    "/proc/stat": stat(8, [100, 0, 50, 800, 20, 0, 0, 0, 0, 0]),
    "/proc/meminfo": `MemTotal:        8000000 kB
MemFree:          500000 kB
Buffers:           10000 kB
Cached:          3000000 kB
Active:          4000000 kB
Inactive:        2000000 kB
Active(anon):    2500000 kB
Inactive(anon):   500000 kB
Active(file):    1500000 kB
Inactive(file):  1500000 kB
SwapTotal:       2000000 kB
SwapFree:        2000000 kB
SReclaimable:     200000 kB
`,
    "/proc/zoneinfo": `Node 0, zone      DMA
  pages free     3977
        min      33
        low      5000
        high     49
Node 0, zone   Normal
  pages free     120000
        min      16000
        low      20000
        high     24000
`,
    "/proc/diskstats":
      "   8       0 sda 100 5 2000 300 50 5 1000 400 0 500 700\n   8       1 sda1 90 5 1800 200 50 5 1000 400 0 450 600\n",
    "/proc/self/mountinfo": "17 60 8:1 / / rw,relatime shared:1 - xfs /dev/sda1 rw,attr2\n",
    "/sys/class/hwmon/hwmon0/device/name": "coretemp\n",
    "/sys/class/hwmon/hwmon0/device/temp1_input": "41000\n",
    "/sys/class/hwmon/hwmon0/device/temp1_label": "Core 0\n",
    "/sys/class/hwmon/hwmon0/device/temp2_input": "0\n",
    "/sys/class/hwmon/hwmon0/device/temp2_label": "Core 1\n",
  },
  // The time that processors waited for a disk steps back, as proc(5) says it may.
  later: { "/proc/stat": stat(8, [100, 0, 50, 900, 11, 0, 0, 0, 0, 0]) },
  capacities: { "/": recordedDisk(100, 60) },
  right: [
    reading("cpu", { usage_idle: 100, usage_iowait: 0, usage_user: 0 }, { cpu: "cpu-total" }),
    // 500,000 free − 100,000 in reserve + 2,900,000 of pages + 100,000 of slab, in kB.
    reading("mem", { available: 3_400_000 * 1_024, used: 4_600_000 * 1_024, used_percent: 57.5, low_total: 0 }),
    reading("system", { n_cpus: 8, n_physical_cpus: 4 }),
    reading("temp", { temp: 0 }, { sensor: "coretemp_core_1" }),
    reading("disk", { used_percent: 40 }, { path: "/", device: "sda1", fstype: "xfs", mode: "rw" }),
    reading("diskio", { reads: 90, read_bytes: 1_800 * 512 }, { name: "sda1" }),
  ],
};
