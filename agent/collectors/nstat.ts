import type { Collector, Reading } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";
import { tableReader } from "./table-reader.ts";

/** What dashboards ask of the three hundred counters that the kernel keeps of its network stack, by the file it stands in. */
const watched = {
  netstat:
    "TcpExtTCPAbortOnClose TcpExtTCPAbortOnData TcpExtTCPAbortOnTimeout TcpExtTCPAbortFailed TcpExtTCPAbortOnLinger " +
    "TcpExtTCPAbortOnMemory TcpExtSyncookiesFailed TcpExtSyncookiesRecv TcpExtSyncookiesSent TcpExtListenOverflows TcpExtListenDrops",
  snmp:
    "IcmpInEchos IcmpOutEchos IcmpInEchoReps IcmpOutEchoReps IcmpInErrors IcmpOutErrors IcmpInCsumErrors " +
    "IpInDiscards IpOutDiscards IpInHdrErrors IpInAddrErrors IpOutNoRoutes IpInUnknownProtos " +
    "UdpSndbufErrors UdpRcvbufErrors UdpInCsumErrors UdpInErrors UdpNoPorts",
  snmp6: "Ip6InDiscards Ip6OutDiscards Ip6InHdrErrors Ip6InAddrErrors Ip6OutNoRoutes Ip6InUnknownProtos",
};
const snmp6 = watched.snmp6.split(" ");

/** Counters of the network stack since boot, a series a file. */
export function nstat(proc: ProcReader): Collector {
  const [netstat, snmp] = [reader(watched.netstat), reader(watched.snmp)];
  return {
    name: "nstat",
    sample() {
      const six = proc.findAgain("/proc/net/snmp6") ?? "";
      return [
        reading("netstat", netstat(proc.findAgain("/proc/net/netstat") ?? "")),
        reading("snmp", snmp(proc.findAgain("/proc/net/snmp") ?? "")),
        reading("snmp6", Object.fromEntries(snmp6.map((name) => [name, numberAfter(six, `\n${name}`)]))),
      ];
    },
  };
}

function reader(names: string): ReturnType<typeof tableReader> {
  const wanted = new Set(names.split(" "));
  return tableReader((protocol, column) => {
    const field = protocol + column;
    return wanted.has(field) ? field : undefined;
  });
}

const reading = (name: string, fields: Record<string, number>): Reading => ({
  measurement: "nstat",
  tags: { name },
  fields,
});
