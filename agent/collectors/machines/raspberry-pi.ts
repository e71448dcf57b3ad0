import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

/** A Raspberry Pi 3 on a 32-bit kernel: no monitor but a thermal zone, high memory, no swap, nothing available any more. */
export const raspberryPi: RecordedMachine = {
  what: "a Raspberry Pi on which no memory is left: MemAvailable is 0, and not absent",
  files: {
    ...loads,
    "/sys/devices/system/cpu/online": "0-3\n",
    "/proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 38.40\nFeatures\t: half thumb\n\nHardware\t: BCM2835\n",
    "/proc/stat": stat(4, [10, 0, 10, 100, 0, 0, 0]),
    "/proc/meminfo": `MemTotal:         948000 kB
MemFree:           15000 kB
MemAvailable:          0 kB
Cached:            80000 kB
HighTotal:        200000 kB
HighFree:              0 kB
SReclaimable:       5000 kB
`,
    "/proc/diskstats":
      " 179 0 mmcblk0 10 0 80 5 0 0 0 0 0 5 5 0 0 0 0 0 0\n   7 0 loop0 1 0 1 1 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
    "/proc/self/mountinfo": `26 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw
30 26 179:1 / /boot/firmware rw,relatime shared:7 - vfat /dev/mmcblk0p1 rw
`,
    "/sys/dev/block/179:2": "-> ../../devices/platform/mmc/mmcblk0/mmcblk0p2",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "/sys/class/thermal/thermal_zone0/temp": "48312\n",
    "/proc/net/dev": " wlan0: 5 6 0 0 0 0 0 0 7 8 0 0 0 0 0 0\n",
    "/sys/class/net/wlan0/flags": "0x1003\n",
  },
  later: { "/proc/stat": stat(4, [20, 0, 10, 110, 0, 0, 0]) },
  capacities: { "/": recordedDisk(32, 8), "/boot/firmware": recordedDisk(1, 0) },
  right: [
    reading("mem", { available: 0, used: 948_000 * 1_024, used_percent: 100, available_percent: 0, high_free: 0 }),
    reading("swap", { total: 0, used_percent: 0 }),
    reading("cpu", { usage_user: 50, usage_idle: 50, usage_steal: 0 }, { cpu: "cpu3" }),
    reading("system", { n_cpus: 4, n_physical_cpus: 4 }),
    reading("temp", { temp: 48.312 }, { sensor: "cpu-thermal" }),
    reading("disk", { used_percent: 75 }, { path: "/", device: "mmcblk0p2", fstype: "ext4", mode: "rw" }),
    reading(
      "disk",
      { free: 0, used_percent: 100 },
      { path: "/boot/firmware", device: "mmcblk0p1", fstype: "vfat", mode: "rw" },
    ),
    reading("net", { bytes_recv: 5, speed: -1 }, { interface: "wlan0" }),
  ],
  series: [["diskio", "name", ["mmcblk0"]]],
};
