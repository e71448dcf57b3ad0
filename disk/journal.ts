import { constants } from "node:fs";
import { dirname } from "node:path";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import { asideName, keepBeside, moveAside, trimDamaged } from "./aside.ts";
import { call, systemDisk, type Disk, type Work } from "./calls.ts";
import { parseLines, toLine } from "./checked-line.ts";
import { makeDirectory, replacing, syncingDirectory, truncateFile, writing } from "./durable-file.ts";
import { isDiskFull, writingAdvice } from "./full-disk.ts";
import { GroupCommit } from "./group-commit.ts";
import { readRegularFile } from "./regular-file.ts";

/** What reading found. */
export interface Contents {
  /** Whether there is such a file. */
  readonly there: boolean;
  /** In their order. */
  readonly records: readonly unknown[];
  /** Lines whose checksum is wrong. A torn last line is not among them: it is an ordinary crash. */
  readonly damaged: number;
}

export interface JournalOptions {
  readonly path: string;
  /** What it is, for messages: "the ledger". */
  readonly what: string;
  /** Bytes of a file that is read; a larger one counts as damaged. */
  readonly largest: number;
  /** All that is to be in it, for when it has to be written anew. */
  readonly records: () => readonly unknown[];
  readonly disk?: Disk | undefined;
}

/**
 * An append-only file of JSON records, a line each with its checksum in front. A record counts once {@link append} has
 * resolved: it is on the disk then. Appends that come while one is being synced share the next sync.
 */
export class Journal {
  readonly path: string;
  readonly #options: JournalOptions;
  readonly #disk: Disk;
  readonly #commit = new GroupCommit<Pending>({
    write: (group) => this.#write(group),
    landed: (group) => settle(group),
    failed: (group, why) => settle(group, why),
  });
  #file: number | undefined;
  /** Bytes of whole lines: what lies beyond is the rest of a write that failed. */
  #size = 0;
  #torn = false;
  /** Whether the last line counts, but has no newline behind it. */
  #open = false;
  /** Whether the file is on the disk under its name, and not its contents alone. */
  #named = false;

  constructor(options: JournalOptions) {
    this.path = options.path;
    this.#options = options;
    this.#disk = options.disk ?? systemDisk;
  }

  get size(): number {
    return this.#size;
  }

  /** Reads what is there. A damaged file is kept beside, under another name. @throws EnvironmentError when it cannot be read */
  read(now: number): Contents {
    const { what, largest } = this.#options;
    try {
      const bytes = contentOf(this.path, largest, now, this.#disk);
      if (!Buffer.isBuffer(bytes)) return bytes;
      const { values, damaged, end, ended } = parseLines(bytes);
      if (end < bytes.length) truncateFile(this.path, end, this.#disk);
      this.#open = !ended;
      if (damaged > 0) keepCopy(this.path, now, this.#disk);
      return { there: true, records: values, damaged };
    } catch (cause) {
      throw new EnvironmentError(`cannot read ${what} ${this.path}`, { cause });
    }
  }

  /**
   * Writes the file anew before anything is appended, or makes it.
   * @returns the system's error where it stays as it is: on a full disk, it can be gone on with
   * @throws EnvironmentError when the directory cannot be written
   */
  begin(): Error | undefined {
    try {
      makeDirectory(dirname(this.path), undefined, this.#disk);
      this.#disk.now(this.#replacing());
      return undefined;
    } catch (cause) {
      if (isDiskFull(cause)) return asError(cause);
      throw new EnvironmentError(`cannot write ${this.#options.what} ${this.path}: ${writingAdvice(cause)}`, { cause });
    }
  }

  /** Resolves once the record is on the disk. @throws the system's error, such as ENOSPC; nothing of the record remains then */
  append(record: unknown): Promise<void> {
    return this.#enqueue({ line: toLine(record) });
  }

  /**
   * Replaces the file, in turn with the appends, by what is to be in it at that moment: written beside, synced, moved over it.
   * @throws the system's error; the old file stays, or the new one is there but may not outlive a power cut until the next append
   */
  rewrite(): Promise<void> {
    return this.#enqueue({ rewrite: true });
  }

  /** Waits for what is being written, and closes. */
  async close(): Promise<void> {
    await this.#commit.idle();
    await this.#disk.soon(this.#closing()).catch(() => {});
  }

  #enqueue(work: Task): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#commit.push({ ...work, settle: (error) => (error ? reject(error) : resolve()) });
    });
  }

  /** A rewrite that fails keeps no line from the old file: it alone is told. */
  async #write(group: readonly Pending[]): Promise<void> {
    const lines = group.flatMap((one) => ("line" in one ? one.line : []));
    const rewrites = group.filter((one) => "rewrite" in one);
    if (rewrites.length > 0)
      await this.#disk.soon(this.#replacing()).then(() => settle(rewrites), settleWith(rewrites));
    if (lines.length > 0) await this.#disk.soon(this.#appending(lines));
  }

  *#appending(lines: readonly string[]): Work<void> {
    const file = yield* this.#opening();
    if (!this.#named) yield* this.#naming();
    // Half a line left by a full disk would spoil the next one.
    if (this.#torn) yield* call("truncate", file, this.#size);
    const bytes = Buffer.from((this.#open ? "\n" : "") + lines.join(""));
    this.#torn = true;
    yield* writing(file, bytes);
    yield* call("datasync", file);
    this.#torn = false;
    this.#open = false;
    this.#size += bytes.length;
  }

  *#opening(): Work<number> {
    // Somebody has removed or replaced the file: what is written to it would be read by nobody.
    if (this.#file !== undefined && (yield* call("stat", this.#file)).nlink === 0) yield* this.#replacing();
    if (this.#file !== undefined) return this.#file;
    const file = yield* call("open", this.path, constants.O_CREAT);
    this.#file = file;
    this.#size = (yield* call("stat", file)).size;
    return file;
  }

  /** The descriptor is swapped in the moment of the renaming: the one of before names a file that nobody will read. */
  *#replacing(): Work<void> {
    const before = this.#file;
    let size = 0;
    // Not before the file is open, which takes a turn: by then whoever was told of a line in this one has taken it in.
    const content = (): Buffer => {
      const bytes = Buffer.from(this.#options.records().map(toLine).join(""));
      size = bytes.length;
      return bytes;
    };
    let isNamed = false;
    try {
      yield* replacing(this.path, content, (file) => {
        isNamed = true;
        this.#file = file;
        this.#size = size;
        this.#torn = false;
        this.#open = false;
        // Until its directory is on the disk a power cut may bring back the file of before: nothing that is in this one may be promised.
        this.#named = false;
      });
      this.#named = true;
    } finally {
      if (isNamed && before !== undefined) yield* letGo(before);
    }
  }

  *#naming(): Work<void> {
    yield* syncingDirectory(dirname(this.path));
    this.#named = true;
  }

  *#closing(): Work<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) yield* letGo(file);
  }
}

/** A line to be appended, or everything to be written anew. */
type Task = { readonly line: string } | { readonly rewrite: true };
type Pending = Task & { readonly settle: (error?: Error) => void };

function settle(group: readonly Pending[], error?: Error): void {
  for (const one of group) one.settle(error);
}

const settleWith =
  (group: readonly Pending[]) =>
  (thrown: unknown): void =>
    settle(group, asError(thrown));

function* letGo(file: number): Work<void> {
  try {
    yield* call("close", file);
  } catch {
    // What counts of it was synced before.
  }
}

/** @returns what is known where there is none, or what no journal can be, which is moved beside and is damage */
function contentOf(path: string, largest: number, now: number, disk: Disk): Buffer | Contents {
  try {
    return readRegularFile(path, largest);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { there: false, records: [], damaged: 0 };
    if (!(error instanceof EnvironmentError)) throw error;
    moveAside(path, asideName(path, now), disk);
    return { there: true, records: [], damaged: 1 };
  }
}

/** For a person to look at, where there is room. The file itself stays until the new one has taken its place. */
function keepCopy(path: string, now: number, disk: Disk): void {
  try {
    keepBeside(path, now, disk);
    trimDamaged(dirname(path), disk);
  } catch {
    // What could be read of it goes on all the same.
  }
}
