import { constants, fstatSync, renameSync, truncateSync } from "node:fs";
import { rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { directorySynced, makeDirectory, replaceFile } from "#disk/durable-file";
import { isDiskFull } from "#disk/full-disk";
import { readRegularFile, regularFile } from "#disk/regular-file";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import { parseLines, toLine } from "./checked-line.ts";
import { keepBeside, trimDamaged } from "./outbox/damage.ts";

const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;

/** Bytes of a ledger that is read: it is written anew at 4 MiB, and what it may not forget then is seldom more. */
export const largestLedger = 256 * 1024 * 1024;

/** What reading found. */
export interface Contents {
  /** Whether there is such a file. */
  readonly there: boolean;
  /** In their order. */
  readonly records: readonly unknown[];
  /** Lines whose checksum is wrong. A torn last line is not among them: it is an ordinary crash. */
  readonly damaged: number;
}

export interface LedgerFileOptions {
  readonly path: string;
  /** All that is to be in it, for when it has to be written anew. */
  readonly records: () => readonly unknown[];
  /** Puts a rename in this directory on the disk. */
  readonly syncDirectory?: (path: string) => Promise<void>;
}

/**
 * An append-only file of JSON records, a line each with its checksum in front. A record counts once {@link append} has
 * resolved: it is on the disk then. Appends that come while one is being synced share the next sync.
 */
export class LedgerFile {
  readonly path: string;
  readonly #records: LedgerFileOptions["records"];
  readonly #syncDirectory: (path: string) => Promise<void>;
  #handle: FileHandle | undefined;
  /** Bytes of whole lines: what lies beyond is the rest of a write that failed. */
  #size = 0;
  #torn = false;
  /** Whether the last line counts, but has no newline behind it. */
  #open = false;
  /** Whether the file is on the disk under its name, and not its contents alone. */
  #named = false;
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;

  constructor({ path, records, syncDirectory = directorySynced }: LedgerFileOptions) {
    this.path = path;
    this.#records = records;
    this.#syncDirectory = syncDirectory;
  }

  get size(): number {
    return this.#size;
  }

  /** Reads what is there. A damaged file is kept beside, under another name. @throws EnvironmentError when it cannot be read */
  read(now: number): Contents {
    try {
      const bytes = contentOf(this.path, now);
      if (!Buffer.isBuffer(bytes)) return bytes;
      const { values, damaged, end, ended } = parseLines(bytes);
      if (end < bytes.length) truncateSync(this.path, end);
      this.#open = !ended;
      if (damaged > 0) keepCopy(this.path, now);
      return { there: true, records: values, damaged };
    } catch (cause) {
      throw new EnvironmentError(`cannot read the ledger ${this.path}`, { cause });
    }
  }

  /**
   * Writes the file anew before anything is appended, or makes it.
   * @returns the system's error where it stays as it is: on a full disk, it can be gone on with
   * @throws EnvironmentError when the directory cannot be written
   */
  begin(): Error | undefined {
    try {
      makeDirectory(dirname(this.path));
      replaceFile(this.path, this.#records().map(toLine).join(""));
      this.#open = false;
      this.#named = true;
      return undefined;
    } catch (cause) {
      if (isDiskFull(cause)) return asError(cause);
      throw new EnvironmentError(
        `cannot write the ledger ${this.path}: check the directory's permissions, or set MUSTER_DATA`,
        { cause },
      );
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
    await this.#flushing;
    await this.#letGo();
  }

  #enqueue(work: Work): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...work, settle: (error) => (error ? reject(error) : resolve()) });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const rewriting = this.#pending.findIndex((one) => "rewrite" in one);
      const group = this.#pending.splice(0, rewriting === -1 ? this.#pending.length : Math.max(1, rewriting));
      const [first] = group;
      const error = await (first && "rewrite" in first ? this.#replace() : this.#write(group)).catch(asError);
      for (const { settle } of group) settle(error ?? undefined);
    }
    // Here, not in a later turn: what is appended in between would wait for ever.
    this.#flushing = undefined;
  }

  async #write(group: readonly Pending[]): Promise<void> {
    const text = (this.#open ? "\n" : "") + group.map((one) => ("line" in one ? one.line : "")).join("");
    const handle = await this.#opened();
    if (!this.#named) await this.#syncName();
    // Half a line left by a full disk would spoil the next one.
    if (this.#torn) await handle.truncate(this.#size);
    this.#torn = true;
    await handle.appendFile(text);
    await handle.datasync();
    this.#torn = false;
    this.#open = false;
    this.#size += Buffer.byteLength(text);
  }

  async #opened(): Promise<FileHandle> {
    // Somebody has removed or replaced the file: what is written to it would be read by nobody.
    if (this.#handle && fstatSync(this.#handle.fd).nlink === 0) await this.#replace();
    if (this.#handle) return this.#handle;
    this.#handle = await regularFile(this.path, O_WRONLY | O_CREAT | O_APPEND);
    this.#size = (await this.#handle.stat()).size;
    return this.#handle;
  }

  async #replace(): Promise<void> {
    const beside = `${this.path}.new`;
    const made = await regularFile(beside, O_WRONLY | O_CREAT | O_TRUNC);
    try {
      await made.appendFile(this.#records().map(toLine).join(""));
      await made.datasync();
    } finally {
      await made.close();
    }
    await rename(beside, this.path);
    // Whatever becomes of the rest: the handle names the file that was moved away, and what is appended there is lost.
    this.#named = false;
    this.#torn = false;
    this.#open = false;
    await this.#letGo();
    await this.#syncName();
  }

  /** Until then a power cut may bring back the file of before, or none: nothing that is in this one may be promised. */
  async #syncName(): Promise<void> {
    await this.#syncDirectory(dirname(this.path));
    this.#named = true;
  }

  async #letGo(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {});
  }
}

/** Appends a line, or replaces everything. */
type Work = { readonly line: string } | { readonly rewrite: true };
type Pending = Work & { readonly settle: (error?: Error) => void };

/** @returns what is known where there is none, or what no ledger can be, which is moved beside and is damage */
function contentOf(path: string, now: number): Buffer | Contents {
  try {
    return readRegularFile(path, largestLedger);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { there: false, records: [], damaged: 0 };
    if (!(error instanceof EnvironmentError)) throw error;
    renameSync(path, besideName(path, now));
    return { there: true, records: [], damaged: 1 };
  }
}

/** For a person to look at, where there is room. The file itself stays until the new one has taken its place. */
function keepCopy(path: string, now: number): void {
  try {
    keepBeside(path, besideName(path, now));
    trimDamaged(dirname(path));
  } catch {
    // What could be read of it goes on all the same.
  }
}

function besideName(path: string, now: number): string {
  return `${path}.damaged-${now}`;
}
