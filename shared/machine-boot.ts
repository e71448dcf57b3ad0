import { readFileSync } from "node:fs";

/** An id that the kernel makes anew at each boot of the machine; undefined where the system has none. */
export function machineBootId(path = "/proc/sys/kernel/random/boot_id"): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not Linux: a reboot cannot be told from a restart by this.
    return undefined;
  }
}

/** What an agent calls the present boot of its machine in its batches: two that say the same have one clock. */
export function machineEpoch(boot = machineBootId()): string | undefined {
  return boot?.slice(0, 8);
}
