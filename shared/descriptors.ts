import { readFileSync } from "node:fs";

/**
 * Descriptors that connections leave alone: some 30 of Node itself, three databases with their logs, the log, the agent's outbox and
 * socket, what it runs (3 for each child), connections to InfluxDB.
 */
export const reservedDescriptors = 96;
/** The part of the others that HTTP gets at most, where there are not enough for both ports. */
const httpPart = 1 / 4;

/** How many connections each port takes. */
export interface Ports {
  readonly mqtt: number;
  readonly http: number;
}

/** How many files and sockets the system lets this process have open; undefined where it does not say so in /proc. */
export function descriptorLimit(
  read: () => string = () => readFileSync("/proc/self/limits", "utf8"),
): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(read()) ?? [];
    return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/**
 * What the ports get of what they want: with more connections than descriptors, the process could at last open neither its
 * database nor its log.
 */
export function portsWithin(limit: number | undefined, wanted: Ports): Ports {
  const left = Math.max(8, (limit ?? Infinity) - Math.min(reservedDescriptors, (limit ?? 0) / 2));
  if (wanted.mqtt + wanted.http <= left) return wanted;
  const http = Math.min(wanted.http, Math.floor(wanted.mqtt > 0 ? left * httpPart : left));
  return { http, mqtt: Math.min(wanted.mqtt, Math.floor(left - http)) };
}
