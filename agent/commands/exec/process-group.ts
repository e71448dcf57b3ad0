import { errorCode } from "#shared/errors";

/** The process groups of the children that run now, by their leader's process id. */
const live = new Set<number>();

/**
 * Takes note of a child's process group, so that it ends with this process at the latest.
 * @returns forgets the group again
 */
export function trackGroup(leader: number): () => void {
  if (live.size === 0) process.once("exit", killAll);
  live.add(leader);
  return () => {
    live.delete(leader);
    if (live.size === 0) process.off("exit", killAll);
  };
}

/** Signals every process of the group; one that is gone already is no error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // EPERM: macOS says so of a group whose processes have ended and wait to be reaped.
    if (errorCode(error) !== "ESRCH" && errorCode(error) !== "EPERM") throw error;
  }
}

/** A child in a group of its own does not get the terminal's or the service manager's signal, and nobody else would end it. */
function killAll(): void {
  for (const leader of live) signalGroup(leader, "SIGKILL");
}
