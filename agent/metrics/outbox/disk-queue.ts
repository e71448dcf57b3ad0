import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Gap } from "#shared/messages/metrics";
import type { Columns } from "../to-columns.ts";
import { surplus, type OutboxBounds } from "./surplus.ts";
import { segmentName, type Opened } from "./directory.ts";
import type { Disk } from "#disk/calls";
import { GroupCommit } from "#disk/group-commit";
import type { Clock } from "#shared/clock";
import { UnwrittenBatches } from "./gathered.ts";
import { lossOf } from "./loss.ts";
import type { EpochClock } from "./epoch-clock.ts";
import type { BatchQueue } from "./batch-queue.ts";
import {
  batchRecord,
  gapRecord,
  messageOf,
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
  /** Milliseconds that a batch waits in memory for the console's ack before it goes to the disk; 0 where it goes there first. */
  readonly gather: number;
  readonly clock: Clock;
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
 * A batch is sent only after its sync, so a number that anybody has seen is on the disk, and none is given twice. Where batches are gathered
 * they are sent before: then its numbers are those of this run alone, and the next one begins an outbox of its own.
 */
export class DiskQueue implements BatchQueue {
  readonly id: string;
  readonly #options: DiskQueueOptions;
  readonly #segments: Segments;
  readonly #writer: SegmentWriter;
  readonly #segmentBytes: number;
  readonly #gathered: UnwrittenBatches | undefined;
  #seq: number;
  #pendingBytes = 0;
  /** What has just come, while it is offered: it need not be read from the disk. */
  #fresh: Stored | undefined;
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
    this.#writer = new SegmentWriter(opened.id, options.disk, options.gather > 0);
    if (options.gather > 0) this.#gathered = this.#gathering(options);
    this.#segmentBytes = Math.min(512 * 1024, Math.max(4_096, maxBytes / 16));
    this.#seq = opened.next - 1;
    options.lost(0, opened.lost.length);
    for (const [from, to] of opened.lost) this.#damaged({ from, to, why: "damaged on disk" });
  }

  #gathering({ gather: patience, clock }: DiskQueueOptions): UnwrittenBatches {
    return new UnwrittenBatches({
      patience,
      clock,
      due: (batches) => {
        for (const stored of batches) this.#commit.push({ stored, told: undefined });
      },
    });
  }

  /** Whether what comes may be numbered here: none of its numbers was given without being on the disk. */
  get isOwn(): boolean {
    const { opened, gather } = this.#options;
    return !opened.gathered && (gather === 0 || opened.segments.length === 0);
  }

  get waiting(): number {
    return this.#segments.waiting + (this.#gathered?.count ?? 0);
  }

  get waitingBytes(): number {
    return this.#segments.waitingBytes + (this.#gathered?.bytes ?? 0);
  }

  /** Bytes that wait for the disk. */
  get pendingBytes(): number {
    return this.#pendingBytes + (this.#gathered?.bytes ?? 0);
  }

  get oldest(): number | undefined {
    const seq = this.#segments.next(0);
    const segment = seq === undefined ? undefined : this.#segments.of(seq);
    const { placing } = this.#options;
    if (segment && seq !== undefined) return placing.time(segment.instants(seq)[0], segment.epoch);
    const gathered = this.#gathered?.first;
    return gathered && placing.time(gathered.mono, placing.epoch);
  }

  append(columns: Columns): boolean {
    const stored = batchRecord(this.#envelope(), columns, this.#options.placing.now().mono);
    if (!stored) return false;
    if (!this.#gathered) this.#push(stored);
    else {
      this.#seq = stored.seq;
      this.#gathered.add(stored);
      this.#offer(stored);
    }
    return true;
  }

  after(seq: number): number | undefined {
    return this.#segments.next(seq + 1) ?? this.#gathered?.after(seq);
  }

  has(seq: number): boolean {
    return this.#segments.of(seq) !== undefined || this.#gathered?.get(seq) !== undefined;
  }

  read(seq: number, names = 0): Buffer | undefined {
    const { placing } = this.#options;
    const fresh = this.#fresh?.seq === seq ? this.#fresh : undefined;
    const gathered = this.#gathered?.get(seq);
    if (gathered) {
      const first = this.after(0) ?? seq;
      return messageOf(fresh ?? gathered, { ...placing.departure(gathered, placing.epoch), first }, names);
    }
    const segment = this.#segments.of(seq);
    if (!segment) return undefined;
    const record = fresh ?? readRecord(segment, seq);
    if (typeof record === "object") {
      const first = this.#segments.next(0) ?? seq;
      return messageOf(record, { ...placing.departure(record, segment.epoch), first }, names);
    }
    // What goes on being written to such a file might be lost as well.
    segment.sealed ||= record !== undefined;
    if (record === "damaged") this.#spoiled(segment, seq);
    if (record === "gone") this.#leave([segment], "its file was removed");
    return undefined;
  }

  ack(ranges: readonly AckRange[], run?: string): number {
    let left = 0;
    for (const range of ranges) left += this.#segments.release(range, run);
    if (run === undefined || run === this.#options.run) left += this.#gathered?.release(ranges) ?? 0;
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
    if (this.waiting > 0 || this.pendingBytes > 0 || this.#untold.length > 0) return false;
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
    this.#leaveGathered(why);
    return before;
  }

  #leaveGathered(why: string): void {
    const gathered = this.#gathered?.clear() ?? [];
    const [first] = gathered;
    const last = gathered.at(-1);
    if (!first || !last) return;
    const { placing, lost } = this.#options;
    const at = (mono: number): number => placing.time(mono, placing.epoch);
    const samples = gathered.reduce((sum, one) => sum + one.samples, 0);
    lost(gathered.length, 1);
    const when = { since: at(first.mono), until: at(last.mono + last.span) };
    this.#tell({ kind: "left", gap: { from: first.seq, to: last.seq, samples, ...when, why } });
  }

  /** @param told is called once it is on the disk */
  #tell(record: GapRecord, told?: () => void): void {
    this.#push(gapRecord(this.#envelope(), record, this.#options.placing.now()), told);
  }

  /** Waits for what is being written, and closes. What has left is not sent again after that. */
  async close(): Promise<void> {
    this.#gathered?.stop();
    await this.#commit.idle();
    const { last, waiting } = this.#segments;
    const isDone = last !== undefined && last.count > 0 && waiting === 0 && this.#untold.length === 0;
    try {
      // Its name and numbers are this run's alone.
      if (isDone && this.#gathered) rmSync(last.path, { force: true });
      else if (isDone) await this.#write([]);
    } catch {
      // A full disk: what the last file holds is sent once more, and is known at the console.
    }
    this.#removeDone();
    await this.#writer.close();
  }

  #envelope(): Envelope {
    return { outbox: this.id, run: this.#options.run, epoch: this.#options.placing.epoch, seq: this.#seq + 1 };
  }

  /** A file has its records in the order of their numbers. */
  #push(stored: Stored, told?: () => void): void {
    this.#gathered?.flush();
    this.#seq = stored.seq;
    // Where the disk is behind, what waits for it is no more in memory than its bytes.
    const waits = this.#pendingBytes > 0 ? { ...stored, batch: undefined } : stored;
    this.#pendingBytes += stored.payload.length;
    this.#commit.push({ stored: waits, told });
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
    const fresh = group.filter(({ stored, told }) => {
      told?.();
      return !this.#tookGathered(stored);
    });
    this.#removeDone();
    this.trim(this.#options.maxBytes);
    for (const { record, told } of this.#untold.splice(0)) this.#tell(record, told);
    for (const { stored } of fresh) if (this.has(stored.seq)) this.#offer(stored);
  }

  #offer(stored: Stored): void {
    this.#fresh = stored;
    try {
      this.#options.ready(this, stored.seq);
    } finally {
      this.#fresh = undefined;
    }
  }

  /** Of those that were gathered, nobody is to be told again; and what was acknowledged on its way to the disk waits no longer. */
  #tookGathered(stored: Stored): boolean {
    if (!this.#gathered || stored.gap) {
      this.#pendingBytes -= stored.payload.length;
      return false;
    }
    if (!this.#gathered.take(stored.seq)) this.#segments.release([stored.seq, stored.seq]);
    return true;
  }

  /** None of these was ever sent, so their numbers are free again; of those that were gathered, some may have been. */
  #failed(group: readonly Pending[], why: Error): void {
    for (const { stored, told } of group) if (stored.gap) this.#untold.push({ record: stored.gap, told });
    const batches = group.flatMap(({ stored }) => (stored.gap ? [] : stored));
    this.#pendingBytes = 0;
    if (this.#gathered) this.#gathered.stay(batches);
    else this.#seq -= group.length;
    this.#options.refused(this.#gathered ? [] : batches, why);
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
