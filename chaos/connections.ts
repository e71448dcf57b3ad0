import { readdirSync, readlinkSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Resolves when this process has no file of this name open any more. A connection to SQLite lives on behind its end, as long as a statement
 * of it has not been collected. Then it gives up every lock that the process has on the file; and it removes the log beside it by its name,
 * though another disk may stand there by now: a console whose power was cut meanwhile would lose all that it has not moved into its file.
 * @param path of a database, or of a directory of them @throws Error when a connection stays
 */
export async function connectionsGone(path: string): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    if (!isOpenHere(path)) return;
    collectGarbage();
    // What was collected is undone in a turn of its own.
    await nextTurn();
  }
  throw new Error(`a connection to ${path} cannot be closed`);
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Whether this process has a file open whose path begins with this one. */
export function isOpenHere(path: string): boolean {
  return readdirSync("/proc/self/fd").some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(path);
    } catch {
      // It was of this listing itself.
      return false;
    }
  });
}
