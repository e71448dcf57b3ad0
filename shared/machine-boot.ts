import { readFileSync, readlinkSync } from "node:fs";

/** An id that the kernel makes anew at each boot of the machine; undefined where the system has none. */
export function machineBootId(path = "/proc/sys/kernel/random/boot_id"): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not Linux: a reboot cannot be told from a restart by this.
    return undefined;
  }
}

/** The time namespace that a machine boots with, by the kernel's fixed number (PROC_TIME_INIT_INO). */
const firstTimeNamespace = "4026531834";
const bootLetters = 8;

/**
 * What an agent calls the present boot of its machine in its batches: two that say the same have one clock. In a time namespace, as of a container that was
 * moved here running, the uptime counts from somewhere else.
 */
export function machineEpoch(boot = machineBootId(), timeNamespace = ownTimeNamespace()): string | undefined {
  const short = boot?.slice(0, bootLetters);
  if (short === undefined || timeNamespace === undefined || timeNamespace === firstTimeNamespace) return short;
  return `${short}-${timeNamespace}`;
}

/** Whether two epochs are of one boot, and so of one wall clock. */
export function isSameBoot(one: string, other: string): boolean {
  return one.slice(0, bootLetters) === other.slice(0, bootLetters);
}

function ownTimeNamespace(): string | undefined {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/time"))?.[0];
  } catch {
    // Older than Linux 5.6, or not Linux.
    return undefined;
  }
}
