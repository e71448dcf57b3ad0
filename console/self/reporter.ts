import type { Ingest } from "../ingest/ingest.ts";
import type { Contract } from "../ingest/contract/contract.ts";
import type { Spool } from "../ingest/spool/spool.ts";
import type { Leftovers } from "../leftovers.ts";
import type { Registry } from "../devices/registry.ts";
import type { MetricsStore } from "../store/store.ts";
import { LoopDelay, type Durations } from "./durations.ts";
import type { Report } from "./report.ts";

export interface ReporterOptions {
  readonly ingest: Ingest;
  readonly contract: Contract;
  readonly spool: Spool;
  readonly leftovers: Leftovers;
  readonly registry: Registry;
  readonly store: MetricsStore;
  readonly brokerConnected: () => boolean;
  /** What {@link timed} has measured. */
  readonly writes: Durations;
  /** How much was caught by the net. */
  readonly faults: () => number;
}

/** Reads the numbers of all parts into one report. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #delay = new LoopDelay();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#delay.start();
  }

  stop(): void {
    this.#delay.stop();
  }

  read(): Report {
    const { ingest, contract, writes, leftovers } = this.#options;
    const { batches, samples, stats } = ingest;
    return {
      counters: {
        received: stats.messages,
        resent: batches.stats.repeated,
        acked: batches.stats.acknowledged,
        deferred: batches.stats.deferred + samples.stats.deferred,
        written: batches.stats.stored + samples.stats.stored,
        rejected: batches.stats.rejected + samples.stats.rejected,
        set_aside: contract.setAside,
        faults: this.#options.faults(),
        cleared: leftovers.stats.cleared,
      },
      gauges: this.#gauges(),
      refused: { ...stats.refused },
      times: { write_latency: writes.read(), event_loop_delay: this.#delay.read() },
    };
  }

  /** Begins the timings anew. */
  reset(): void {
    this.#options.writes.reset();
    this.#delay.reset();
  }

  #gauges(): Report["gauges"] {
    const { ingest, spool, registry, store, brokerConnected } = this.#options;
    const { rows, bytes } = spool.state;
    const { known, online } = registry.counts();
    return {
      window: ingest.batches.window,
      spool_rows: rows,
      spool_bytes: bytes,
      devices: known,
      devices_online: online,
      store_ok: store.health().ok ? 1 : 0,
      broker_ok: brokerConnected() ? 1 : 0,
      rss_bytes: process.memoryUsage.rss(),
    };
  }
}

/**
 * The same store's write, timed from the call to its answer, whatever that is. Not by an async function, which would hold the
 * series until then, and thousands of them may wait.
 */
export function timed(store: MetricsStore, writes: Durations): MetricsStore["write"] {
  return (series) => {
    const began = performance.now();
    const answer = store.write(series);
    const note = (): void => writes.add(performance.now() - began);
    answer.then(note, note);
    return answer;
  };
}
