import * as z from "zod/mini";
import type { Disk } from "#disk/calls";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";

/** Milliseconds that the wall clock may wander from the machine's uptime before it has stepped. */
const tolerance = 1_000;

interface WallOffsetOptions {
  readonly clock: Clock;
  readonly path?: string | undefined;
  readonly log: Log;
  readonly disk?: Disk | undefined;
}

const file = z.object({ epoch: z.string(), offset: z.number() });

/**
 * Wall clock less uptime: by it an instant gets its time anew once the clock was set. Kept in a file, so that a batch
 * which is sent again after a restart has the same time as before; it changes only when the clock steps.
 */
export class WallOffset {
  readonly #options: WallOffsetOptions;
  #epoch = "";
  #offset: number | undefined;

  constructor(options: WallOffsetOptions) {
    this.#options = options;
  }

  /** Takes over what earlier runs of the same epoch have kept. */
  start(epoch: string): void {
    const { path } = this.#options;
    this.#epoch = epoch;
    if (path === undefined) return;
    try {
      const kept = z.safeParse(file, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")));
      if (kept.success && kept.data.epoch === epoch) this.#offset = kept.data.offset;
    } catch {
      // There is none, or it cannot be read: the present clock decides.
    }
  }

  /** The wall clock (epoch ms) at an uptime of this epoch, as the clock is set now. */
  at(mono: number): number {
    return Math.max(0, Math.round(mono + this.#current()));
  }

  /** The time of an instant that was `t` by the wall clock then: `t` unless the clock has been set since. */
  corrected(t: number, mono: number): number {
    const now = this.at(mono);
    return Math.abs(now - t) > tolerance ? now : t;
  }

  #current(): number {
    const { clock } = this.#options;
    const offset = clock.now() - clock.uptime();
    if (this.#offset === undefined || Math.abs(offset - this.#offset) > tolerance) this.#keep(offset);
    return this.#offset ?? offset;
  }

  #keep(offset: number): void {
    const { path, log, disk } = this.#options;
    if (this.#offset !== undefined)
      log.info({ by: offset - this.#offset }, "the clock was set: waiting batches move along");
    this.#offset = offset;
    if (path === undefined) return;
    try {
      replaceFile(path, JSON.stringify({ epoch: this.#epoch, offset }), disk);
    } catch (thrown) {
      log.debug({ err: asError(thrown) }, "the clock's offset could not be kept");
    }
  }
}
