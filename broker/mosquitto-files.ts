import { join } from "node:path";
import { EnvironmentError } from "#shared/errors";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { isCheap, isNarrow, renderAcl, renderPasswords, type MosquittoAccount } from "./mosquitto-access.ts";

/**
 * Writes `passwd` and `acl` for Mosquitto into `directory`, each as a whole or not at all: Mosquitto may read them at any moment,
 * and a power cut may come right after.
 * Only their owner can read them, and it stays the owner that they had.
 * @returns the names of those who cannot log in there, because their hash, or the number of devices that they are limited to, would cost Mosquitto too much
 * @throws EnvironmentError where they cannot be written
 */
export function writeMosquittoFiles(
  directory: string,
  root: string,
  accounts: readonly MosquittoAccount[],
): readonly string[] {
  const files = { passwd: renderPasswords(accounts), acl: renderAcl(root, accounts) };
  try {
    makeDirectory(directory, 0o750);
    for (const [name, text] of Object.entries(files)) replaceFile(join(directory, name), text);
    return accounts.filter((account) => !isCheap(account) || !isNarrow(account)).map(({ name }) => name);
  } catch (cause) {
    throw new EnvironmentError(
      `cannot write Mosquitto's files in ${directory}: they belong to the user that runs Muster (or to root, where Muster runs as root)`,
      { cause },
    );
  }
}
