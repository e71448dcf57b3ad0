import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../console/database/database.ts";
import type { Scope } from "./suite.ts";

/**
 * A directory on a file system of its own, 64 KiB small unless said otherwise, so that a full disk is a real one. Mounting takes
 * root or sudo.
 * @param size in KiB
 * @throws Error where neither is to be had: a test of a full disk that did not run must not count as passed
 */
export async function smallDisk(scope: Pick<Scope, "directory" | "cleanup">, size = 64): Promise<string> {
  const directory = join(await scope.directory(), "small");
  mkdirSync(directory);
  asRoot("mount", "-t", "tmpfs", "-o", `size=${size}k,mode=1777`, "tmpfs", directory);
  scope.cleanup(() => asRoot("umount", "-l", directory));
  return directory;
}

/** Takes what room there is, to the last byte, with one file. @returns its path: remove it, and there is room again */
export function fillDisk(directory: string, name = "filler"): string {
  const filler = join(directory, name);
  for (let size = 1024 * 1024; size >= 1;) {
    try {
      writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
    } catch {
      // This much does not fit any more; half of it may.
      size = Math.floor(size / 2);
    }
  }
  return filler;
}

/** Writes into a database on a disk that is full until not one page more fits. */
export function exhaust(database: Database): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  try {
    for (;;) database.exec(`PRAGMA user_version = ${version}`);
  } catch {
    // Not one page more fits into its log.
  }
}

/** Runs a program as root, by sudo where this process is not. @throws Error where neither is to be had */
export function asRoot(program: string, ...args: string[]): void {
  if (process.getuid?.() === 0) execFileSync(program, args);
  else execFileSync("sudo", ["-n", program, ...args]);
}
