import type { Clock } from "#shared/clock";
import type { Collector, Reading } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";

/** By the number that the kernel writes for each state, from include/net/tcp_states.h; `none` is any other. */
const states = [
  "tcp_none",
  "tcp_established",
  "tcp_syn_sent",
  "tcp_syn_recv",
  "tcp_fin_wait1",
  "tcp_fin_wait2",
  "tcp_time_wait",
  "tcp_close",
  "tcp_close_wait",
  "tcp_last_ack",
  "tcp_listen",
  "tcp_closing",
] as const;

/** Sockets at most: the kernel writes 150 bytes for each, and a broker may have ten thousand. */
const mostSockets = 1_000;
/** Milliseconds a sample that reading the states may take on average, and samples at most between two readings. */
const budget = 0.05;
const longestPause = 160;
/** From the colon behind a line's number to its state: two addresses of hexadecimal digits with their ports. */
const tables = [
  ["/proc/net/tcp", 30],
  ["/proc/net/tcp6", 78],
] as const;

/**
 * How many TCP connections are in each state, and how many UDP sockets there are. The sums of /proc/net/sockstat cost nothing.
 * The states stand in /proc/net/tcp alone, for which the kernel walks a hash table as large as the machine's memory
 * suggests: 6 ms with 8 GB and no connection at all. So the reading is timed, and comes again once its time is within the budget
 * when spread over the samples; with more than a thousand sockets not at all.
 */
export function netstat(proc: ProcReader): Collector {
  let pause = 0;
  return {
    name: "netstat",
    sample({ clock }): readonly Reading[] {
      const sums = proc.findAgain("/proc/net/sockstat");
      // A kernel without IPv4, or one that tells nobody.
      if (sums === undefined) return [];
      const { sockets, ...cheap } = totals(sums, proc.findAgain("/proc/net/sockstat6") ?? "");
      const few = sockets <= mostSockets;
      let counted = {};
      if (few && pause === 0) ({ counted, pause } = timed(proc, clock));
      else pause = Math.max(0, pause - 1);
      return [{ measurement: "netstat", tags: {}, fields: { ...cheap, ...counted } }];
    },
  };
}

function totals(v4: string, v6: string): { sockets: number; tcp_time_wait: number; udp_socket: number } {
  // A kernel without IPv6 has no second file.
  const six = (label: string): number => numberAfter(v6, label) || 0;
  const waiting = numberAfter(v4, " tw ");
  return {
    sockets: numberAfter(v4, "TCP: inuse ") + six("TCP6: inuse ") + waiting,
    tcp_time_wait: waiting,
    udp_socket: numberAfter(v4, "UDP: inuse ") + six("UDP6: inuse "),
  };
}

function timed(proc: ProcReader, clock: Clock): { counted: Record<string, number>; pause: number } {
  const begun = clock.monotonic();
  const counted = Object.fromEntries(states.map((state) => [state, 0]));
  for (const [path, offset] of tables) count(proc.find(path) ?? "", offset, counted);
  const cost = clock.monotonic() - begun;
  return { counted, pause: Math.min(longestPause, Math.max(1, Math.ceil(cost / budget))) - 1 };
}

/** Adds the lines of one table by state; nothing is split, so that a thousand lines leave no garbage. */
function count(table: string, offset: number, counts: Record<string, number>): void {
  let line = table.indexOf("\n") + 1;
  while (line > 0 && line < table.length) {
    const at = table.indexOf(":", line) + offset;
    const state = states[Number.parseInt(table.slice(at, at + 2), 16)] ?? "tcp_none";
    counts[state] = (counts[state] ?? 0) + 1;
    line = table.indexOf("\n", line) + 1;
  }
}
