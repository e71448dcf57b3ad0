import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentError, errorCode } from "#shared/errors";
import { shortId } from "#shared/ids";

/**
 * An id of this installation that survives restarts, by which the console tells a second agent under the same device id
 * from the first one come back. Without a directory it lives as long as the process.
 * @throws EnvironmentError when the directory cannot be used
 */
export function instanceId(directory: string | undefined): string {
  if (directory === undefined) return shortId();
  const path = join(directory, "instance");
  try {
    return readFileSync(path, "utf8").trim() || write(directory, path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return write(directory, path);
    throw new EnvironmentError(`cannot read ${path}`, { cause: error });
  }
}

function write(directory: string, path: string): string {
  const id = shortId();
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${id}\n`, { mode: 0o600 });
    return id;
  } catch (cause) {
    throw new EnvironmentError(`cannot write ${path}: check the directory's permissions, or set MUSTER_DATA`, {
      cause,
    });
  }
}
