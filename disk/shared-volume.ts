import { closeSync, constants, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { openRegularFile } from "./regular-file.ts";

/** File systems that several machines can have at once, by their numbers in statfs(2). */
const shared: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE: sshfs, GlusterFS and others
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x0bd00bd0, // Lustre
  0x7461636f, // OCFS2
  0x01161970, // GFS2
]);

/** Whether another machine may have the same directory. A local disk has a beat written to it by nobody, and is worn by none. */
export function isOnSharedVolume(directory: string): boolean {
  try {
    // Of 32 bits, which some systems tell with a sign.
    return shared.has(statfsSync(directory).type >>> 0);
  } catch {
    return false;
  }
}

/** Milliseconds between two beats of a machine on a shared volume, and after which one without a beat is gone: two may be lost. */
export const beatEvery = 10_000;
export const beatGone = 30_000;

/** Says that this machine lives. Written and not touched: so the time is that of whoever has the disk, whose clock counts for all. */
export function beat(path: string): void {
  const file = openRegularFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC);
  try {
    writeSync(file, "\n");
  } finally {
    closeSync(file);
  }
}

/** Milliseconds from one machine's last beat until another's; Infinity where the first has none, 0 where the other could write none. */
export function beatAge(path: string, until: string): number {
  const [last, own] = [path, until].map((one) => statSync(one, { throwIfNoEntry: false })?.mtimeMs);
  if (last === undefined) return Infinity;
  return own === undefined ? 0 : own - last;
}

export function endBeat(path: string): void {
  rmSync(path, { force: true });
}
