import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { SeriesColumns } from "../store/store.ts";
import { numbersOf, type Report } from "./report.ts";

export interface SelfMetricsOptions {
  /** @returns the numbers since the last call of `reset` */
  readonly read: () => Report;
  /** Begins the timings anew. */
  readonly reset: () => void;
  /** Takes the numbers as series; what it throws is logged: the next ones follow soon. */
  readonly write: (series: readonly SeriesColumns[]) => Promise<unknown>;
  /** Publishes one number on a topic of its own. */
  readonly publish: (name: string, value: string) => void;
  /** Hears of each report. @param ts epoch ms */
  readonly told?: (report: Report, ts: number) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds between two reports; 10,000 by default. */
  readonly interval?: number;
}

/** The console is no device, but a host as any other for who looks at its charts. */
const host = "console" as DeviceId;

/** Tells, on a beat, what the console measures of itself: to the store as measurement `muster`, and on topics. */
export class SelfMetrics {
  readonly #options: SelfMetricsOptions;
  #cancel: (() => void) | undefined;

  constructor(options: SelfMetricsOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, interval = 10_000 } = this.#options;
    this.#cancel = clock.after(interval, () => {
      this.start();
      this.#tell();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  #tell(): void {
    const { read, reset, write, publish, told, clock, log } = this.#options;
    const report = read();
    reset();
    told?.(report, Math.round(clock.now()));
    const numbers = [...numbersOf(report)];
    for (const [name, value] of numbers) publish(name, String(round(value)));
    const times = [Math.round(clock.now())];
    const refused = Object.entries(report.refused).map(([reason, count]) =>
      one("muster_refused", { reason }, { count }, times),
    );
    const fields = Object.fromEntries(numbers.map(([name, value]) => [name, round(value)]));
    write([one("muster", {}, fields, times), ...refused]).catch((thrown: unknown) =>
      log.debug({ err: asError(thrown) }, "the console's own numbers were not written"),
    );
  }
}

function one(
  measurement: string,
  tags: SeriesColumns["tags"],
  fields: SeriesColumns["fields"],
  times: readonly number[],
): SeriesColumns {
  return { device: host, measurement, tags, times, fields };
}

/** Microseconds are precise enough for a duration in milliseconds. */
function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
