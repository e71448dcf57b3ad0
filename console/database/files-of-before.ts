import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";
import { databaseFiles } from "./mend.ts";

/** A file that was there in an earlier run, and what it means that it is gone. */
export interface MissingFile {
  readonly file: string;
  readonly why: string;
}

/** The list's own file: `files.json`. */
export const listName = "files.json";
const list = z.object({ v: z.literal(1), files: z.array(z.string()), mark: z.optional(z.number()) });

const goOn =
  "If its disk is not mounted, or it was moved: stop Muster, put it back in the place of the new one, and start again";
const meanings: Readonly<Record<string, string>> = {
  "muster.db": `it was there before and is gone: a new one is begun, without the accounts, devices and commands of before. ${goOn}. Otherwise enroll each device again (npx muster enroll NAME)`,
  "metrics.db": `it was there before and is gone, and the embedded store's history with it: a new one is begun. ${goOn}`,
  "spool.db": `it was there before and is gone: simple samples that waited in it for the store are lost. ${goOn}`,
  "held.db": `it was there before and is gone: values that waited in it for somebody to settle their type are lost. ${goOn}`,
};
const secretsMeaning = "it was there before and is gone: a new secret is made for this machine's own program";

/**
 * Knows which files there were in the data directory, so that one that is gone is told: without this, a database that was removed, or
 * whose disk did not come up, is made anew and looks like one that never held anything.
 */
export class FilesOfBefore {
  readonly #directory: string;
  readonly #log: Log;
  readonly #disk: Disk;
  #known: ReadonlySet<string> = new Set();
  #written: ReadonlySet<string> = new Set();
  #mark = 0;

  constructor(directory: string, log: Log, disk = systemDisk) {
    this.#directory = directory;
    this.#log = log;
    this.#disk = disk;
  }

  /** To be asked before anything is opened, which would make it. */
  missing(): readonly MissingFile[] {
    const present = presentFiles(this.#directory);
    const kept = this.#read();
    this.#written = this.#known = new Set(kept);
    // An earlier version kept no list: but there is no console without accounts.
    if (present.length > 0 && kept.length === 0) this.#known = new Set(["muster.db"]);
    const gone = [...this.#known].filter((file) => !present.includes(file));
    this.#known = new Set(present);
    return gone.map((file) => ({ file, why: meanings[file] ?? secretsMeaning }));
  }

  /** The number of the mark with which the last run began; 0 where none is known. To be asked after {@link missing}. */
  get mark(): number {
    return this.#mark;
  }

  /** Adds what is there by now. What goes while Muster runs is told by the next start. @param mark the number with which this run has begun */
  note(mark = this.#mark): void {
    this.#known = new Set([...this.#known, ...presentFiles(this.#directory)]);
    if (isSame(this.#known, this.#written) && mark === this.#mark) return;
    try {
      const files = [...this.#known].sort();
      replaceFile(join(this.#directory, listName), `${JSON.stringify({ v: 1, files, mark })}\n`, this.#disk);
      this.#written = this.#known;
      this.#mark = mark;
    } catch (thrown) {
      this.#log.warn(
        { err: asError(thrown) },
        "which files there are could not be written down: one that goes may not be missed",
      );
    }
  }

  #read(): readonly string[] {
    const path = join(this.#directory, listName);
    try {
      const { files, mark = 0 } = check(
        list,
        JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")),
        path,
      );
      this.#mark = mark;
      return files;
    } catch (thrown) {
      if (errorCode(thrown) !== "ENOENT")
        this.#log.warn(
          { path, err: asError(thrown) },
          "the list of files does not read: it is made anew from what is there",
        );
      return [];
    }
  }
}

/** The console's databases, and the secrets of this machine's own programs: not what is written anew at each start. */
function presentFiles(directory: string): string[] {
  // A kill while a damaged one was replaced has left the new one under this name.
  const databases = databaseFiles.filter(
    (name) => existsSync(join(directory, name)) || existsSync(join(directory, `${name}.new`)),
  );
  return [...databases, ...secretsIn(join(directory, "secrets"))];
}

function secretsIn(path: string): string[] {
  try {
    const names = readdirSync(path).filter(
      (name) => /^[a-z0-9][a-z0-9._-]*$/.test(name) && !/^cli\.|\.new$/.test(name),
    );
    return names.map((name) => `secrets/${name}`);
  } catch {
    // There is none yet, or it cannot be listed: whoever needs a secret says so.
    return [];
  }
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
