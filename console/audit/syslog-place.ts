import { join } from "node:path";
import * as z from "zod/mini";
import type { Disk } from "#disk/calls";
import { replacing } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";

/** How far the target has the log, kept beside the database. */
export const syslogPlaceName = "audit-syslog.json";
const place = z.object({ v: z.literal(1), n: z.number().check(z.int(), z.gte(0)) });

/** Milliseconds that what was sent has to be out without an error until it counts as there: neither UDP nor TCP tells. */
const settleTime = 2_000;

export interface SyslogPlaceOptions {
  readonly directory: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** What was sent has been out long enough to count as there. */
  readonly settled: () => void;
}

/** How far the audit log was sent on: what is out, what counts as there, and that in a file, for the next start. */
export class SyslogPlace {
  readonly #options: SyslogPlaceOptions;
  #sent = 0;
  #settled = 0;
  #kept = -1;
  #cancelSettle: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SyslogPlaceOptions) {
    this.#options = options;
  }

  /** @param head the number of the log's last entry: one that was put back ends before what the target has, and goes on behind that by itself */
  start(head: number): void {
    this.#sent = this.#settled = Math.min(readPlace(this.#options.directory) ?? head, head);
  }

  /** The number of the last entry that was sent. */
  get sent(): number {
    return this.#sent;
  }

  /** All up to this one is out. */
  sentTo(n: number): void {
    this.#sent = n;
    this.#settle();
  }

  /** All up to this one will never be sent. */
  skipTo(n: number): void {
    this.#sent = this.#settled = n;
  }

  /** The connection broke: what was not out for long is sent again. */
  back(): void {
    this.#cancelSettle?.();
    this.#cancelSettle = undefined;
    this.#sent = this.#settled;
  }

  /** @param isThere whether all that was sent counts as there */
  async stop(isThere: boolean): Promise<void> {
    if (isThere) this.#settled = this.#sent;
    this.#cancelSettle?.();
    await this.#writing;
    await this.#keep();
  }

  #settle(): void {
    const sent = this.#sent;
    this.#cancelSettle ??= this.#options.clock.after(settleTime, () => {
      this.#cancelSettle = undefined;
      this.#settled = sent;
      this.#options.settled();
      this.#writing = this.#writing.then(() => this.#keep());
      if (this.#sent > sent) this.#settle();
    });
  }

  async #keep(): Promise<void> {
    const { directory, disk, log } = this.#options;
    const n = this.#settled;
    if (n === this.#kept) return;
    try {
      const bytes = Buffer.from(`${JSON.stringify({ v: 1, n })}\n`);
      await disk.soon(replacing(join(directory, syslogPlaceName), () => bytes));
      this.#kept = n;
    } catch (thrown) {
      log.warn(
        { err: asError(thrown) },
        "how far the audit log was sent on could not be written down: some is sent again",
      );
    }
  }
}

function readPlace(directory: string): number | undefined {
  const path = join(directory, syslogPlaceName);
  try {
    return check(place, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path).n;
  } catch {
    return undefined;
  }
}
