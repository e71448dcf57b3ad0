import { join } from "node:path";
import { moveAside } from "#disk/aside";
import { systemDisk, type Disk } from "#disk/calls";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, errorCode } from "#shared/errors";
import { shortId } from "#shared/ids";
import type { Log } from "#shared/log";
import { checksum } from "#disk/checked-line";

/** What the file `instance` holds: ids of letters and digits, with dots between, the checksum last. Those of before hold the first alone. */
export interface Kept {
  readonly id: string;
  /** The id of the ledger that stands beside it. */
  readonly ledger?: string | undefined;
}

/**
 * The ids of this installation, which survive restarts: its own, by which the console tells a second agent under the same device id
 * from the first one come back, and its ledger's, so that one that is gone or another is not taken for the one that was there.
 *
 * Without a directory they live as long as the process.
 */
export class Instance {
  readonly #path: string | undefined;
  readonly #log: Log;
  readonly #disk: Disk;
  #kept: Kept = { id: shortId() };
  #before = false;
  #problem: string | undefined;

  constructor(directory: string | undefined, log: Log, disk = systemDisk) {
    this.#path = directory === undefined ? undefined : join(directory, "instance");
    this.#log = log;
    this.#disk = disk;
  }

  get id(): string {
    return this.#kept.id;
  }

  get ledger(): string | undefined {
    return this.#kept.ledger;
  }

  /** Whether an agent has been here before. */
  get before(): boolean {
    return this.#before;
  }

  /** What a person should know: that the file did not read. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Reads what is kept. A file that does not read is set aside: what it held is not known, and this is a new installation. */
  start(): void {
    if (this.#path === undefined) return;
    try {
      const text = readRegularFile(this.#path, maxSmallFileBytes).toString("latin1");
      this.#before = true;
      const kept = parseInstance(text);
      if (kept) this.#kept = kept;
      else this.#damaged(this.#path, "it is not what was written");
    } catch (thrown) {
      if (errorCode(thrown) === "ENOENT") return;
      this.#before = true;
      this.#damaged(this.#path, asError(thrown).message);
    }
  }

  /** Keeps the ids, once the ledger stands on the disk under its own. Where they cannot be kept, the next start makes new ones. */
  keep(ledger: string | undefined): void {
    if (this.#path === undefined) return;
    const kept = { id: this.#kept.id, ledger };
    if (this.#problem === undefined && this.#before && ledger === this.#kept.ledger) return;
    try {
      replaceFile(this.#path, formatInstance(kept), this.#disk);
      this.#kept = kept;
    } catch (thrown) {
      this.#log.warn({ path: this.#path, err: asError(thrown) }, "the id of this installation could not be kept");
    }
  }

  #damaged(path: string, why: string): void {
    this.#problem = `the agent's file "instance" did not read (${why}): it is a new installation for the console, with the outbox and ledger of before`;
    this.#log.error({ path }, this.#problem);
    try {
      moveAside(path, `${path}.damaged`, this.#disk);
    } catch (thrown) {
      this.#log.warn({ path, err: asError(thrown) }, "it could not be put aside");
    }
  }
}

export function formatInstance({ id, ledger }: Kept): string {
  const ids = ledger === undefined ? id : `${id}.${ledger}`;
  return `${ids}.${checksum(ids)}\n`;
}

/** @returns undefined for what does not read */
export function parseInstance(text: string): Kept | undefined {
  const parts = text.trim().split(".");
  if (!parts.every((part) => /^[A-Za-z0-9_:-]{1,64}$/.test(part))) return undefined;
  const [id = "", ledger] = parts;
  // As earlier versions wrote it, without a checksum.
  if (parts.length === 1) return { id };
  const sum = parts.pop();
  if (parts.length > 2 || checksum(parts.join(".")) !== sum) return undefined;
  return parts.length === 2 ? { id, ledger } : { id };
}
