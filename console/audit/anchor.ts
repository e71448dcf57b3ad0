import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { replacing, replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";
import { isRefusedWrite, type Database } from "../database/database.ts";
import type { Audit, AuditHead } from "./audit.ts";
import { isThinnedOut } from "./sections.ts";
import type { Witness } from "./verify.ts";

/** Where the log ended, kept beside the database: whoever cuts the end of the table off has not cut it here. */
export const anchorName = "audit-head.json";
const anchor = z.object({
  v: z.literal(1),
  n: z.number().check(z.int(), z.gte(1)),
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
});

/** Milliseconds after an entry until its place is written down beside the database: of what is cut off within them, nothing tells but the log's readers. */
export const anchorDelay = 2_000;

/** What is kept beside the database of where its log ended; undefined where nothing is, or it does not read. */
export function readAnchor(directory: string): Witness | undefined {
  const path = join(directory, anchorName);
  try {
    const { n, hash } = check(anchor, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path);
    return { n, hash, where: anchorName };
  } catch {
    return undefined;
  }
}

export interface AnchorOptions {
  readonly directory: string;
  readonly audit: Pick<Audit, "head" | "written">;
  /** Resolves once what was committed is on the disk: the anchor is never ahead of it. */
  readonly synced: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
}

/** Writes down where the log ends, some moments after each entry, off the event loop. */
export class Anchor {
  readonly #options: AnchorOptions;
  readonly #disk: Disk;
  #cancel: (() => void) | undefined;
  #off: () => void = () => {};
  #writing: Promise<void> = Promise.resolve();
  #hash = "";

  constructor(options: AnchorOptions) {
    this.#options = options;
    this.#disk = options.disk ?? systemDisk;
  }

  start(): void {
    const { audit, clock } = this.#options;
    this.#off = audit.written.on(() => {
      this.#cancel ??= clock.after(anchorDelay, () => {
        this.#cancel = undefined;
        this.#writing = this.#writing.then(() => this.#write());
      });
    });
  }

  async stop(): Promise<void> {
    this.#off();
    this.#cancel?.();
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    const { directory, audit, synced, log } = this.#options;
    try {
      const head = audit.head();
      if (!head || head.hash === this.#hash) return;
      await synced();
      const bytes = Buffer.from(textOf(head));
      await this.#disk.soon(replacing(join(directory, anchorName), () => bytes));
      this.#hash = head.hash;
    } catch (thrown) {
      log.warn({ err: asError(thrown) }, couldNot);
    }
  }
}

/** The same for whoever has closed the database. A disk that is full is no reason to fail: the next entry's anchor is as good. */
export function writeAnchor(directory: string, head: AuditHead, log: Log): void {
  try {
    replaceFile(join(directory, anchorName), textOf(head));
  } catch (thrown) {
    log.warn({ err: asError(thrown) }, couldNot);
  }
}

/**
 * Whether the log still has what was kept beside it; where not, it goes on with an entry that says so, and the anchor with it.
 * @returns what is to be told, as a sentence; undefined where all is well
 */
export function settleAnchor(directory: string, database: Database, audit: Audit, log: Log): string | undefined {
  const known = readAnchor(directory);
  if (!known) return undefined;
  const hashes = database.prepare("SELECT hash FROM audit WHERE n = ?");
  const there = hashes.get(known.n) as { hash: string } | undefined;
  if (there?.hash === known.hash) return undefined;
  const { first, last } = database.prepare("SELECT min(n) AS first, max(n) AS last FROM audit").get() as {
    first: number | null;
    last: number | null;
  };
  // It has gone with the oldest, or with what was thinned.
  if (first !== null && known.n < first) return undefined;
  if (!there && isThinnedOut(database, known.n)) return undefined;
  const why = there
    ? `entry ${known.n} is another one than ${anchorName} knows`
    : `${anchorName} knows of entry ${known.n}, and the log ends at ${last ?? 0}`;
  const told = `${why}: the database was put back to a copy, or the log's end was cut off. What is missing is in no entry`;
  try {
    const entry = audit.fork(known, why);
    writeAnchor(directory, entry, log);
    return `${told}; the log goes on at ${entry.n}, and says so`;
  } catch (thrown) {
    // On a full disk it is told now, and again at the next start.
    if (!isRefusedWrite(thrown)) throw thrown;
    log.error({ err: asError(thrown) }, told);
    return told;
  }
}

const couldNot =
  "where the audit log ends could not be written down beside it: an end that is cut off may not be noticed";

function textOf({ n, hash }: AuditHead): string {
  return `${JSON.stringify({ v: 1, n, hash })}\n`;
}
