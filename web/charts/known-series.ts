import type { SampleDocument } from "#api/device-routes";

/** A field by which a series is known as what agents and Telegraf measure of a machine, and not something of the same name. */
const signs: Readonly<Record<string, readonly string[]>> = {
  cpu: ["usage_idle"],
  mem: ["used_percent"],
  swap: ["used_percent"],
  disk: ["used_percent"],
  diskio: ["read_bytes"],
  net: ["bytes_recv", "tcp_currestab"],
  netstat: ["tcp_established", "tcp_time_wait"],
  nstat: ["TcpExtListenDrops", "IcmpInEchos", "IpInDiscards", "Ip6InDiscards"],
  conntrack: ["ip_conntrack_max"],
  system: ["load1", "uptime_format"],
  processes: ["running"],
  temp: ["temp"],
  kernel: ["boot_time"],
  linux_sysctl_fs: ["file-nr"],
  interrupts: ["total"],
  muster_device: ["clock_skew_ms"],
  internal_agent: ["metrics_gathered"],
  internal_gather: ["gather_time_ns"],
  internal_write: ["buffer_size", "write_time_ns"],
};

/** Whether a sample is of a machine as every machine is measured: its charts are designed, and the rest of it is shown when asked for. */
export const isKnownSeries = ({ measurement, fields }: Pick<SampleDocument, "measurement" | "fields">): boolean =>
  Object.hasOwn(signs, measurement) && (signs[measurement] ?? []).some((field) => Object.hasOwn(fields, field));
