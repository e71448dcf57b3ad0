import type { Clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { UnfitBatch } from "#shared/messages/batch-reading";
import type { Ack, Batch, Gap } from "#shared/messages/metrics";
import type { Database } from "../database/database.ts";
import type { ClockTrust } from "../clock/clock-doubt.ts";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns, type WriteOutcome } from "../store/store.ts";
import { Acks } from "./acks.ts";
import { ClockOffsets } from "../clock/clock-offsets.ts";
import { BatchLedger, type Numbered } from "./completeness/batch-ledger.ts";
import { CompletenessReports } from "./completeness/reports.ts";
import { LedgerRows } from "./completeness/ledger-rows.ts";
import { LedgerCommits } from "./ledger-commits.ts";
import { Forks, type ForksOptions } from "./forks.ts";
import { Placing, type Placed } from "../clock/placing.ts";
import { Seldom } from "#shared/seldom";
import { countSamples, seriesOfBatch } from "./series.ts";
import { Skews, type ClockState } from "../clock/skews.ts";
import { NoRoomError } from "./spool/spool.ts";
import type { BatchVerdict } from "./verdict.ts";

export interface BatchesOptions {
  readonly store: Pick<MetricsStore, "write">;
  /** The console's own: which batches are stored, and how wrong clocks were read. */
  readonly database: Database;
  readonly clock: Clock;
  /** How far times may be judged by it; wholly unless given. */
  readonly trust?: () => ClockTrust;
  /** Is given what a batch tells of its device's clock, before anything is judged by the console's. */
  readonly witness?: (device: DeviceId, batch: Batch) => void;
  readonly log: Log;
  /** What of a device's series may be written; the rest counts as set aside. All of it by default. @throws NoRoomError */
  readonly admit?: (device: DeviceId, series: readonly SeriesColumns[]) => readonly SeriesColumns[];
  /** Hands to the database what was set aside of batches that are about to be acknowledged. */
  readonly keepAside?: () => void;
  /** Resolves once what {@link admit} has kept aside is on the disk; undefined where it is already. */
  readonly asideSynced?: () => Promise<unknown> | undefined;
  /**
   * A batch was heard, with the series that it brought; none where it came again. `now` is the moment, epoch ms; `follows` whether nothing is missing between
   * it and the one before.
   */
  readonly observe: (device: DeviceId, series: readonly SeriesColumns[], now: number, follows?: boolean) => void;
  readonly observeClock: (device: DeviceId, state: ClockState) => void;
  readonly publishAck: (device: DeviceId, payload: Buffer) => void;
  /** The present moment, as acks tell it; the clock's by default. */
  readonly moment?: () => Pick<Ack, "ts" | "unsure">;
  /** Tells a run of the agent to begin a new outbox. */
  readonly begin?: ForksOptions["begin"];
  /** What is to be seen beside a device whose outbox went back; null when it is over. */
  readonly observeOutbox?: ForksOptions["problem"];
  /** The store has refused samples for good. */
  readonly refusedByStore?: (refused: WriteOutcome["rejected"][number]) => void;
  /** Called when {@link Batches.problem} has come or gone. */
  readonly onProblem?: () => void;
  /** Called when {@link Batches.onTheWay} has become less. */
  readonly onRoom?: () => void;
}

/** How a batch came. */
interface Arrival {
  /** When, epoch ms. */
  readonly at: number;
  /** As bytes of its message. */
  readonly bytes: number;
}

/** Numbered batches since the console started, in batches and in samples. */
export interface BatchStats {
  /** Batches that came although they are stored, or about to be. */
  repeated: number;
  /** Batches left to their sender to repeat. */
  deferred: number;
  acknowledged: number;
  /** Batches that will never be taken, which are acknowledged too. */
  refused: number;
  /** Samples. */
  stored: number;
  rejected: number;
  setAside: number;
}

/**
 * Numbered batches from agents, each written once:
 *
 * ledger (known?) ─► placing (when?) ─► admit (what of it?) ─► store, on the disk ─► ledger, on the disk ─► ack
 */
export class Batches {
  readonly stats: BatchStats = {
    repeated: 0,
    deferred: 0,
    acknowledged: 0,
    refused: 0,
    stored: 0,
    rejected: 0,
    setAside: 0,
  };
  readonly completeness: CompletenessReports;
  readonly #options: BatchesOptions;
  readonly #acks: Acks;
  readonly #ledger: BatchLedger;
  readonly #commits: LedgerCommits;
  readonly #forks: Forks;
  readonly #offsets: ClockOffsets;
  readonly #placing: Placing;
  readonly #skews: Skews;
  readonly #seldom: Seldom;
  #onTheWay = 0;

  constructor(options: BatchesOptions) {
    this.#options = options;
    const { database, clock, log, onProblem = () => {} } = options;
    const rows = new LedgerRows(database);
    this.#seldom = new Seldom(log, clock);
    const { publishAck, moment = () => ({ ts: Math.round(clock.now()) }) } = options;
    this.#acks = new Acks(publishAck, moment);
    const ledger = (this.#ledger = new BatchLedger({ database, rows, clock }));
    this.#commits = new LedgerCommits({
      ledger,
      clock,
      log,
      before: options.keepAside ?? (() => {}),
      acknowledge: ({ device, outbox, seq, run }) => this.#acknowledge(device, outbox, seq, run),
      onProblem,
    });
    this.completeness = new CompletenessReports({ rows, flush: () => this.flush() });
    this.#placing = new Placing((this.#offsets = new ClockOffsets(database)));
    this.#skews = new Skews(options.observeClock);
    const { begin = () => {}, observeOutbox: tell = () => {} } = options;
    this.#forks = new Forks({ rows, clock, log, begin, problem: tell });
  }

  /** Tells what an earlier run of the console has seen of outboxes that went back. */
  start(): void {
    this.#forks.start();
  }

  /** Writes down what was stored. */
  flush(): void {
    void this.#commits.flush();
  }

  /** Why batches are not acknowledged although the store has them, as a sentence. */
  get problem(): string | undefined {
    return this.#commits.problem;
  }

  /** The newest instant of a device's batches that is written down, epoch ms; null where there is none. */
  newest(device: DeviceId): number | null {
    return this.#ledger.newest(device);
  }

  /** Whether something of a device is missing that is still to come, or on its way. */
  awaits(device: DeviceId): boolean {
    return this.#ledger.awaits(device);
  }

  /** Batches on their way to the store. */
  get window(): number {
    return this.#ledger.window;
  }

  /** The same in bytes of their messages, until the store has answered. */
  get onTheWay(): number {
    return this.#onTheWay;
  }

  /** Writes down and tells what has been stored and not yet acknowledged. */
  async stop(): Promise<void> {
    this.#forks.stop();
    await this.#commits.stop();
    this.#acks.flush();
  }

  /**
   * Takes a batch that has passed the schema.
   * @throws NoRoomError when what is to be held of it cannot be: it is deferred; BadInputError when it is rejected all the same
   */
  receive(device: DeviceId, batch: Batch, arrival: Arrival): void {
    const { witness, trust } = this.#options;
    witness?.(device, batch);
    // Nobody could say when it was: its sender keeps it.
    if (trust?.() === "none") {
      this.stats.deferred += 1;
      return;
    }
    const counted = this.#outboxOfNew(device, batch);
    if (batch.first !== undefined) this.#ledger.keptFrom(device, batch.outbox, batch.first);
    if (counted !== undefined)
      this.#admit(device, counted === batch.outbox ? batch : { ...batch, outbox: counted }, arrival);
  }

  /** The device is no more: what is on its way of it is stored, and counted nowhere. Rows are deleted with {@link erase}. */
  forget(device: DeviceId): void {
    this.#ledger.forget(device);
    this.#placing.forget(device);
    this.#skews.forget(device);
    this.#forks.forget(device);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#ledger.erase(device);
    this.#offsets.erase(device);
  }

  /** Lets go of a batch that will never pass. @returns whether that is news */
  reject(device: DeviceId, name: Name, { why, samples }: Pick<UnfitBatch, "why" | "samples">): boolean {
    const counted = this.#outboxOfNew(device, name);
    if (counted === undefined) return false;
    this.#heardAgain(device);
    const received = samples ?? this.#ledger.samplesPerBatch(device, name.outbox);
    const what = { name: { outbox: counted, seq: name.seq }, gap: undefined, end: null, received };
    this.#conclude(device, what, { kind: "rejected", why });
    return true;
  }

  /** Asks the ledger, and answers what it knows already. @returns the outbox by which a batch is counted that is new; undefined where it is not */
  #outboxOfNew(device: DeviceId, name: Numbered): string | undefined {
    const { outbox, seq, run } = name;
    const counted = this.#ledger.outboxFor(device, name);
    const taken = this.#ledger.register(device, counted, seq, run);
    if (counted !== outbox) this.#forks.heard(device, outbox, run, this.#ledger.isFar(device, name) ? "far" : "again");
    if (taken === "new") return counted;
    if (taken === "busy") this.stats.deferred += 1;
    else this.stats.repeated += 1;
    if (taken === "stored") this.#acknowledge(device, outbox, seq, run);
    this.#heardAgain(device);
    return undefined;
  }

  #heardAgain(device: DeviceId): void {
    this.#options.observe(device, [], this.#options.clock.now());
  }

  #admit(device: DeviceId, batch: Batch, { at: arrival, bytes }: Arrival): void {
    const { admit = (_, all) => all, observe, trust } = this.#options;
    const unsure = trust?.() === "unsure";
    try {
      const placed = this.#placing.place(device, batch, {
        arrival,
        unsure,
        watermark: this.#ledger.watermark(device, batch.outbox),
      });
      const received = seriesOfBatch(device, batch, placed.shift);
      const admitted = admit(device, received);
      observe(device, admitted, arrival, this.#ledger.follows(device, batch.outbox, batch.seq));
      const skew = this.#skews.note(device, batch, placed, arrival);
      this.#write(device, batch, placed, { received: countSamples(received), admitted, skew, bytes });
    } catch (thrown) {
      const [error, { outbox, seq }] = [asError(thrown), batch];
      const isRejected = error instanceof BadInputError && !(error instanceof NoRoomError);
      const verdict: BatchVerdict = isRejected
        ? { kind: "rejected", why: error.message }
        : { kind: "deferred", cause: error };
      const what = { name: { outbox, seq }, gap: batch.dropped, end: null, received: batch.dt.length * batch.m.length };
      this.#conclude(device, what, verdict);
      if (error instanceof BadInputError) throw error;
    }
  }

  #write(device: DeviceId, batch: Batch, placed: Placed, { received, admitted, skew, bytes }: Admitted): void {
    const series = skew ? [...admitted, skew] : admitted;
    this.#await(device, this.#stored(series), {
      name: { outbox: batch.outbox, seq: batch.seq },
      gap: batch.dropped && shifted(batch.dropped, placed.shift),
      end: placed.end,
      received,
      admitted: countSamples(admitted),
      bytes,
    });
  }

  /** In the store, and all that was kept aside on the disk. */
  #stored(series: readonly SeriesColumns[]): Promise<WriteOutcome> {
    const { store, asideSynced } = this.#options;
    const offset = this.#offsets.synced();
    // Else the batch could come again after a power cut, and be placed a second time, elsewhere.
    const written = offset ? offset.then(() => store.write(series)) : store.write(series);
    const aside = asideSynced?.();
    return aside ? Promise.all([written, aside]).then(([outcome]) => outcome) : written;
  }

  /** Holds nothing of the batch but what is told of it: thousands may wait for the store, and their values are in its hands. */
  #await(device: DeviceId, write: Promise<WriteOutcome>, what: Written): void {
    this.#onTheWay += what.bytes;
    write.then(
      (outcome) => {
        this.#answered(what.bytes);
        const samples = Math.max(0, what.admitted - this.#rejected(outcome));
        this.#conclude(device, what, { kind: "stored", samples });
      },
      (thrown: unknown) => {
        this.#answered(what.bytes);
        this.#conclude(device, what, { kind: "deferred", cause: asError(thrown) });
      },
    );
  }

  #answered(bytes: number): void {
    this.#onTheWay -= bytes;
    this.#options.onRoom?.();
  }

  /** The one end of every batch that was new. */
  #conclude(device: DeviceId, what: Concluded, verdict: BatchVerdict): void {
    const { name, gap, end, received } = what;
    if (verdict.kind === "deferred") return this.#keep(device, name, verdict.cause);
    const samples = verdict.kind === "stored" ? verdict.samples : 0;
    if (verdict.kind === "rejected") this.stats.refused += 1;
    const setAside = received - samples;
    this.stats.stored += samples;
    this.stats.setAside += setAside;
    if (gap) this.#seldom.say("warn", device, { device, ...gap }, "the agent had to drop batches");
    this.#ledger.stored(device, { ...name, end, samples, setAside, gap });
    this.#commits.soon();
  }

  #rejected({ rejected }: WriteOutcome): number {
    for (const one of rejected) {
      this.#options.refusedByStore?.(one);
      this.#seldom.say("warn", one.device, one, "the store refuses samples");
    }
    const lost = rejected.reduce((sum, { count }) => sum + count, 0);
    this.stats.rejected += lost;
    return lost;
  }

  #keep(device: DeviceId, { outbox, seq }: Name, cause: Error | undefined): void {
    this.stats.deferred += 1;
    this.#ledger.kept(device, outbox, seq);
    if (cause instanceof StoreUnavailableError || cause instanceof NoRoomError) return;
    const fields = { err: cause, device };
    this.#seldom.say("error", device, fields, "a batch could not be written, and is left to its sender");
  }

  #acknowledge(device: DeviceId, outbox: string, seq: number, run?: string): void {
    this.stats.acknowledged += 1;
    this.#acks.stored(device, outbox, seq, run);
  }
}

interface Admitted {
  /** Samples in the batch. */
  readonly received: number;
  readonly admitted: readonly SeriesColumns[];
  readonly skew: SeriesColumns | undefined;
  readonly bytes: number;
}

type Name = Pick<Batch, "outbox" | "seq" | "run">;

/** What is told of a batch once it is known what becomes of it. */
interface Concluded {
  readonly name: Name;
  readonly gap: Gap | undefined;
  readonly end: number | null;
  readonly received: number;
}

interface Written extends Concluded {
  readonly admitted: number;
  readonly bytes: number;
}

/** A gap's moments are of the same clock as its batch's. */
function shifted({ since, until, ...gap }: Gap, shift: number): Gap {
  const moment = (ms: number): number => Math.max(0, Math.round(ms + shift));
  return {
    ...gap,
    ...(since === undefined ? {} : { since: moment(since) }),
    ...(until === undefined ? {} : { until: moment(until) }),
  };
}
