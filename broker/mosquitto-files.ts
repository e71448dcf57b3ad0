import { join } from "node:path";
import { EnvironmentError } from "#shared/errors";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { isCheap, isNarrow, renderAcl, renderPasswords, type MosquittoAccount } from "./mosquitto-access.ts";

/** What goes with the accounts where devices have certificates. */
export interface CertificateFiles {
  /** Devices whose certificates were revoked. */
  readonly shutOut: readonly string[];
  /** Files by their names: the authorities of certificates, and which of these are good no more. */
  readonly more: Readonly<Record<string, string>>;
}

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
  { shutOut, more }: CertificateFiles = { shutOut: [], more: {} },
): readonly string[] {
  const files = { passwd: renderPasswords(accounts), acl: renderAcl(root, accounts, shutOut), ...more };
  try {
    makeDirectory(directory, 0o750);
    for (const [name, text] of Object.entries(files)) replaceFile(join(directory, name), text);
    return accounts
      .filter((account) => !account.certified && (!isCheap(account) || !isNarrow(account)))
      .map(({ name }) => name);
  } catch (cause) {
    throw new EnvironmentError(
      `cannot write Mosquitto's files in ${directory}: they belong to the user that runs Muster (or to root, where Muster runs as root)`,
      { cause },
    );
  }
}
