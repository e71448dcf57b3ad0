import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { maxUnsent } from "#shared/messages/batch-check";
import type { Gap } from "#shared/messages/metrics";
import { transaction, type Database } from "../../database/database.ts";
import { syncOf } from "../../database/group-sync.ts";
import { tolerated } from "../../clock/placing.ts";
import {
  hear,
  isComplete,
  letGo,
  lose,
  newProgress,
  samplesPerBatch,
  settle,
  unknownWith,
  type OutboxProgress,
} from "./outbox-progress.ts";
import { ProgressCache } from "./progress-cache.ts";
import { addGap, compactOutboxes } from "./compaction.ts";
import type { SampleGap } from "./completeness.ts";
import { has } from "./ranges.ts";
import { lineOfOutbox, nextLine, outboxOf, runOf } from "./runs.ts";
import type { LedgerRows } from "./ledger-rows.ts";

export interface BatchLedgerOptions {
  readonly database: Database;
  readonly rows: LedgerRows;
  readonly clock: Clock;
  /** Resolves once what the database was given is on the disk: {@link syncOf} of it by default. */
  readonly synced?: () => Promise<void>;
}

/** What to do with a batch: write it; acknowledge it again; nothing, for it will be acknowledged; leave it to its sender. */
export type Taken = "new" | "stored" | "writing" | "busy";

/** What a batch has become. */
export interface Written {
  readonly outbox: string;
  readonly seq: number;
  /** The last instant, epoch ms; null where there was none. */
  readonly end: number | null;
  /** Samples that the store has, and those it will never have. */
  readonly samples: number;
  readonly setAside: number;
  /** What left the outbox unsent, with its moments on the console's clock. */
  readonly gap?: Gap | undefined;
}

/** A batch that is in the store and in the ledger: its outbox may let go of it. */
export interface Committed {
  readonly device: DeviceId;
  readonly outbox: string;
  readonly seq: number;
  /** The run of the agent that gave the number; empty where that is not known. */
  readonly run: string;
}

/** What a batch says of itself. */
export interface Numbered {
  readonly outbox: string;
  readonly seq: number;
  readonly run?: string | undefined;
  readonly t?: number;
}

/**
 * Milliseconds by which a batch must be later than all of its outbox for its number to be another one's: a repetition is not later than
 * itself, but for the minute by which a wrong clock and the place that the console has given it may differ.
 */
export const otherBatchAfter = 120_000;
/** Times that one run may go back, each with a line of its own; what comes of it after that is one with the last. */
export const maxReturns = 8;
/** Batches of one device on their way to the store at most: twice an agent's window. More are left to their sender. */
const maxWriting = 64;
/** Characters of the reason for a gap. */
const maxWhyLength = 300;

/**
 * Which batches the store has, by device and outbox, so that a batch that comes again is known, and what is missing can be told.
 *
 * new ─ take ─► writing ─ stored ─► commit: (a transaction) ─► (a sync, shared) ─► stored, to be acknowledged
 *                  └─ kept ─► new
 *
 * The transaction and its sync come before the acks: a batch that left its outbox is never shown as missing, whenever this process is
 * killed or its machine loses power. What is to be called `stored` here is synced in the store already.
 */
export class BatchLedger {
  readonly #options: BatchLedgerOptions;
  readonly #progress: ProgressCache;
  /** Batches on their way, by device. */
  readonly #writing = new Map<DeviceId, number>();
  readonly #dirty = new Set<OutboxProgress>();
  readonly #fresh = new Set<DeviceId>();
  /** For the next transaction, and for the acks after it. */
  #changes: { readonly device: DeviceId; readonly write: () => void }[] = [];
  #done: (readonly [OutboxProgress, number])[] = [];
  /** Whether it takes batches that are new: not while what it has cannot be written down. */
  takesNew = true;

  constructor(options: BatchLedgerOptions) {
    this.#options = options;
    const isBusy = (progress: OutboxProgress): boolean => progress.writing.length > 0 || this.#dirty.has(progress);
    this.#progress = new ProgressCache({ rows: options.rows, isBusy });
  }

  /** Batches on their way to the store, of all devices. */
  get window(): number {
    let sum = 0;
    for (const count of this.#writing.values()) sum += count;
    return sum;
  }

  /**
   * The outbox in whose progress a batch belongs: its own; or, where this number was given to another batch, because the outbox was put back or
   * exists twice, a line of that outbox. Another batch it is that another run has numbered; or that is of a time after all that is
   * known of the outbox: a virtual machine that goes on from a snapshot of its memory is the same run, and agents of before tell none.
   * A number that is {@link isFar} from all others goes into a line as well: there nothing is awaited because of it.
   * @param name with `t`, the first instant by the device's clock (epoch ms), where that can be read
   */
  outboxFor(device: DeviceId, { outbox, seq, run, t }: Numbered): string {
    const progress = this.#progress.get(device, outbox);
    if (!progress) return outbox;
    if (unknownWith(progress, seq) <= maxUnsent) {
      if (!(has(progress.settled, seq) || progress.writing.includes(seq))) return outbox;
      const owner = runOf(progress.runs, seq);
      const isAnothers = run !== undefined && owner !== "" && owner !== run;
      if (!isAnothers && !this.#isLater(progress, t)) return outbox;
    }
    let line = lineOfOutbox(outbox, run ?? "");
    for (let turn = 1; turn < maxReturns; turn += 1) {
      const known = this.#progress.get(device, line);
      if (!known || !has(known.settled, seq) || !this.#isLater(known, t)) break;
      line = nextLine(line);
    }
    return line;
  }

  /** Whether no outbox can have so many batches as there would be between this number and those that were heard. */
  isFar(device: DeviceId, { outbox, seq }: Pick<Numbered, "outbox" | "seq">): boolean {
    const progress = this.#progress.get(device, outbox);
    return progress !== undefined && unknownWith(progress, seq) > maxUnsent;
  }

  /** By a device's clock that is minutes ahead nothing can be said. */
  #isLater({ newest }: OutboxProgress, t: number | undefined): boolean {
    return t !== undefined && newest !== null && t > newest + otherBatchAfter && t <= this.#now() + tolerated;
  }

  /**
   * A batch was heard. After `new`, {@link stored} or {@link kept} must follow.
   * @param outbox the name that {@link outboxFor} gave
   */
  register(device: DeviceId, outbox: string, seq: number, run?: string): Taken {
    const known = this.#progress.get(device, outbox);
    if (known?.writing.includes(seq)) return "writing";
    if (known && has(known.settled, seq)) {
      known.heard = this.#now();
      this.#dirty.add(known);
      return "stored";
    }
    const writing = this.#writing.get(device) ?? 0;
    if (!this.takesNew || writing >= maxWriting) return "busy";
    const progress = known ?? this.#begin(device, outbox, seq);
    hear(progress, seq, this.#now(), run);
    progress.writing.push(seq);
    this.#writing.set(device, writing + 1);
    this.#dirty.add(progress);
    return "new";
  }

  /** The last instant before the first batch of this outbox that is not here yet, epoch ms; null where nothing is. */
  watermark(device: DeviceId, outbox: string): number | null {
    return this.#progress.get(device, outbox)?.watermark ?? null;
  }

  /** Whether the batch before it was heard, or there is none: nothing is missing between. To be asked once it is registered. */
  follows(device: DeviceId, outbox: string, seq: number): boolean {
    const progress = this.#progress.get(device, outbox);
    if (!progress || seq === progress.lowest) return true;
    return has(progress.settled, seq - 1) || progress.writing.includes(seq - 1);
  }

  /** The newest instant of a device's batches that is written down, epoch ms; null where there is none. */
  newest(device: DeviceId): number | null {
    return this.#options.rows.newest(device);
  }

  /** Whether something of a device is missing that is still to come, or on its way. */
  awaits(device: DeviceId): boolean {
    return (this.#writing.get(device) ?? 0) > 0 || this.#options.rows.isLagging(device);
  }

  /** How many samples a batch of this outbox had so far on average; 1 where none is known. */
  samplesPerBatch(device: DeviceId, outbox: string): number {
    const progress = this.#progress.get(device, outbox);
    return Math.max(1, progress ? Math.round(samplesPerBatch(progress)) : 0);
  }

  /** The outbox has told the lowest number that it still has: what is below is not awaited. */
  keptFrom(device: DeviceId, outbox: string, first: number): void {
    const progress = this.#progress.get(device, outbox);
    if (progress && letGo(progress, first)) this.#dirty.add(progress);
  }

  /** The device is no more: what is on its way of it is neither counted nor acknowledged. Its rows are deleted with {@link erase}. */
  forget(device: DeviceId): void {
    for (const progress of this.#dirty) if (progress.device === device) this.#dirty.delete(progress);
    this.#done = this.#done.filter(([progress]) => progress.device !== device);
    this.#changes = this.#changes.filter((change) => change.device !== device);
    this.#fresh.delete(device);
    this.#writing.delete(device);
    this.#progress.dropAll(device);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#options.rows.erase(device);
  }

  /** The store has the batch. It may be acknowledged once it is committed here, too. */
  stored(device: DeviceId, written: Written): void {
    const { outbox, seq, end, samples, setAside, gap } = written;
    const progress = this.#progress.get(device, outbox);
    // The device was removed meanwhile.
    if (!progress) return;
    if (has(progress.settled, seq)) {
      const write = (): void => this.#options.rows.cameAfterAll(device, outbox, seq, samples);
      this.#changes.push({ device, write });
    }
    if (settle(progress, seq, end)) {
      if (end !== null) progress.batches += 1;
      progress.samples += samples;
      progress.setAside += setAside;
    }
    if (gap) this.#lost(this.#progress.get(device, outboxOf(outbox)) ?? progress, gap, seq);
    this.#dirty.add(progress);
    this.#done.push([progress, seq]);
  }

  /** The store did not take the batch: its sender keeps it, and will send it again. */
  kept(device: DeviceId, outbox: string, seq: number): void {
    const progress = this.#progress.get(device, outbox);
    if (!progress) return;
    this.#release(progress, seq);
    // A name that nothing is known of costs nothing: while the store is away, nobody can fill the memory with them.
    if (progress.settled.length > 0 || progress.writing.length > 0) return;
    this.#dirty.delete(progress);
    this.#progress.drop(device, outbox);
  }

  /** Whether there is something to commit. */
  get hasNews(): boolean {
    return this.#dirty.size > 0 || this.#fresh.size > 0;
  }

  /**
   * Writes what is new, before it returns; resolves with the batches that may be acknowledged, when that is on the disk.
   * @throws Error when it cannot be written or synced: then it is written with the next commit
   */
  async commit(): Promise<readonly Committed[]> {
    const { database, synced = () => syncOf(database).synced() } = this.#options;
    transaction(database, () => this.#write());
    const done = this.#done;
    this.#done = [];
    this.#dirty.clear();
    this.#changes = [];
    try {
      await synced();
    } catch (thrown) {
      this.#done.unshift(...done);
      for (const [progress] of done) this.#dirty.add(progress);
      throw thrown;
    }
    return done.map(([progress, seq]) => {
      this.#release(progress, seq);
      return { device: progress.device, outbox: outboxOf(progress.outbox), seq, run: runOf(progress.runs, seq) };
    });
  }

  /** Puts outboxes that are gone together. After the acks of a commit, because only then no batch of these is on its way. @throws Error of the database */
  compact(): void {
    if (this.#fresh.size === 0) return;
    const { database, rows } = this.#options;
    transaction(database, () => {
      for (const device of this.#fresh) {
        const gone = compactOutboxes(rows, device, (outbox) => this.#progress.isBusy(device, outbox));
        for (const outbox of gone) this.#progress.drop(device, outbox);
      }
    });
    this.#fresh.clear();
  }

  #lost(progress: OutboxProgress, { from, to, samples, since, until, why }: Gap, seq: number): void {
    // An outbox numbers a gap after what it lost: what claims to be later would take the place of batches to come.
    const last = Math.min(to, seq - 1);
    const lost = from <= last ? lose(progress, from, last, samples) : undefined;
    if (!lost) return;
    this.#dirty.add(progress);
    const moment = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms));
    const gap: SampleGap = {
      ...lost,
      outbox: progress.outbox,
      from: moment(since),
      to: moment(until),
      why: why.slice(0, maxWhyLength),
    };
    const { device } = progress;
    this.#changes.push({ device, write: () => addGap(this.#options.rows, device, gap) });
  }

  #write(): void {
    for (const progress of this.#dirty) {
      if (isComplete(progress)) progress.laggingSince = null;
      this.#options.rows.putOutbox(progress);
    }
    for (const { write } of this.#changes) write();
  }

  #release(progress: OutboxProgress, seq: number): void {
    const at = progress.writing.indexOf(seq);
    if (at < 0) return;
    progress.writing.splice(at, 1);
    const left = (this.#writing.get(progress.device) ?? 0) - 1;
    if (left > 0) this.#writing.set(progress.device, left);
    else this.#writing.delete(progress.device);
  }

  #begin(device: DeviceId, outbox: string, seq: number): OutboxProgress {
    this.#fresh.add(device);
    return this.#progress.add(newProgress(device, outbox, seq, this.#now()));
  }

  #now(): number {
    return Math.round(this.#options.clock.now());
  }
}
