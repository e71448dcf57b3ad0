import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "#disk/full-disk";
import { FileTrouble } from "./file-trouble.ts";

/** Bytes of all files that are kept here for whoever fetched them, or until they are put. */
export const maxKeptFileBytes = 2 * 1024 * 1024 * 1024;
/** Bytes of the disk that files leave free: for samples and commands, which must not wait for them. */
export const spareForSamples = 256 * 1024 * 1024;

export interface ShelfRoomOptions {
  readonly directory: string;
  readonly most?: number | undefined;
  readonly spare?: number | undefined;
}

/** How much of the console's disk files may take. */
export class ShelfRoom {
  readonly #options: Required<{ [K in keyof ShelfRoomOptions]: NonNullable<ShelfRoomOptions[K]> }>;
  /** By their paths, bytes that files on their way are to have. */
  readonly #promised = new Map<string, number>();

  constructor({ directory, most = maxKeptFileBytes, spare = spareForSamples }: ShelfRoomOptions) {
    this.#options = { directory, most, spare };
  }

  /** Room for a file that is on its way. @param have bytes of it that are there @throws FileTrouble */
  claim(path: string, size: number, have: number): void {
    const { directory, most, spare } = this.#options;
    this.#promised.set(path, size);
    try {
      const kept = this.#kept(directory) + (existsSync(path) ? 0 : size);
      if (kept > most)
        throw new FileTrouble(
          "no-space",
          `the console keeps ${most} bytes of files at most, and with this one there would be ${kept}: those that were fetched go after a day, or when they are forgotten`,
        );
      const { bavail, bsize } = statfsSync(directory);
      if (bavail * bsize < size - have + spare)
        throw new FileTrouble(
          "no-space",
          `the console's disk has ${bavail * bsize} bytes free, and ${spare} of them are for samples: make room on it`,
        );
    } catch (thrown) {
      this.release(path);
      throw thrown;
    }
  }

  /** It is here, or does not come. */
  release(path: string): void {
    this.#promised.delete(path);
  }

  #kept(directory: string): number {
    let bytes = 0;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) bytes += this.#kept(path);
      else bytes += Math.max(statSync(path, { throwIfNoEntry: false })?.size ?? 0, this.#promised.get(path) ?? 0);
    }
    return bytes;
  }
}

/** A full disk in words; anything else as it is. */
export function asFileTrouble(thrown: unknown): unknown {
  return isDiskFull(thrown) ? new FileTrouble("no-space", "the console's disk is full: make room on it") : thrown;
}
