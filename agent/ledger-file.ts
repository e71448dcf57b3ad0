import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, truncateSync } from "node:fs";
import { open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "#shared/crc32";
import { asError, EnvironmentError } from "#shared/errors";

/** What reading found: the records in order, and whether something that had been whole was damaged. */
export interface Contents {
  readonly records: readonly unknown[];
  /** Lines whose checksum is wrong. A torn last line is not among them: it is an ordinary crash. */
  readonly damaged: number;
}

/** Mode of the file: it holds the results of commands. */
const mode = 0o600;

/**
 * An append-only file of JSON records, a line each with its checksum in front. A record counts once {@link append} has
 * resolved: it is on the disk then. Appends that come while one is being synced share the next sync.
 */
export class LedgerFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  /** Bytes of whole lines: what lies beyond is the rest of a write that failed. */
  #size = 0;
  #torn = false;
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  get size(): number {
    return this.#size;
  }

  /** Reads what is there. A damaged file is kept beside, under another name. @throws EnvironmentError when it cannot be read */
  read(now: number): Contents {
    try {
      if (!existsSync(this.path)) return { records: [], damaged: 0 };
      const bytes = readFileSync(this.path);
      // What follows the last newline was being written when the machine stopped; nobody was told that it is there.
      const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
      if (whole.length < bytes.length) truncateSync(this.path, whole.length);
      const contents = parse(whole.toString("utf8"));
      if (contents.damaged > 0) renameSync(this.path, `${this.path}.damaged-${now}`);
      return contents;
    } catch (cause) {
      throw new EnvironmentError(`cannot read the ledger ${this.path}`, { cause });
    }
  }

  /** Makes the file where there is none. @throws EnvironmentError when it cannot be written */
  touch(): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      closeSync(openSync(this.path, "a", mode));
    } catch (cause) {
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
   * Replaces the file, in turn with the appends, by what `records` gives at that moment: written beside, synced, moved over it.
   * @throws the system's error; the old file stays
   */
  rewrite(records: () => readonly unknown[]): Promise<void> {
    return this.#enqueue({ records });
  }

  /** Waits for what is being written, and closes. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #enqueue(work: Work): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...work, settle: (error) => (error ? reject(error) : resolve()) });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const rewriting = this.#pending.findIndex((one) => "records" in one);
      const group = this.#pending.splice(0, rewriting === -1 ? this.#pending.length : Math.max(1, rewriting));
      const [first] = group;
      const error = first && "records" in first ? await this.#replace(first.records()) : await this.#write(group);
      for (const { settle } of group) settle(error);
    }
    // Here, not in a later turn: what is appended in between would wait for ever.
    this.#flushing = undefined;
  }

  async #write(group: readonly Pending[]): Promise<Error | undefined> {
    const text = group.map((one) => ("line" in one ? one.line : "")).join("");
    try {
      const handle = await this.#opened();
      // Half a line left by a full disk would spoil the next one.
      if (this.#torn) await handle.truncate(this.#size);
      this.#torn = true;
      await handle.appendFile(text);
      await handle.datasync();
      this.#torn = false;
      this.#size += Buffer.byteLength(text);
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }

  async #opened(): Promise<FileHandle> {
    if (this.#handle) return this.#handle;
    this.#handle = await open(this.path, "a", mode);
    this.#size = (await this.#handle.stat()).size;
    return this.#handle;
  }

  async #replace(records: readonly unknown[]): Promise<Error | undefined> {
    const beside = `${this.path}.new`;
    try {
      const made = await open(beside, "w", mode);
      await made.appendFile(records.map(toLine).join(""));
      await made.datasync();
      await made.close();
      await rename(beside, this.path);
      syncDirectory(dirname(this.path));
      // The handle still names the file that was moved away.
      await this.#handle?.close();
      this.#handle = undefined;
      this.#torn = false;
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }
}

/** Appends a line, or replaces everything. */
type Work = { readonly line: string } | { readonly records: () => readonly unknown[] };
type Pending = Work & { readonly settle: (error?: Error) => void };

function toLine(record: unknown): string {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}\n`;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}

function parse(text: string): Contents {
  const lines = text.split("\n").filter(Boolean);
  const records = lines.map(parseLine).filter((record) => record !== undefined);
  return { records, damaged: lines.length - records.length };
}

function parseLine(line: string): unknown {
  const json = line.slice(9);
  if (line.slice(0, 8) !== checksum(json)) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** A rename is on the disk once its directory is. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
