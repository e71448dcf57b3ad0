import { lstatSync } from "node:fs";
import { join } from "node:path";
import { systemDisk, type Disk } from "#disk/calls";
import { makingDirectory, replaceFiles } from "#disk/durable-file";
import { readRegularFile } from "#disk/regular-file";
import { EnvironmentError } from "#shared/errors";
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
 * Only their owner can read them, and it stays the owner that they had. What stands there already is not written again, and the others are
 * brought to the disk at the same time: somebody may be waiting to be thrown out. They get their names in one go: of two who write, Mosquitto is
 * never to read one's passwords beside the other's rules.
 * @param placed called in the moment in which all are in their places, before another one's can be
 * @returns the names of those who cannot log in there, because their hash, or the number of devices that they are limited to, would cost Mosquitto too much
 * @throws EnvironmentError where they cannot be written
 */
export async function writeMosquittoFiles(
  directory: string,
  root: string,
  accounts: readonly MosquittoAccount[],
  { shutOut, more }: CertificateFiles = { shutOut: [], more: {} },
  placed: () => void = () => {},
  disk: Disk = systemDisk,
): Promise<readonly string[]> {
  const files = { passwd: renderPasswords(accounts), acl: renderAcl(root, accounts, shutOut), ...more };
  try {
    await disk.soon(makingDirectory(directory, 0o750));
    const contents = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const);
    const fresh = contents.filter(([name, content]) => !stands(join(directory, name), content));
    await replaceFiles(directory, new Map(fresh), placed, disk);
  } catch (cause) {
    throw new EnvironmentError(
      `cannot write Mosquitto's files in ${directory}: they belong to the user that runs Muster (or to root, where Muster runs as root)`,
      { cause },
    );
  }
  return accounts
    .filter((account) => !account.certified && (!isCheap(account) || !isNarrow(account)))
    .map(({ name }) => name);
}

/** Whether a file has this content already, and is its owner's alone. */
function stands(path: string, content: Buffer): boolean {
  try {
    return (lstatSync(path).mode & 0o777) === 0o600 && readRegularFile(path, content.length).equals(content);
  } catch {
    return false;
  }
}
