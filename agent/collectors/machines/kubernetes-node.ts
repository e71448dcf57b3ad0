import { recordedDisk, loads, reading, stat, type RecordedMachine } from "./recorded-machine.ts";

const ids = Array.from({ length: 300 }, (_, at) => (0x1a2b3c00 + at).toString(16));
const interfaces = ["eth0", "docker0", "cni0", ...ids.flatMap((id) => [`veth${id}`, `cali${id}`, `br-${id}`])];
const pod = (id: string): string => `/var/lib/kubelet/pods/${id}/volumes/kubernetes.io~csi/data/mount`;

/** Three hundred containers come and go: what is theirs is left out, and the new disk is not. */
export const kubernetesNode: RecordedMachine = {
  what: "a node of Kubernetes: three hundred pods with interfaces, bridges, mounts and loop devices of their own",
  files: {
    ...loads,
    "/proc/stat": stat(2, [1, 0, 1, 10, 1, 0, 0, 0, 0, 0]),
    "/proc/meminfo": "MemTotal: 4000 kB\nMemFree: 1 kB\nMemAvailable: 1000 kB\n",
    "/proc/net/dev": interfaces.map((name) => `${name}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n`).join(""),
    "/proc/self/mountinfo": [
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:17 / /data rw - xfs /dev/sdb1 rw\n",
      ...ids.map((id, at) => `${at + 10} 1 252:${at} / ${pod(id)} rw - ext4 /dev/rbd${at} rw\n`),
      ...ids.map((id, at) => `${at + 400} 1 0:${at} / /run/containerd/io/${id}/rootfs rw - ext4 /dev/rbd${at} rw\n`),
    ].join(""),
    "/proc/diskstats":
      " 8 0 sda 1 0 8 1 1 0 8 1 0 1 2\n 8 16 sdb 1 0 8 1 1 0 8 1 0 1 2\n" +
      ids.map((_, at) => ` 7 ${at} loop${at} 1 0 8 1 1 0 8 1 0 1 2\n`).join(""),
  },
  capacities: {
    "/": recordedDisk(100, 50),
    "/data": recordedDisk(100, 3),
    ...Object.fromEntries(ids.map((id) => [pod(id), recordedDisk(1, 1)])),
  },
  right: [reading("disk", { used_percent: 97 }, { path: "/data", device: "sdb1", fstype: "xfs", mode: "rw" })],
  series: [
    ["net", "interface", ["eth0", "docker0", "cni0", "all"]],
    ["disk", "path", ["/", "/data"]],
    ["diskio", "name", ["sda", "sdb"]],
  ],
};
