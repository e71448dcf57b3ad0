import { watch } from "node:fs";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";

/**
 * Calls `look` whenever something in a directory has changed: another process may rotate an authority, `muster broker` beside `muster console`.
 * The directory, because files are replaced as a whole.
 * @returns ends it
 */
export function watchDirectory(directory: string, look: () => void, log: Log): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, () => look());
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch (thrown) {
    log.warn(
      { err: asError(thrown), directory },
      "cannot watch the authority: a rotation elsewhere is heard at the next start",
    );
    return () => {};
  }
}
