import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

/** A guest without sensors whose host takes its time, with its shared folder, and with a processor that has been unplugged. */
export const virtualMachine: RecordedMachine = {
  what: "a virtual machine: stolen time, no sensors, a processor gone, a shared folder of the hypervisor's",
  files: {
    ...loads,
    "/sys/devices/system/cpu/online": "0-2,4\n",
    "/sys/devices/system/cpu/cpu0/topology/core_cpus_list": "0\n",
    "/sys/devices/system/cpu/cpu1/topology/core_cpus_list": "1\n",
    "/sys/devices/system/cpu/cpu2/topology/core_cpus_list": "2\n",
    "/sys/devices/system/cpu/cpu4/topology/core_cpus_list": "4\n",
    "/proc/stat": stat(4, [10, 0, 10, 100, 0, 0, 0, 30, 0, 0]),
    "/proc/meminfo": "MemTotal: 2000 kB\nMemFree: 20 kB\nMemAvailable: 32 kB\nSwapTotal: 1000 kB\nSwapFree: 0 kB\n",
    "/proc/vmstat": "nr_free_pages 5\npswpin 0\npswpout 3\n",
    "/proc/self/mountinfo": `20 1 254:1 / / rw - ext4 /dev/vda1 rw
21 20 0:40 / /media/shared rw - vboxsf shared rw
22 20 0:41 / /mnt/host rw - virtiofs host rw
`,
    "/proc/diskstats": "",
    "/sys/class/thermal/cooling_device0/type": "Processor\n",
  },
  // The stolen time was corrected downwards while the machine was moved to another host.
  later: { "/proc/stat": stat(4, [20, 0, 20, 180, 0, 0, 0, 10, 0, 0]) },
  capacities: { "/": recordedDisk(20, 1), "/media/shared": recordedDisk(50, 25), "/mnt/host": recordedDisk(50, 5) },
  right: [
    reading("cpu", { usage_user: 10, usage_system: 10, usage_idle: 80, usage_steal: 0 }, { cpu: "cpu-total" }),
    reading("system", { n_cpus: 4, n_physical_cpus: 4 }),
    reading("mem", { used_percent: 98.4 }),
    reading("swap", { free: 0, used_percent: 100, in: 0, out: 12_288 }),
    reading("disk", { used_percent: 50 }, { path: "/media/shared", device: "shared", fstype: "vboxsf", mode: "rw" }),
  ],
  series: [
    ["disk", "path", ["/", "/media/shared", "/mnt/host"]],
    ["temp", "sensor", []],
    ["diskio", "name", []],
  ],
};
