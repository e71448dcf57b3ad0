import { statfs, statfsSync } from "node:fs";
import { promisify } from "node:util";
import type { Clock } from "#shared/clock";
import { mounts, type Mount } from "./mounts.ts";
import type { Collector, Reading } from "./collector.ts";
import { nameFilter, usualNames, type NameFilter } from "./name-filter.ts";
import type { ProcReader } from "./proc.ts";
import { rounded } from "./rounded.ts";

/** What statfs(2) tells of a file system: sizes in blocks of `bsize` bytes, and inodes. */
export interface Capacity {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** The two ways to ask: a local file system answers from memory in microseconds, a remote one may not answer at all. */
interface Statfs {
  local(path: Buffer): Capacity;
  remote(path: Buffer): Promise<Capacity>;
}

/**
 * File systems of the machine's own disks. All others are taken for remote, because nobody knows the names of all that are: a
 * network's, a cluster's, a hypervisor's, or a program's behind FUSE, any of which may hang for as long as it likes.
 */
const local = new Set(
  (
    "bcachefs bfs btrfs cramfs efivarfs erofs exfat ext2 ext3 ext4 f2fs hfs hfsplus hpfs hugetlbfs jffs2 jfs minix msdos " +
    "nilfs2 ntfs ntfs3 ramfs reiserfs reiser4 romfs rootfs ubifs udf ufs vfat xfs yaffs2 zfs zonefs"
  ).split(" "),
);
/** How long a remote file system may think, in milliseconds. */
const patience = 1_000;
/** A silent one holds one of libuv's four threads, which the agent needs for its own files: no third one is asked then. */
const maxSilent = 2;

/** The space and the inodes of each mounted file system that has any. */
export function disk(
  proc: ProcReader,
  ask: Statfs = { local: statfsSync, remote: promisify(statfs) },
  wanted: NameFilter = nameFilter(usualNames.mounts),
): Collector {
  const silent = new Set<string>();
  const mounted = mounts(proc, wanted);

  async function askRemote({ path, bytes }: Mount, clock: Clock): Promise<Capacity | undefined> {
    if (silent.has(path) || silent.size >= maxSilent) return undefined;
    silent.add(path);
    const answer = ask.remote(bytes).finally(() => silent.delete(path));
    let cancel: (() => void) | undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = clock.after(patience, () => resolve(undefined));
    });
    return await Promise.race([answer, late]).finally(cancel);
  }

  /** No access to a mount point, or one that is gone again, is nothing to report. */
  async function capacity(mount: Mount, clock: Clock): Promise<Capacity | undefined> {
    try {
      return local.has(mount.fstype) ? ask.local(mount.bytes) : await askRemote(mount, clock);
    } catch {
      return undefined;
    }
  }

  return {
    name: "disk",
    async sample({ clock, problem }) {
      const readings: Reading[] = [];
      for (const mount of mounted()) {
        const answer = await capacity(mount, clock);
        if (answer && answer.blocks > 0) readings.push(reading(mount, answer));
      }
      for (const path of silent)
        problem(new Error(`the file system at ${path} does not answer; it is left out until it does`));
      return readings;
    },
  };
}

function reading({ path, device, fstype, mode }: Mount, capacity: Capacity): Reading {
  const { bsize, blocks, bfree, bavail, files, ffree } = capacity;
  const used = (blocks - bfree) * bsize;
  const free = bavail * bsize;
  const inodes = Math.max(0, files - ffree);
  const fields = {
    total: blocks * bsize,
    free,
    used,
    used_percent: usedPercent(used, free),
    inodes_total: files,
    inodes_free: ffree,
    inodes_used: inodes,
    inodes_used_percent: files > 0 ? rounded((100 * inodes) / files) : 0,
  };
  return { measurement: "disk", tags: { path, device, fstype, mode }, fields };
}

/** Of what people may use, as `df` has it: the blocks reserved for root count neither as used nor as free. */
export function usedPercent(used: number, free: number): number {
  return used + free > 0 ? rounded((100 * used) / (used + free)) : 0;
}
