import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asRoot, smallDisk } from "./small-disk.ts";
import type { Scope } from "./suite.ts";

/** MiB of the disk: room for a journal and some seconds of everything that a console keeps. */
const size = 64;
/**
 * What nobody syncs stays in memory: the journal is not written by the clock, and a file that replaces another one gets no help from the
 * kernel. Dirty pages leave by themselves after 30 s, so that a test has to cut the power before.
 */
const options = "loop,noatime,commit=600,noauto_da_alloc";

/** A disk of one's own, whose power can be cut. */
export interface PowerDisk {
  /** Where it is mounted. */
  readonly directory: string;
  /**
   * The disk as it was at this moment: with what was synced, and nothing of what waits in memory. To be called when the processes that
   * write to it were killed. May be called again.
   * @returns where the copy is mounted, as after the next boot
   */
  cut(): string;
}

/**
 * An ext4 file system on an image in memory. Mounting takes root or sudo.
 * @throws Error where neither is to be had, or there is no ext4: a test of a power cut that did not happen must not count as passed
 */
export async function powerDisk(scope: Pick<Scope, "directory" | "cleanup">): Promise<PowerDisk> {
  // Room for the image and two copies of it, which are sparse.
  const memory = await smallDisk(scope, 3 * size * 1024);
  const image = join(memory, "disk.img");
  makeDiskImage(image, size);
  const directory = mount(scope, image, join(memory, "disk"));
  let cuts = 0;
  return {
    directory,
    cut: () => {
      const copy = join(memory, `cut-${++cuts}.img`);
      copyFileSync(image, copy);
      return mount(scope, copy, join(memory, `cut-${cuts}`));
    },
  };
}

function mount(scope: Pick<Scope, "cleanup">, image: string, directory: string): string {
  mkdirSync(directory);
  mountDiskImage(image, directory);
  scope.cleanup(() => asRoot("umount", "-l", directory));
  return directory;
}

/** A new ext4 file system in a file. @param size in MiB */
export function makeDiskImage(image: string, size: number): void {
  writeFileSync(image, "");
  truncateSync(image, size * 1024 * 1024);
  const extended = "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=" + ownerOf();
  // Where the system keeps it is not on everybody's path.
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  // Blocks as on disks of a machine's size. Those of 1 KiB, which so small a system would have, end SQLite by SIGBUS on a full disk: of
  // each page of a mapped -shm it writes a byte to have room for the whole of it, and gets a quarter.
  execFileSync("mkfs.ext4", ["-q", "-F", "-m", "0", "-b", "4096", "-E", extended, image], { env });
}

/** Mounts it as a disk whose power may go: a copy of the image is what a cut leaves of it. */
export function mountDiskImage(image: string, directory: string): void {
  asRoot("mount", "-t", "ext4", "-o", options, image, directory);
}

function ownerOf(): string {
  return `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
}
