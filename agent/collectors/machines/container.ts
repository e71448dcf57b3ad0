import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

/** A container without /sys, on an overlay, with a bind mount and a volume. */
export const container: RecordedMachine = {
  what: "a container without /sys: processors and cores from /proc alone",
  files: {
    ...loads,
    "/proc/stat": stat(4, [10, 0, 10, 100, 0, 0, 0, 0, 0, 0]),
    "/proc/cpuinfo": [0, 1, 2, 3]
      .map((id) => `processor\t: ${id}\nphysical id\t: 0\nsiblings\t: 4\ncore id\t\t: ${id % 2}\nflags\t\t: fpu\n\n`)
      .join(""),
    "/proc/meminfo": "MemTotal: 4000 kB\nMemFree: 1000 kB\nMemAvailable: 3000 kB\n",
    "/proc/self/mountinfo": `600 500 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/l
601 600 0:52 / /proc rw - proc proc rw
602 600 0:53 / /dev rw - tmpfs tmpfs rw
610 600 254:1 /var/lib/docker/containers/1/hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw
611 600 254:1 /srv /data ro,relatime - ext4 /dev/vda1 rw
`,
    "/proc/net/dev": "    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 2 2 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n",
    "/proc/1/stat": "1 (node) S 0 1 1 0 -1 1 2 3 4 5 6 7 8 20 0 0 11 0 0 0\n",
  },
  capacities: { "/etc/hosts": recordedDisk(10, 5), "/data": recordedDisk(10, 5) },
  right: [
    reading("system", { n_cpus: 4, n_physical_cpus: 2 }),
    reading("mem", { used_percent: 25 }),
    reading("processes", { total: 1, sleeping: 1, total_threads: 11 }),
    reading("disk", { used_percent: 50 }, { path: "/data", device: "vda1", fstype: "ext4", mode: "ro" }),
  ],
  series: [
    ["net", "interface", ["eth0", "all"]],
    ["disk", "path", ["/etc/hosts", "/data"]],
    ["temp", "sensor", []],
  ],
};
