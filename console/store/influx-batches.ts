import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Line, Rejected } from "./influx-lines.ts";
import { StoreUnavailableError } from "./store.ts";

export interface InfluxBatchesOptions {
  readonly clock: Clock;
  /** Writes at most a batch of lines. @throws when they may be tried again */
  readonly write: (lines: readonly Line[]) => Promise<readonly Rejected[]>;
  readonly onWritten: () => void;
  readonly onLost: (error: StoreUnavailableError) => void;
}

interface Call {
  readonly lines: readonly Line[];
  readonly resolve: (rejected: readonly Rejected[]) => void;
  readonly reject: (error: StoreUnavailableError) => void;
}

/** Lines in one request, milliseconds before one goes out that is not full, and requests at once. */
const batch = { lines: 5_000, wait: 1_000, atOnce: 4 };
/** Lines waiting in memory at most: beyond it writes are refused, and their senders keep them. */
const mostWaiting = 50_000;

/** Gathers the lines of many calls into few requests; each call is told when its own lines are in. */
export class InfluxBatches {
  readonly #options: InfluxBatchesOptions;
  readonly #running = new Set<Promise<void>>();
  #calls: Call[] = [];
  /** Lines that wait for a request, and those together with the ones on their way. */
  #queued = 0;
  #waiting = 0;
  #stopping = false;
  #cancelFlush: (() => void) | undefined;

  constructor(options: InfluxBatchesOptions) {
    this.#options = options;
  }

  /** Resolves with the refused ones once the lines are in. @throws StoreUnavailableError when they may be tried again */
  add(lines: readonly Line[]): Promise<readonly Rejected[]> {
    if (this.#waiting + lines.length > mostWaiting && this.#waiting > 0) {
      const message = `InfluxDB is slower than the fleet: ${this.#waiting} samples wait already`;
      return Promise.reject(new StoreUnavailableError(message));
    }
    return new Promise((resolve, reject) => {
      this.#calls.push({ lines, resolve, reject });
      this.#queued += lines.length;
      this.#waiting += lines.length;
      this.#flushSoon();
    });
  }

  /** Refuses what waits for a request; what is on its way ends as it ends. */
  drop(error: StoreUnavailableError): void {
    for (const { lines, reject } of this.#calls.splice(0)) {
      this.#waiting -= lines.length;
      reject(error);
    }
    this.#queued = 0;
  }

  /** Writes what waits, and resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#flush();
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#stopping = false;
  }

  #flushSoon(): void {
    if (this.#queued >= batch.lines || this.#stopping) this.#flush();
    else if (this.#queued > 0) this.#cancelFlush ??= this.#options.clock.after(batch.wait, () => this.#flush());
  }

  /** Sends what is gathered, as far as there is a free request; the next one begins when one of them ends. */
  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    while (this.#calls.length > 0 && this.#running.size < batch.atOnce) {
      const sending = this.#send(this.#take());
      this.#running.add(sending);
      void sending.then(() => {
        this.#running.delete(sending);
        this.#flushSoon();
      });
    }
  }

  /** Whole calls, up to a full batch; one that is larger goes alone, in several requests. */
  #take(): Call[] {
    let count = 0;
    const taken = this.#calls.findIndex(({ lines }, index) => {
      count += lines.length;
      return index > 0 && count > batch.lines;
    });
    const chosen = this.#calls.splice(0, taken === -1 ? this.#calls.length : taken);
    for (const { lines } of chosen) this.#queued -= lines.length;
    return chosen;
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const lines = calls.flatMap((call) => call.lines);
    try {
      const rejected: Rejected[] = [];
      for (let at = 0; at < lines.length; at += batch.lines) {
        rejected.push(...(await this.#options.write(lines.slice(at, at + batch.lines))));
      }
      // Who is told of a refused line hardly matters: the console counts them by device.
      for (const [index, call] of calls.entries()) call.resolve(index === 0 ? rejected : []);
      this.#options.onWritten();
    } catch (thrown) {
      const error =
        thrown instanceof StoreUnavailableError
          ? thrown
          : new StoreUnavailableError("a write to InfluxDB failed", { cause: asError(thrown) });
      for (const call of calls) call.reject(error);
      this.#options.onLost(error);
    } finally {
      this.#waiting -= lines.length;
    }
  }
}
