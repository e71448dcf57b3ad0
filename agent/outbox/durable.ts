import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";

/** What the outbox writes is for its own user alone. */
export const fileMode = 0o600;

/** Windows opens no directory as a file; it needs no such sync either. */
const directoriesSync = process.platform !== "win32";

/** A file that was made, renamed or removed is so for good once its directory is on the disk. */
export function syncDirectory(path: string): void {
  if (!directoriesSync) return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export async function directorySynced(path: string): Promise<void> {
  if (!directoriesSync) return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The whole new content or the whole old one, whatever happens meanwhile. @throws the system's error */
export function replaceFile(path: string, content: string | Buffer): void {
  const beside = `${path}.new`;
  const descriptor = openSync(beside, "w", fileMode);
  try {
    writeFileSync(descriptor, content);
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(beside, path);
  syncDirectory(dirname(path));
}
