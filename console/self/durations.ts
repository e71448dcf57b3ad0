import { createHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Timing } from "./report.ts";

/** Durations since the last look, in a histogram of fixed size however many there are. */
export class Durations {
  readonly #histogram = createHistogram();

  add(ms: number): void {
    // The histogram takes whole numbers from one on.
    this.#histogram.record(Math.max(1, Math.round(ms * 1_000)));
  }

  /** @returns what was added since {@link reset} */
  read(): Timing {
    return timing(this.#histogram, 1_000);
  }

  reset(): void {
    this.#histogram.reset();
  }
}

/** How late the event loop is, measured each ten milliseconds: what it is late, every message waits. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution });

  start(): void {
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  read(): Timing {
    const { mean, p99, max } = timing(this.#histogram, 1_000_000);
    // What is measured is the time between two ticks: the tick itself is no delay.
    const late = (ms: number): number => Math.max(0, ms - resolution);
    return { mean: late(mean), p99: late(p99), max: late(max) };
  }

  reset(): void {
    this.#histogram.reset();
  }
}

/** Milliseconds between two ticks. */
const resolution = 10;

interface Histogram {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  percentile(percentile: number): number;
}

function timing(histogram: Histogram, unit: number): Timing {
  if (histogram.count === 0) return { mean: 0, p99: 0, max: 0 };
  return { mean: histogram.mean / unit, p99: histogram.percentile(99) / unit, max: histogram.max / unit };
}
