import { join } from "node:path";
import * as z from "zod/mini";
import { asError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";
import { moveAside } from "#disk/aside";
import { systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { settings } from "#shared/settings";

const preferences = z.object({
  /** Milliseconds between samples. */
  interval: z.optional(z.number().check(z.gte(settings.interval.min), z.lte(settings.interval.max))),
  paused: z.optional(z.boolean()),
  /** Collectors that were switched on or off, by name. */
  collectors: z.optional(z.record(z.string(), z.boolean())),
  /** The settings from the console, by their hash, under which that was: what later ones say of the same comes after it. */
  under: z.optional(z.string()),
});
export type Changed = z.infer<typeof preferences>;

/**
 * What was changed from the console. It comes before the settings, and is kept in the agent's directory; without one it lives as long as
 * the process.
 */
export class Preferences {
  readonly #path: string | undefined;
  readonly #log: Log;
  readonly #disk: Disk;
  readonly #under: string | undefined;
  #changed: Changed;

  /**
   * Reads what is kept. A damaged file is put aside, and the settings hold again.
   * @param console the settings that came from the console, by their hash and what they say
   */
  constructor(
    directory: string | undefined,
    log: Log,
    disk = systemDisk,
    console?: { readonly hash: string; readonly inForce: Readonly<Record<string, string>> },
  ) {
    this.#path = directory === undefined ? undefined : join(directory, "preferences.json");
    this.#log = log;
    this.#disk = disk;
    this.#under = console?.hash;
    const kept = this.#path === undefined ? {} : this.#read(this.#path);
    this.#changed = console ? without(kept, console) : kept;
  }

  get changed(): Changed {
    return this.#changed;
  }

  /** Takes changes, and flushes them to the disk. @returns whether they will outlive this run */
  change(changes: Changed): boolean {
    const collectors = { ...this.#changed.collectors, ...changes.collectors };
    const under = this.#under === undefined ? {} : { under: this.#under };
    this.#changed = { ...this.#changed, ...changes, collectors, ...under };
    return this.#path !== undefined && this.#write(this.#path);
  }

  #read(path: string): Changed {
    try {
      return parsePreferences(readRegularFile(path, maxSmallFileBytes));
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return {};
      this.#log.warn({ path, err: asError(thrown) }, "what was changed remotely cannot be read: the settings hold");
      // Where it cannot even be read it stays; the next change tells whether it can be written.
      if (errorCode(thrown) === undefined) this.#setAside(path);
      return {};
    }
  }

  #setAside(path: string): void {
    try {
      moveAside(path, `${path}.damaged`, this.#disk);
    } catch (thrown) {
      this.#log.warn({ path, err: asError(thrown) }, "it could not be put aside");
    }
  }

  #write(path: string): boolean {
    try {
      makeDirectory(join(path, ".."), undefined, this.#disk);
      replaceFile(path, `${JSON.stringify(this.#changed)}\n`, this.#disk);
      return true;
    } catch (thrown) {
      this.#log.warn({ path, err: asError(thrown) }, "what was changed remotely is not kept: a restart will undo it");
      return false;
    }
  }
}

/** The newest word counts: what was switched by command before settings came that say it otherwise is over. */
function without(
  { interval, collectors, ...kept }: Changed,
  { hash, inForce }: { readonly hash: string; readonly inForce: Readonly<Record<string, string>> },
): Changed {
  const isNewer = kept.under === hash;
  return {
    ...kept,
    ...(interval !== undefined && (isNewer || inForce["interval"] === undefined) ? { interval } : {}),
    ...(collectors && (isNewer || inForce["collectors"] === undefined) ? { collectors } : {}),
  };
}

/** @throws Error for what does not read */
export function parsePreferences(bytes: Buffer): Changed {
  return check(preferences, JSON.parse(bytes.toString("utf8")), "preferences.json");
}
