import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Gap } from "#shared/messages/metrics";
import type { Columns } from "../to-columns.ts";
import { surplus, type OutboxBounds } from "./surplus.ts";
import { segmentName, type Opened } from "./directory.ts";
import type { Disk } from "#disk/calls";
import { GroupCommit } from "#disk/group-commit";
import { lossOf } from "./loss.ts";
import type { EpochClock } from "./epoch-clock.ts";
import type { BatchQueue } from "./batch-queue.ts";
import {
  batchRecord,
  gapRecord,
  withFirst,
  type AckRange,
  type Envelope,
  type GapRecord,
  type Stored,
} from "./record.ts";
import { readRecord } from "./segment-reader.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { Segment } from "./segment.ts";
import { Segments } from "./segments.ts";

export interface DiskQueueOptions extends OutboxBounds {
  readonly directory: string;
  /** Who numbers what comes from now on. */
  readonly run: string;
  readonly opened: Opened;
  readonly placing: EpochClock;
  readonly ready: (queue: BatchQueue, seq: number) => void;
  /** Batches that were forced out, thrown away or damaged, and the gaps that tell them. */
  readonly lost: (batches: number, gaps: number) => void;
  /** The disk did not take these, which have no number any more. */
  readonly refused: (batches: readonly Stored[], why: Error) => void;
  /** Where it writes; the system's disk by default. */
  readonly disk?: Disk | undefined;
  /** The disk took a write. */
  readonly took: () => void;
}

/** What waits for its sync, and what may be done after it. */
interface Pending {
  readonly stored: Stored;
  readonly told: (() => void) | undefined;
}

/** A file that was emptied by acks is replaced after so many records: they are what a kill makes the agent send again. */
const maxAckedRecords = 64;

/**
 * Batches in files of the agent's directory.
 *
 * append ─► pending ── one write, one sync ──► waiting (may be sent) ── ack ──► gone; a file goes with its last batch
 *
 * A batch is sent only after its sync, so a number that anybody has seen is on the disk, and none is given twice.
 */
export class DiskQueue implements BatchQueue {
  readonly id: string;
  readonly #options: DiskQueueOptions;
  readonly #segments: Segments;
  readonly #writer: SegmentWriter;
  readonly #segmentBytes: number;
  #seq: number;
  #pendingBytes = 0;
  /** Gaps that the disk has not taken. */
  #untold: { readonly record: GapRecord; readonly told: (() => void) | undefined }[] = [];
  readonly #commit = new GroupCommit<Pending>({
    write: (group) => this.#write(group.map(({ stored }) => stored)),
    landed: (group) => this.#landed(group),
    // Neither do those that have come meanwhile: their numbers follow these.
    failed: (group, why, meanwhile) => this.#failed([...group, ...meanwhile()], why),
  });

  constructor(options: DiskQueueOptions) {
    const { opened, maxBytes } = options;
    this.#options = options;
    this.id = opened.id;
    this.#segments = new Segments(opened.segments);
    this.#writer = new SegmentWriter(opened.id, options.disk);
    this.#segmentBytes = Math.min(512 * 1024, Math.max(4_096, maxBytes / 16));
    this.#seq = opened.next - 1;
    options.lost(0, opened.lost.length);
    for (const [from, to] of opened.lost) this.#damaged({ from, to, why: "damaged on disk" });
  }

  get waiting(): number {
    return this.#segments.waiting;
  }

  get waitingBytes(): number {
    return this.#segments.waitingBytes;
  }

  /** Bytes that wait for the disk. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get oldest(): number | undefined {
    const seq = this.#segments.next(0);
    const segment = seq === undefined ? undefined : this.#segments.of(seq);
    return segment && seq !== undefined
      ? this.#options.placing.time(segment.instants(seq)[0], segment.epoch)
      : undefined;
  }

  append(columns: Columns): boolean {
    const stored = batchRecord(this.#envelope(), columns, this.#options.placing.now().mono);
    if (!stored) return false;
    this.#push(stored);
    return true;
  }

  after(seq: number): number | undefined {
    return this.#segments.next(seq + 1);
  }

  has(seq: number): boolean {
    return this.#segments.of(seq) !== undefined;
  }

  read(seq: number): Buffer | undefined {
    const segment = this.#segments.of(seq);
    if (!segment) return undefined;
    const record = readRecord(segment, seq);
    if (typeof record === "object")
      return withFirst(this.#options.placing.message(record, segment.epoch), this.#segments.next(0) ?? seq);
    // What goes on being written to such a file might be lost as well.
    segment.sealed ||= record !== undefined;
    if (record === "damaged") this.#spoiled(segment, seq);
    if (record === "gone") this.#leave([segment], "its file was removed");
    return undefined;
  }

  ack(ranges: readonly AckRange[], run?: string): number {
    let left = 0;
    for (const range of ranges) left += this.#segments.release(range, run);
    if (left > 0) this.#removeDone();
    return left;
  }

  /** Bytes on the disk of what waits. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Lets the oldest files go that the bounds do not allow. @param room bytes, where others share the bound */
  trim(room: number): void {
    for (const { segments, why } of surplus(this.#segments, this.#options, this.#options.placing, room))
      this.#leave(segments, why);
  }

  /** Removes the files of a queue that takes nothing any more, once all has left. @returns whether it is done */
  removeIfDone(): boolean {
    if (this.waiting > 0 || this.#pendingBytes > 0 || this.#untold.length > 0) return false;
    void this.#writer.close().catch(() => {});
    try {
      for (const { path } of this.#segments) rmSync(path, { force: true });
      rmdirSync(this.#options.directory);
    } catch {
      // The first outbox has the others in its directory. What stays is read again at the next start, and has nothing in it.
    }
    return true;
  }

  clear(why: string): number {
    const before = this.waiting;
    this.#leave([...this.#segments], why);
    return before;
  }

  /** @param told is called once it is on the disk */
  #tell(record: GapRecord, told?: () => void): void {
    this.#push(gapRecord(this.#envelope(), record, this.#options.placing.now()), told);
  }

  /** Waits for what is being written, and closes. What has left is not sent again after that. */
  async close(): Promise<void> {
    await this.#commit.idle();
    const { last, waiting } = this.#segments;
    try {
      if (last && last.count > 0 && waiting === 0 && this.#untold.length === 0) await this.#write([]);
    } catch {
      // A full disk: what the last file holds is sent once more, and is known at the console.
    }
    this.#removeDone();
    await this.#writer.close();
  }

  #envelope(): Envelope {
    return { outbox: this.id, run: this.#options.run, epoch: this.#options.placing.epoch, seq: this.#seq + 1 };
  }

  #push(stored: Stored, told?: () => void): void {
    this.#seq = stored.seq;
    this.#pendingBytes += stored.payload.length;
    this.#commit.push({ stored, told });
  }

  async #write(records: readonly Stored[]): Promise<void> {
    const { last } = this.#segments;
    const { directory, run, placing } = this.#options;
    const first = records[0]?.seq ?? this.#seq + 1;
    const old = last && this.#goesOn(last) && records.length > 0 ? last : undefined;
    const path = join(directory, segmentName(first));
    const segment = old ?? new Segment({ path, epoch: placing.epoch, run, first, size: 0 });
    const written = await this.#writer.append(segment, records, !old);
    if (!old) this.#segments.add(segment);
    for (const { stored, offset } of written) segment.add(stored, stored.mono, offset, stored.payload.length);
  }

  #goesOn(last: Segment): boolean {
    const { placing, run, maxAge } = this.#options;
    if (last.sealed || last.run !== run || last.epoch !== placing.epoch || last.size >= this.#segmentBytes)
      return false;
    if (last.waiting === 0 && last.count >= maxAckedRecords) return false;
    // A file leaves as a whole, so it must not reach over too long a time.
    return last.count === 0 || placing.age(last.oldest, last.epoch) < maxAge / 16;
  }

  #landed(group: readonly Pending[]): void {
    this.#options.took();
    for (const { stored, told } of group) {
      this.#pendingBytes -= stored.payload.length;
      told?.();
    }
    this.#removeDone();
    this.trim(this.#options.maxBytes);
    for (const { record, told } of this.#untold.splice(0)) this.#tell(record, told);
    for (const { stored } of group) if (this.has(stored.seq)) this.#options.ready(this, stored.seq);
  }

  /** None of these was ever sent, so their numbers are free again. */
  #failed(group: readonly Pending[], why: Error): void {
    this.#seq -= group.length;
    this.#pendingBytes = 0;
    for (const { stored, told } of group) if (stored.gap) this.#untold.push({ record: stored.gap, told });
    this.#options.refused(
      group.flatMap(({ stored }) => (stored.gap ? [] : stored)),
      why,
    );
  }

  /** These leave unsent; their files stay until the gap that tells it is on the disk. */
  #leave(segments: readonly Segment[], why: string): void {
    const told = lossOf(segments, why, this.#options.placing);
    let batches = 0;
    for (const segment of segments) {
      batches += segment.release(segment.first, segment.last);
      segment.held = true;
    }
    const release = (): void => {
      for (const segment of segments) segment.held = false;
      this.#removeDone();
    };
    if (batches > 0) this.#options.lost(batches, told.length);
    for (const [index, gap] of told.entries())
      this.#tell({ kind: "left", gap }, index === told.length - 1 ? release : undefined);
    if (told.length === 0) release();
  }

  #spoiled(segment: Segment, seq: number): void {
    const { placing, lost } = this.#options;
    const [since, until] = segment.instants(seq).map((at) => placing.time(at, segment.epoch));
    const when = since === undefined || until === undefined ? {} : { since, until };
    segment.release(seq, seq);
    lost(1, 1);
    this.#damaged({ from: seq, to: seq, samples: segment.samples(seq), ...when, why: "damaged on disk" });
  }

  #damaged(gap: Gap): void {
    this.#tell({ kind: "damaged", gap });
  }

  #removeDone(): void {
    for (const { path } of this.#segments.removeDone()) {
      try {
        rmSync(path, { force: true });
      } catch {
        // It is read again at the next start, and the console knows its numbers.
      }
    }
  }
}
