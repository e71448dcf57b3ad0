import type { Clock } from "#shared/clock";
import type { Collector, Reading } from "./collector.ts";
import { numberAfter, type ProcReader } from "./proc.ts";
import { maxPause, CollectorTurns } from "./rarely.ts";
import { TcpWalk, type SocketTable } from "./tcp-walk.ts";

export const v4: SocketTable = { path: "/proc/net/tcp", offset: 30 };
export const v6: SocketTable = { path: "/proc/net/tcp6", offset: 78 };
/** Bytes of a line; those of IPv6 are somewhat longer. */
const lineBytes = 180;
/** Bytes of the tables that one sample reads at least: 1,500 sockets, which take the kernel two milliseconds. */
export const sliceBytes = 256 * 1_024;

/**
 * How many TCP connections are in each state, and how many UDP sockets there are. The sums of /proc/net/sockstat cost nothing.
 * The states stand in /proc/net/tcp alone, for which the kernel walks a hash table as large as the machine's memory suggests (6 ms
 * with 8 GB and no connection at all), and writes a line for each socket. So they come on turns, once a minute at least; and
 * where there are many sockets, each sample reads a part.
 */
export function netstat(proc: ProcReader): Collector {
  const turns = new CollectorTurns();
  let walk: TcpWalk | undefined;
  let cost = 0;
  // The first walk goes through at once.
  let last = Number.NEGATIVE_INFINITY;

  /** @returns the states, when the walk has come to its end */
  function counted(sockets: Sockets, clock: Clock): Readonly<Record<string, number>> | undefined {
    const begun = clock.monotonic();
    const passed = begun - last;
    last = begun;
    if (!walk) {
      if (!turns.due(begun)) return undefined;
      walk = new TcpWalk(proc, [...(sockets.four > 0 ? [v4] : []), ...(sockets.six > 0 ? [v6] : [])]);
      cost = 0;
    }
    // So much that the whole is read before the next turn must come.
    const share = ((sockets.four + sockets.six) * lineBytes * passed) / (maxPause * 0.8) || 0;
    const states = walk.step(Math.max(sliceBytes, share));
    cost += clock.monotonic() - begun;
    if (!states) return undefined;
    walk = undefined;
    turns.took(cost);
    return states;
  }

  return {
    name: "netstat",
    sample({ clock }): readonly Reading[] {
      const sums = proc.findAgain("/proc/net/sockstat");
      // A kernel without IPv4, or one that tells nobody.
      if (sums === undefined) return [];
      const { waiting, udp, ...sockets } = totals(sums, proc.findAgain("/proc/net/sockstat6") ?? "");
      const fields = { tcp_time_wait: waiting, udp_socket: udp, ...counted(sockets, clock) };
      return [{ measurement: "netstat", tags: {}, fields }];
    },
    stop() {
      walk?.stop();
      walk = undefined;
    },
  };
}

/** Sockets of TCP, by the table that they stand in. */
interface Sockets {
  readonly four: number;
  readonly six: number;
}

function totals(four: string, six: string): Sockets & { readonly waiting: number; readonly udp: number } {
  // A kernel without IPv6 has no second file.
  const inSix = (label: string): number => numberAfter(six, label) || 0;
  const waiting = numberAfter(four, " tw ");
  return {
    four: numberAfter(four, "TCP: inuse ") + numberAfter(four, " orphan ") + waiting,
    six: inSix("TCP6: inuse "),
    waiting,
    udp: numberAfter(four, "UDP: inuse ") + inSix("UDP6: inuse "),
  };
}
