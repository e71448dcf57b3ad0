import type { Collector, Reading } from "./collector.ts";
import { nameFilter, usualNames, type NameFilter } from "./name-filter.ts";
import type { ProcReader } from "./proc.ts";
import { tableReader } from "./table-reader.ts";

/** From include/uapi/linux/if.h. */
const up = 0x1;
const loopback = 0x8;

/** The machine's protocol counters that change and that people watch, of the roughly ninety in /proc/net/snmp. */
const protocolFields = new Set([
  "tcp_activeopens",
  "tcp_attemptfails",
  "tcp_currestab",
  "tcp_estabresets",
  "tcp_incsumerrors",
  "tcp_inerrs",
  "tcp_insegs",
  "tcp_outrsts",
  "tcp_outsegs",
  "tcp_passiveopens",
  "tcp_retranssegs",
  "udp_incsumerrors",
  "udp_indatagrams",
  "udp_inerrors",
  "udp_noports",
  "udp_outdatagrams",
  "udp_rcvbuferrors",
  "udp_sndbuferrors",
]);

/** The traffic since boot of each interface that is up and no loopback, and of TCP and UDP as a whole (`all`). */
export function net(proc: ProcReader, wanted: NameFilter = nameFilter(usualNames.interfaces)): Collector {
  const protocols = tableReader((protocol, column) => {
    const field = `${protocol}_${column}`.toLowerCase();
    return protocolFields.has(field) ? field : undefined;
  });
  return {
    name: "net",
    sample() {
      const readings: Reading[] = [];
      for (const line of proc.again("/proc/net/dev").split("\n")) {
        const colon = line.lastIndexOf(":");
        const name = line.slice(0, Math.max(0, colon)).trim();
        if (!name || !wanted(name) || !isWatched(proc, name)) continue;
        readings.push({
          measurement: "net",
          tags: { interface: name },
          fields: traffic(proc, name, line.slice(colon + 1)),
        });
      }
      readings.push({
        measurement: "net",
        tags: { interface: "all" },
        fields: protocols(proc.findAgain("/proc/net/snmp") ?? ""),
      });
      return readings;
    },
  };
}

function isWatched(proc: ProcReader, name: string): boolean {
  const flags = Number.parseInt(proc.findAgain(`/sys/class/net/${name}/flags`) ?? "", 16);
  // A container may have no /sys.
  return Number.isNaN(flags) ? name !== "lo" : (flags & up) !== 0 && (flags & loopback) === 0;
}

function traffic(proc: ProcReader, name: string, columns: string): Record<string, number> {
  const values = columns.trim().split(/ +/).map(Number);
  const column = (at: number): number => values[at] ?? Number.NaN;
  return {
    bytes_recv: column(0),
    packets_recv: column(1),
    err_in: column(2),
    drop_in: column(3),
    bytes_sent: column(8),
    packets_sent: column(9),
    err_out: column(10),
    drop_out: column(11),
    speed: speed(proc, name),
  };
}

/** Megabits a second; -1 where the driver does not know one (virtual devices, Wi-Fi) or refuses the question. */
function speed(proc: ProcReader, name: string): number {
  const value = Number.parseInt(proc.findAgain(`/sys/class/net/${name}/speed`) ?? "", 10);
  return Number.isNaN(value) ? -1 : value;
}
