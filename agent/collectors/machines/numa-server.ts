import { loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

const cpu = "/sys/devices/system/cpu";
const sockets = 4;
const threads = 256;
const topology = Object.fromEntries(
  Array.from({ length: threads }, (_, id) => {
    const first = id % (threads / 2);
    return [`${cpu}/cpu${id}/topology/core_cpus_list`, `${first},${first + threads / 2}\n`];
  }),
);
const sensors = Object.fromEntries(
  Array.from({ length: sockets }, (_, at) => [
    [`/sys/class/hwmon/hwmon${at}/name`, "k10temp\n"],
    [`/sys/class/hwmon/hwmon${at}/device`, `-> ../../../0000:00:${18 + at}.3`],
    [`/sys/class/hwmon/hwmon${at}/temp1_input`, `${50 + at}000\n`],
    [`/sys/class/hwmon/hwmon${at}/temp1_label`, "Tctl\n"],
  ]).flat() as [string, string][],
);
/** As long as the line of interrupts is on such a machine. */
const intr = `intr 5000 ${"0 ".repeat(5_000)}\nctxt 7\nbtime 1700000000\nprocesses 9\n`;

/** Four sockets, 128 cores, 256 threads, a chip on the board that labels nothing. */
export const numaServer: RecordedMachine = {
  what: "four sockets with 256 threads, and a board whose sensors have no labels",
  files: {
    ...loads,
    ...topology,
    ...sensors,
    [`${cpu}/online`]: "0-255\n",
    "/proc/stat": stat(threads, [1_000, 10, 500, 80_000, 20, 0, 5, 0, 0, 0], intr),
    "/proc/meminfo":
      "MemTotal: 2113800000 kB\nMemFree: 1000000 kB\nMemAvailable: 2000000000 kB\nHugePages_Total: 1024\nHugePages_Free: 0\n",
    "/sys/class/hwmon/hwmon9/name": "nct6775\n",
    "/sys/class/hwmon/hwmon9/device": "-> ../../../nct6775.656",
    "/sys/class/hwmon/hwmon9/temp1_input": "31000\n",
    "/sys/class/hwmon/hwmon9/temp2_input": "32000\n",
    "/sys/class/hwmon/hwmon9/temp3_input": "-128000\n",
    "/proc/diskstats":
      " 259 0 nvme0n1 9 0 9 9 9 0 9 9 0 9 9 1 0 1 1 2 2\n 253 0 dm-0 4 0 4 4 4 0 4 4 0 4 4 0 0 0 0 0 0\n",
  },
  later: { "/proc/stat": stat(threads, [1_040, 10, 520, 80_030, 20, 0, 15, 0, 0, 0], intr) },
  right: [
    reading("cpu", { usage_user: 40, usage_system: 20, usage_idle: 30, usage_softirq: 10 }, { cpu: "cpu255" }),
    reading("system", { n_cpus: 256, n_physical_cpus: 128 }),
    reading("mem", { huge_pages_total: 1_024, huge_pages_free: 0 }),
    reading("temp", { temp: 53 }, { sensor: "k10temp_tctl", device: "0000:00:21.3" }),
    reading("temp", { temp: -128 }, { sensor: "nct6775_temp3" }),
    reading("kernel", { interrupts: 5_000, context_switches: 7 }),
  ],
  series: [
    [
      "temp",
      "sensor",
      [...Array.from({ length: sockets }, () => "k10temp_tctl"), "nct6775_temp1", "nct6775_temp2", "nct6775_temp3"],
    ],
    ["diskio", "name", ["nvme0n1", "dm-0"]],
  ],
};
