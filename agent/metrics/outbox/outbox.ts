import { join } from "node:path";
import type { Disk } from "#disk/calls";
import type { Clock } from "#shared/clock";
import { asError, EnvironmentError, errorCode, messageWithCauses } from "#shared/errors";
import { shortId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Ack } from "#shared/messages/metrics";
import type { Columns } from "../to-columns.ts";
import { cleaned, parted } from "../fitting.ts";
import type { LeftOutFields } from "../left-out.ts";
import { openDirectory, type Opened } from "./directory.ts";
import { directoriesIn, nextDirectory } from "./directories.ts";
import { DiskQueue } from "./disk-queue.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { EpochClock, type Epoch } from "./epoch-clock.ts";
import type { BatchQueue } from "./batch-queue.ts";
import { mergeRanges } from "./merge-ranges.ts";
import type { Stored } from "./record.ts";
import { WallOffset } from "./wall-offset.ts";

export interface OutboxOptions {
  /** The agent's directory; without it, batches are kept in memory alone. */
  readonly directory?: string | undefined;
  /** Bytes on the disk, and milliseconds of age, kept at most. */
  readonly maxBytes: number;
  readonly maxAge: number;
  /** Milliseconds that a batch may wait in memory for the console's ack before it goes to the disk; 0, the default, puts it there first. */
  readonly gather?: number | undefined;
  readonly epoch: Epoch;
  /** An id of this run of the agent. */
  readonly run: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of what no console would take. */
  readonly aside?: Pick<LeftOutFields, "add">;
  /** Where it writes; the system's disk by default. */
  readonly disk?: Disk | undefined;
  /** A batch may be sent from now on. */
  readonly ready: (queue: BatchQueue, seq: number) => void;
}

/** What waits, and what went wrong. */
export interface OutboxSize {
  /** Batches that wait for the console's ack, and the bytes of their payloads. */
  readonly batches: number;
  readonly bytes: number;
  /** When the oldest of them was sampled, epoch ms. */
  readonly oldest?: number;
  /** Batches of this run that were lost to a bound, a damaged disk or a command, and the gaps that tell it. */
  readonly dropped: number;
  readonly gaps: number;
  /** Why the disk takes no batches at present. */
  readonly problem?: string;
}

/** Bytes of payloads kept in memory, where there is no disk or while it takes no writes. */
const maxMemoryBytes = 8 * 1024 * 1024;
const minMemoryBytes = 1024 * 1024;
/** Milliseconds after which a disk that refused is asked again, with the next batch. */
const retryAfter = 5_000;
/** Outboxes that were given up and are not empty at most: the console that asks for one more has to wait. */
export const maxOlderOutboxes = 8;
/** What may pass by itself, or by somebody making room: no reason not to start. */
const passing = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/**
 * The agent's queue of batches. Only the console's ack takes one out; what a bound forces out before is told to the console
 * as a gap. Batches go to the disk, and to memory where there is none or while it refuses.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #directory: string | undefined;
  readonly #wall: WallOffset;
  readonly #placing: EpochClock;
  readonly #memory: MemoryQueue;
  #disk: DiskQueue | undefined;
  /** Given up for a new one: they send what they have, and take nothing. */
  #older: DiskQueue[] = [];
  #problem: { readonly why: string; readonly retryAt: number } | undefined;
  #dropped = 0;
  #gaps = 0;
  #open = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { directory, epoch, clock, log, maxBytes, ready } = options;
    this.#directory = directory === undefined ? undefined : join(directory, "outbox");
    const path = this.#directory === undefined ? undefined : join(this.#directory, "clock");
    this.#wall = new WallOffset({ clock, path, log, disk: options.disk });
    this.#placing = new EpochClock({ epoch, clock, wall: this.#wall });
    this.#memory = new MemoryQueue({
      id: shortId(),
      run: options.run,
      placing: this.#placing,
      maxBytes: Math.max(minMemoryBytes, Math.min(maxBytes, maxMemoryBytes)),
      lost: (batches, gaps) => this.#lost(batches, gaps),
      ready,
    });
  }

  /** Reads what earlier runs have left. @throws EnvironmentError when the directory cannot be used */
  start(): void {
    this.#open = true;
    if (this.#directory !== undefined) this.#openDisk(this.#directory, true);
    this.#wall.start(this.#placing.epoch);
  }

  /**
   * Numbers a batch and keeps it. By the limits that the console has too: one that is too large is made several, and
   * what could never pass is set aside alone.
   */
  append(columns: Columns): void {
    if (this.#take(columns)) return;
    const { aside } = this.#options;
    const clean = cleaned(columns, (unfit) => aside?.add(unfit));
    if (clean) this.#appendParts(clean);
  }

  #appendParts(columns: Columns): void {
    if (this.#take(columns)) return;
    const parts = parted(columns);
    if (parts) for (const part of parts) this.#appendParts(part);
    else this.#tooLarge(columns);
  }

  #take(columns: Columns): boolean {
    const disk = this.#usableDisk();
    return disk ? disk.append(columns) : this.#memory.append(columns);
  }

  /** One value of one field, with its names. */
  #tooLarge({ m: [one] }: Columns): void {
    const { n: measurement = "", f = {} } = one ?? {};
    const why = "one value is too large for a message";
    this.#options.aside?.add({ measurement, field: Object.keys(f)[0] ?? "", why });
  }

  /** Where batches wait; each in the order of its numbers. */
  get queues(): readonly BatchQueue[] {
    return this.#disk ? [...this.#older, this.#disk, this.#memory] : [...this.#older, this.#memory];
  }

  /** Lets go of what the store has, and begins a new outbox where the console says so. @returns how many batches left */
  ack({ outbox, run, ranges, begin }: Ack): number {
    const left = this.queues.find(({ id }) => id === outbox)?.ack(mergeRanges(ranges), run) ?? 0;
    this.#removeDone();
    if (begin !== undefined && run === this.#options.run && outbox === this.#disk?.id) this.#beginAnew(begin);
    return left;
  }

  /** Throws everything away, on request. @returns how many batches were lost by it */
  clear(why: string): number {
    return this.queues.reduce((sum, queue) => sum + queue.clear(why), 0);
  }

  get size(): OutboxSize {
    const { queues } = this;
    const oldest = Math.min(...queues.map((queue) => queue.oldest ?? Infinity));
    return {
      batches: queues.reduce((sum, { waiting }) => sum + waiting, 0),
      bytes: queues.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0),
      ...(oldest === Infinity ? {} : { oldest }),
      dropped: this.#dropped,
      gaps: this.#gaps,
      ...(this.#problem ? { problem: this.#problem.why } : {}),
    };
  }

  /** Waits for what is being written, and lets go of the directory. */
  async close(): Promise<void> {
    this.#open = false;
    for (const queue of [...this.#older, this.#disk]) await queue?.close();
  }

  #usableDisk(): DiskQueue | undefined {
    const due = !this.#problem || this.#options.clock.monotonic() >= this.#problem.retryAt;
    if (!this.#open || !due || this.#directory === undefined) return undefined;
    if (!this.#disk) this.#openDisk(this.#directory, false);
    // A disk that hangs must not make the agent's memory grow without bound.
    return this.#disk && this.#disk.pendingBytes < maxMemoryBytes ? this.#disk : undefined;
  }

  /** @param strict whether a directory that cannot be used, and will not heal by itself, is an error */
  #openDisk(directory: string, strict: boolean): void {
    try {
      const found = this.#read(directoriesIn(directory));
      const last = found.at(-1);
      const isNext = last !== undefined && !last.isOwn && found.length <= maxOlderOutboxes;
      this.#disk = isNext
        ? this.#nextIn(directory)
        : (found.pop() ?? this.#queueIn(directory, this.#opened(directory)));
      this.#older = found;
      this.#removeDone();
    } catch (cause) {
      if (strict && !passing.has(errorCode(cause) ?? ""))
        throw new EnvironmentError(`cannot use the outbox ${directory}: check its permissions, or set MUSTER_DATA`, {
          cause,
        });
      this.#refused([], asError(cause));
    }
  }

  /** Of those that can be read, as they stand; the last one must. */
  #read(directories: readonly string[]): DiskQueue[] {
    const last = directories.at(-1);
    const open = (): (readonly [string, Opened])[] =>
      directories.flatMap((one) => {
        const opened = one === last ? this.#opened(one) : this.#openedOlder(one);
        return opened ? [[one, opened] as const] : [];
      });
    const found = open();
    return (this.#wentBack(found) ? open() : found).map(([one, opened]) => this.#queueIn(one, opened));
  }

  /**
   * Where the uptime lies before what was kept, it counts from another start than before, though the boot is the same: that of a
   * container, say. By it what waits would get a wrong place in time, so this run counts for itself.
   */
  #wentBack(found: readonly (readonly [string, Opened])[]): boolean {
    const { clock, log, run } = this.#options;
    const { epoch } = this.#placing;
    const kept = found.flatMap(([, { segments }]) => segments.filter((one) => one.epoch === epoch));
    if (!kept.some(({ newest }) => newest > clock.uptime())) return false;
    log.info({ uptime: clock.uptime() }, "the uptime went back: what waits keeps the times that it has");
    this.#placing.beginAnew(run);
    this.#wall.start(run);
    return true;
  }

  #opened(directory: string): Opened {
    const { clock, log, disk } = this.#options;
    return openDirectory({ directory, epoch: this.#placing.epoch, log, now: Math.round(clock.now()), disk });
  }

  #openedOlder(directory: string): Opened | undefined {
    try {
      return this.#opened(directory);
    } catch (thrown) {
      this.#options.log.error(
        { directory, err: asError(thrown) },
        "an outbox cannot be read: it waits for the next start",
      );
      return undefined;
    }
  }

  #queueIn(directory: string, opened: Opened): DiskQueue {
    const { run, maxBytes, maxAge, gather = 0, clock, ready, disk } = this.#options;
    return new DiskQueue({
      directory,
      run,
      opened,
      placing: this.#placing,
      maxBytes,
      maxAge,
      gather,
      clock,
      ready,
      disk,
      lost: (batches, gaps) => this.#lost(batches, gaps),
      refused: (batches, why) => this.#refused(batches, why),
      took: () => this.#took(),
    });
  }

  /** What waits goes out under its old name and numbers: only so is it known at the console if it has been there. */
  #beginAnew(why: string): void {
    const { log } = this.#options;
    if (this.#directory === undefined || !this.#disk || !this.#open || this.#older.length >= maxOlderOutboxes) return;
    try {
      const next = this.#nextIn(this.#directory);
      log.warn({ outbox: this.#disk.id, next: next.id }, `the console asks for a new outbox: ${why}`);
      this.#older.push(this.#disk);
      this.#disk = next;
      this.#removeDone();
    } catch (thrown) {
      // The console asks again.
      log.warn({ err: asError(thrown) }, "a new outbox could not be begun");
    }
  }

  #nextIn(directory: string): DiskQueue {
    const path = nextDirectory(directory, this.#options.disk);
    return this.#queueIn(path, this.#opened(path));
  }

  #removeDone(): void {
    if (this.#older.length > 0) this.#older = this.#older.filter((queue) => !queue.removeIfDone());
  }

  #refused(batches: readonly Stored[], why: Error): void {
    const { clock, log } = this.#options;
    if (!this.#problem)
      log.error(
        { err: why },
        "the disk takes no batches: they are kept in memory until it does, and do not outlive the agent",
      );
    this.#problem = { why: messageWithCauses(why), retryAt: clock.monotonic() + retryAfter };
    for (const stored of batches) this.#memory.adopt(stored);
  }

  #took(): void {
    this.#trimOlder();
    if (!this.#problem) return;
    this.#problem = undefined;
    this.#options.log.info({}, "the disk takes batches again");
  }

  /** The oldest goes first, so what the newest takes of the bound is no longer theirs. */
  #trimOlder(): void {
    if (this.#older.length === 0) return;
    let room = this.#options.maxBytes - (this.#disk?.bytes ?? 0);
    // oxlint-disable-next-line unicorn/no-array-reverse -- toReversed is newer than Node 18
    for (const queue of [...this.#older].reverse()) {
      queue.trim(Math.max(0, room));
      room -= queue.bytes;
    }
  }

  #lost(batches: number, gaps: number): void {
    this.#dropped += batches;
    this.#gaps += gaps;
    if (batches > 0) this.#options.log.warn({ batches }, "batches were lost before the console had them; it is told");
  }
}
