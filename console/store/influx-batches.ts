import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { LineWriter } from "./influx-lines.ts";
import { LineBatch, type BadLines, type Call } from "./line-batch.ts";
import { LineBytes } from "./line-bytes.ts";
import { StoreUnavailableError, type SeriesColumns, type WriteOutcome } from "./store.ts";

export interface InfluxBatchesOptions {
  readonly clock: Clock;
  /** Writes one batch, and says which lines will never be taken. @throws when they may be tried again */
  readonly write: (batch: LineBatch) => Promise<readonly BadLines[]>;
  readonly onWritten: () => void;
  readonly onLost: (error: StoreUnavailableError) => void;
}

/** Requests at once. */
const atOnce = 8;
/**
 * Milliseconds before a request goes out that is not full: after a pause soon, so that a chart is live; in traffic as long
 * after the last one as a chart can wait, so that many small calls share it.
 */
const patience = { afterPause: 50, inTraffic: 1_000 };
/** Bytes waiting in memory at most, and on their way: beyond it writes are refused, and their senders keep them. */
const maxWaitingBytes = 64 * 1024 * 1024;
/** Buffers kept for the next requests at most, and bytes of one that is kept: a single huge line must not stay. */
const spare = { buffers: atOnce + 1, bytes: 2 * 1024 * 1024 };

/** Gathers the lines of many calls into few requests; each call is told when its own lines are in. */
export class InfluxBatches {
  readonly #options: InfluxBatchesOptions;
  readonly #writer = new LineWriter();
  readonly #running = new Set<Promise<void>>();
  readonly #spare: LineBytes[] = [];
  /** Full ones, and at the end the one that is being filled. */
  #waiting: LineBatch[] = [];
  /** Bytes that wait or are on their way. */
  #bytes = 0;
  #lastFlush = -Infinity;
  #stopping = false;
  #cancelFlush: (() => void) | undefined;

  constructor(options: InfluxBatchesOptions) {
    this.#options = options;
  }

  /** Resolves with what will never be taken, once the rest is in. @throws StoreUnavailableError when it may be tried again */
  add(series: readonly SeriesColumns[]): Promise<WriteOutcome> {
    if (this.#bytes > maxWaitingBytes) {
      const megabytes = Math.round(this.#bytes / 1024 / 1024);
      return Promise.reject(
        new StoreUnavailableError(`InfluxDB is slower than the fleet: ${megabytes} MB wait already`),
      );
    }
    return new Promise((resolve, reject) => {
      const call: Call = { waiting: 0, rejected: [], resolve, reject };
      for (const one of series) {
        const refused = this.#writer.write(one, () => this.#open(one, call));
        for (const rejected of refused) call.rejected.push(rejected);
      }
      if (call.waiting === 0) resolve({ rejected: call.rejected });
      else this.#flushSoon();
    });
  }

  /** Refuses what waits for a request; what is on its way ends as it ends. */
  drop(error: StoreUnavailableError): void {
    for (const batch of this.#waiting.splice(0)) {
      this.#release(batch);
      batch.failed(error);
    }
  }

  /** Writes what waits, and resolves when the requests that are on their way by then have ended. */
  async flushed(): Promise<void> {
    this.#flush();
    await Promise.all(this.#running);
  }

  /** Writes what waits, and resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#flush();
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#stopping = false;
  }

  /** The batch that the next line of `series` goes to. */
  #open(series: SeriesColumns, call: Call): LineBatch {
    let last = this.#waiting.at(-1);
    if (!last || last.full) {
      last = new LineBatch(this.#spare.pop() ?? new LineBytes(LineBatch.capacity), (bytes) => (this.#bytes += bytes));
      this.#waiting.push(last);
    }
    return last.for(series, call);
  }

  #flushSoon(): void {
    if (this.#waiting[0]?.full || this.#stopping) return this.#flush();
    if (!this.#waiting[0]?.lines || this.#cancelFlush) return;
    const { clock } = this.#options;
    const wait = patience.inTraffic - (clock.monotonic() - this.#lastFlush);
    this.#cancelFlush = clock.after(Math.max(patience.afterPause, wait), () => this.#flush());
  }

  /** Sends what is gathered, as far as there is a free request; the next one begins when one of them ends. */
  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#lastFlush = this.#options.clock.monotonic();
    while (this.#running.size < atOnce && this.#waiting[0]?.lines) {
      const sending = this.#send(this.#waiting.shift()!);
      this.#running.add(sending);
      void sending.then(() => {
        this.#running.delete(sending);
        this.#flushSoon();
      });
    }
  }

  async #send(batch: LineBatch): Promise<void> {
    try {
      const bad = await this.#options.write(batch);
      this.#release(batch);
      batch.taken(bad);
      this.#options.onWritten();
    } catch (thrown) {
      const error =
        thrown instanceof StoreUnavailableError
          ? thrown
          : new StoreUnavailableError("a write to InfluxDB failed", { cause: asError(thrown) });
      // Its buffer is not used again: a request that was given up may still be reading it.
      this.#bytes -= batch.out.length;
      batch.failed(error);
      this.#options.onLost(error);
    }
  }

  #release({ out }: LineBatch): void {
    this.#bytes -= out.length;
    if (this.#spare.length >= spare.buffers || out.bytes.length > spare.bytes) return;
    out.length = 0;
    this.#spare.push(out);
  }
}
