import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { errorCode } from "#shared/errors";
import { check, count, epochMs } from "#shared/messages/payload-schema";
import { noRelease } from "#shared/release/check-release";

const schema = z.object({
  root: count,
  targets: count,
  ts: epochMs,
  /** As in `KnownRelease`. */
  roots: z.optional(z.readonly(z.array(z.string()))),
  pinned: z.optional(z.string()),
  /** The command that has switched last, and to which version. */
  command: z.optional(z.string()),
  name: z.optional(z.string()),
});
export type KeptRelease = z.infer<typeof schema>;

/** What is known of releases, in the agent's directory, on the disk before anything is done by it. */
export class KnownReleaseFile {
  readonly #directory: string;
  readonly #path: string;
  readonly #disk: Disk;

  constructor(directory: string, disk = systemDisk) {
    this.#directory = directory;
    this.#path = join(directory, "release.json");
    this.#disk = disk;
  }

  /** @throws Error where it does not read: then nobody knows which releases are old ones */
  read(): KeptRelease {
    try {
      return check(schema, JSON.parse(readRegularFile(this.#path, maxSmallFileBytes).toString("utf8")), "release.json");
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return noRelease;
      throw new Error(`${this.#path} does not read: remove it, and whatever is served as a release counts as new`, {
        cause: thrown,
      });
    }
  }

  /** @throws the system's error */
  write(kept: KeptRelease): void {
    makeDirectory(this.#directory, undefined, this.#disk);
    replaceFile(this.#path, `${JSON.stringify(kept)}\n`, this.#disk);
  }
}
