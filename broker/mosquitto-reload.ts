import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "#shared/errors";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";

/** `told`: it reads its files anew at this moment. `absent`: no Mosquitto of this machine has said that it runs there. `forbidden`: it is another user's. */
export type Reload = "told" | "absent" | "forbidden";

/** Where the shipped mosquitto.conf has Mosquitto write its process id, beside the files that it reads. */
const pidFile = "mosquitto.pid";

/**
 * Has Mosquitto read its password and access files anew, with a SIGHUP: it then closes the connections of those who are gone or have another
 * secret, and holds the others to their new rights (tried on 2.0.11).
 */
export function reloadMosquitto(directory: string): Reload {
  const pid = pidIn(join(directory, pidFile));
  if (pid === undefined || !isMosquitto(pid)) return "absent";
  try {
    process.kill(pid, "SIGHUP");
    return "told";
  } catch (thrown) {
    if (errorCode(thrown) === "EPERM") return "forbidden";
    if (errorCode(thrown) === "ESRCH") return "absent";
    throw thrown;
  }
}

/** What to do where it was not told. */
export function reloadByHand(reload: Reload): string | undefined {
  if (reload === "told") return undefined;
  const why = reload === "forbidden" ? "it is another user's process" : "no mosquitto.pid beside its files names one";
  return `Mosquitto was not told (${why}): where it is the broker, send it a SIGHUP; until then it goes on with what it has read, and what is open there stays open`;
}

function pidIn(path: string): number | undefined {
  try {
    const text = readRegularFile(path, maxSmallFileBytes).toString("utf8").trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The file outlives a kill, and may be of a container with process ids of its own: a SIGHUP would end whoever has that number here. */
function isMosquitto(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "mosquitto";
  } catch {
    return false;
  }
}
