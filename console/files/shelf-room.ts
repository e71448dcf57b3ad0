import { readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "#disk/full-disk";
import { FileTrouble } from "./file-trouble.ts";

/** Bytes of all files that are kept here for whoever fetched them, or until they are put. */
export const maxKeptFileBytes = 2 * 1024 * 1024 * 1024;
/** Files that are kept here, however small: each is looked at once an hour, in one go. */
export const maxKeptFiles = 8_192;
/** What one person may have given of both, so that nobody takes the others' room. */
export const maxGivenFiles = 256;
export const maxGivenBytes = maxKeptFileBytes / 2;
/** Bytes of the disk that files leave free: for samples and commands, which must not wait for them. */
export const spareForSamples = 256 * 1024 * 1024;

export interface ShelfRoomOptions {
  readonly directory: string;
  readonly most?: number | undefined;
  readonly spare?: number | undefined;
}

/** A file that is here or is to be, and who has given it; nobody where it came from a device, or before this start. */
interface Kept {
  readonly bytes: number;
  readonly by: string | undefined;
}

interface Sum {
  files: number;
  bytes: number;
}

/** How much of the console's disk files may take. What they take is looked at once and kept count of from then on. */
export class ShelfRoom {
  readonly #options: Required<{ [K in keyof ShelfRoomOptions]: NonNullable<ShelfRoomOptions[K]> }>;
  readonly #kept = new Map<string, Kept>();
  readonly #all: Sum = { files: 0, bytes: 0 };
  readonly #shares = new Map<string, Sum>();

  constructor({ directory, most = maxKeptFileBytes, spare = spareForSamples }: ShelfRoomOptions) {
    this.#options = { directory, most, spare };
  }

  /** Looks at what is there. */
  start(): void {
    this.#lookIn(this.#options.directory);
  }

  /** Room for a file that is on its way. @param have bytes of it that are there @param by who gives it @throws FileTrouble */
  claim(path: string, size: number, have: number, by?: string): void {
    const { directory, most, spare } = this.#options;
    const before = this.#kept.get(path);
    const owner = before ? before.by : by;
    const files = before ? 0 : 1;
    const bytes = Math.max(0, size - (before?.bytes ?? 0));
    assertWithin(this.#all, { files, bytes }, { files: maxKeptFiles, bytes: most }, "the console keeps");
    const share = owner === undefined ? undefined : (this.#shares.get(owner) ?? { files: 0, bytes: 0 });
    if (share)
      assertWithin(share, { files, bytes }, { files: maxGivenFiles, bytes: maxGivenBytes }, "one person gives");
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < size - have + spare)
      throw new FileTrouble(
        "no-space",
        `the console's disk has ${bavail * bsize} bytes free, and ${spare} of them are for samples: make room on it`,
      );
    this.#set(path, { bytes: Math.max(size, before?.bytes ?? 0), by: owner });
  }

  /** It is here, or does not come, or is gone: it counts as what is there of it. */
  release(path: string, by = this.#kept.get(path)?.by): void {
    const stats = statSync(path, { throwIfNoEntry: false });
    this.#set(path, stats?.isFile() ? { bytes: stats.size, by } : undefined);
  }

  /** It has another name now. */
  renamed(from: string, to: string): void {
    this.release(to, this.#kept.get(from)?.by);
    this.release(from);
  }

  #set(path: string, now: Kept | undefined): void {
    const before = this.#kept.get(path);
    if (before) this.#count(before, -1);
    if (now) {
      this.#kept.set(path, now);
      this.#count(now, 1);
    } else this.#kept.delete(path);
  }

  #count({ bytes, by }: Kept, sign: 1 | -1): void {
    add(this.#all, bytes, sign);
    if (by === undefined) return;
    const share = this.#shares.get(by) ?? { files: 0, bytes: 0 };
    add(share, bytes, sign);
    if (share.files > 0) this.#shares.set(by, share);
    else this.#shares.delete(by);
  }

  #lookIn(directory: string): void {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) this.#lookIn(path);
      else this.release(path);
    }
  }
}

function add(sum: Sum, bytes: number, sign: 1 | -1): void {
  sum.files += sign;
  sum.bytes += sign * bytes;
}

function assertWithin(present: Sum, more: Sum, most: Sum, who: string): void {
  for (const what of ["files", "bytes"] as const) {
    const would = present[what] + more[what];
    if (more[what] > 0 && would > most[what])
      throw new FileTrouble(
        "no-space",
        `${who} ${most[what]} ${what} at most${what === "bytes" ? " of files" : ""}, and with this one there would be ${would}: they go after a day, those that were fetched also when they are forgotten`,
      );
  }
}

/** A full disk in words; anything else as it is. */
export function asFileTrouble(thrown: unknown): unknown {
  return isDiskFull(thrown) ? new FileTrouble("no-space", "the console's disk is full: make room on it") : thrown;
}
