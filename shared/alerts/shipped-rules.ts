import type { AlertRule } from "./alert-rule.ts";

type Shipped = Pick<AlertRule, "name" | "when" | "summary"> & Partial<AlertRule>;

/**
 * Rules that are right for a machine out of the box, and quiet: wide thresholds, and only what a person would act upon. Names are those by which
 * they are known with Prometheus, where there is one.
 */
const shipped: readonly Shipped[] = [
  { name: "InstanceDown", when: "silent > 30m", severity: "critical", summary: "nothing is heard of the device" },
  {
    name: "HostOutOfMemory",
    when: "mem.used_percent > 97 for 15m",
    clear: 92,
    summary: "memory is used up",
  },
  {
    name: "HostOutOfDiskSpace",
    when: "disk.used_percent > 95 for 10m",
    clear: 92,
    severity: "critical",
    summary: "a file system is full",
  },
  {
    name: "HostDiskWillFillIn3Days",
    when: "disk.used_percent > 70 forecast(disk.used_percent, 3d) > 100 for 1h",
    summary: "a file system will be full within three days, if it goes on like this",
  },
  {
    name: "HostOutOfInodes",
    when: "disk.inodes_used_percent > 95 for 10m",
    clear: 92,
    summary: "a file system has no inodes left",
  },
  {
    name: "HostHighCpuLoad",
    when: "cpu.usage_idle < 3 for 1h",
    clear: 15,
    summary: "the processor is busy all the time",
  },
  {
    name: "HostClockSkew",
    when: "skew > 2m for 10m",
    severity: "info",
    summary: "the device's clock is wrong",
  },
  { name: "MusterDeviceClone", when: "clone = true", severity: "critical", summary: "two machines run under one id" },
  {
    name: "MusterSamplesMissing",
    when: "lost > 0 for 10m",
    severity: "info",
    summary: "samples of the last day are lost",
  },
  {
    name: "MusterCertificateExpiry",
    when: "certificate < 7d",
    summary: "the device's certificate ends soon, and was not renewed",
  },
  { name: "MusterJobFailed", when: "job = aborted", summary: "a job was stopped, because too much went wrong" },
  {
    name: "MusterStoreDown",
    when: "console.store = away for 2m",
    severity: "critical",
    summary: "the console cannot store samples",
  },
  {
    name: "MusterBrokerDown",
    when: "console.broker = away for 2m",
    severity: "critical",
    summary: "the console has no connection to its broker, and hears nobody",
  },
];

/** As rules that have been read. */
export const shippedRules: readonly AlertRule[] = shipped.map((rule) => ({
  severity: "warning",
  enabled: true,
  ...rule,
}));
