import type { FieldType } from "#shared/field-type";

/**
 * What the fields of Muster's own measurements are, by measurement: all that an agent measures by itself, and what the console
 * writes. So the first device to name one of them decides nothing, whatever it sends. Numbers are floats, as in every
 * measurement. `docs/metrics.md` says the same, and a test compares them.
 */
const shipped: Readonly<Record<string, Readonly<Partial<Record<FieldType, string>>>>> = {
  cpu: {
    float:
      "usage_user usage_system usage_idle usage_nice usage_iowait usage_irq usage_softirq usage_steal " +
      "usage_guest usage_guest_nice",
  },
  mem: {
    float:
      "total available used free available_percent used_percent active buffered cached commit_limit " +
      "committed_as dirty high_free high_total huge_page_size huge_pages_free huge_pages_total inactive " +
      "low_free low_total mapped page_tables shared slab sreclaimable sunreclaim swap_cached swap_free " +
      "swap_total vmalloc_chunk vmalloc_total vmalloc_used write_back write_back_tmp",
  },
  swap: {
    float: "total free used used_percent in out",
  },
  disk: {
    float: "total free used used_percent inodes_total inodes_free inodes_used inodes_used_percent",
  },
  diskio: {
    float:
      "reads writes read_bytes write_bytes read_time write_time io_time weighted_io_time iops_in_progress " +
      "merged_reads merged_writes io_await io_svctm io_util",
  },
  net: {
    float:
      "bytes_sent bytes_recv packets_sent packets_recv err_in err_out drop_in drop_out speed " +
      "tcp_activeopens tcp_attemptfails tcp_currestab tcp_estabresets tcp_incsumerrors tcp_inerrs " +
      "tcp_insegs tcp_outrsts tcp_outsegs tcp_passiveopens tcp_retranssegs udp_incsumerrors udp_indatagrams " +
      "udp_inerrors udp_noports udp_outdatagrams udp_rcvbuferrors udp_sndbuferrors",
  },
  netstat: {
    float:
      "tcp_established tcp_syn_sent tcp_syn_recv tcp_fin_wait1 tcp_fin_wait2 tcp_time_wait tcp_close " +
      "tcp_close_wait tcp_last_ack tcp_listen tcp_closing tcp_none udp_socket",
  },
  system: {
    float: "load1 load5 load15 n_cpus n_physical_cpus n_users n_unique_users uptime",
    string: "uptime_format",
  },
  processes: {
    float: "total running sleeping blocked unknown idle stopped zombies dead paging parked total_threads",
  },
  temp: {
    float: "temp",
  },
  kernel: {
    float: "boot_time context_switches interrupts processes_forked entropy_avail",
  },
  nstat: {
    float:
      "TcpExtTCPAbortOnClose TcpExtTCPAbortOnData TcpExtTCPAbortOnTimeout TcpExtTCPAbortFailed " +
      "TcpExtTCPAbortOnLinger TcpExtTCPAbortOnMemory TcpExtSyncookiesFailed TcpExtSyncookiesRecv " +
      "TcpExtSyncookiesSent TcpExtListenOverflows TcpExtListenDrops IcmpInEchos IcmpOutEchos " +
      "IcmpInEchoReps IcmpOutEchoReps IcmpInErrors IcmpOutErrors IcmpInCsumErrors IpInDiscards " +
      "IpOutDiscards IpInHdrErrors IpInAddrErrors IpOutNoRoutes IpInUnknownProtos UdpSndbufErrors " +
      "UdpRcvbufErrors UdpInCsumErrors UdpInErrors UdpNoPorts Ip6InDiscards Ip6OutDiscards " +
      "Ip6InHdrErrors Ip6InAddrErrors Ip6OutNoRoutes Ip6InUnknownProtos",
  },
  conntrack: {
    float: "ip_conntrack_count ip_conntrack_max",
  },
  linux_sysctl_fs: {
    float:
      "file-nr file-max inode-nr inode-free-nr inode-preshrink-nr dentry-nr dentry-unused-nr " +
      "dentry-age-limit dentry-want-pages aio-nr aio-max-nr",
  },
  interrupts: {
    float: "total",
  },
  internal_agent: {
    float: "gather_errors metrics_gathered metrics_written metrics_dropped write_bytes file_bytes file_syncs",
  },
  internal_gather: {
    float: "gather_time_ns metrics_gathered",
  },
  internal_write: {
    float: "write_time_ns buffer_size metrics_dropped",
  },
  muster_alert: { string: "text id state", float: "end" },
  muster_command: { string: "text id", float: "ms" },
  muster_refused: { float: "count" },
  muster_device: { float: "clock_skew_ms" },
};

/** Every one, by `measurement.field`. */
export const shippedTypes: ReadonlyMap<string, FieldType> = new Map(
  Object.entries(shipped).flatMap(([measurement, types]) =>
    Object.entries(types).flatMap(([type, fields]) =>
      fields.split(" ").map((field) => [`${measurement}.${field}`, type as FieldType] as const),
    ),
  ),
);

/** The type of one of Muster's own fields; undefined where a field is not Muster's. */
export function shippedType(measurement: string, field: string): FieldType | undefined {
  // The console's report of itself is nothing but numbers, and grows with its versions.
  return measurement === "muster" ? "float" : shippedTypes.get(`${measurement}.${field}`);
}

/** Whether the console itself writes the measurement: nobody's declaration changes what that is. */
export function isConsoleMeasurement(measurement: string): boolean {
  return measurement === "muster" || measurement.startsWith("muster_");
}
