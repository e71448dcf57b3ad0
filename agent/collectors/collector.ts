import type { Clock } from "#shared/clock";

/**
 * One source of measurements. To add one: copy a small one such as `diskio.ts` with its test, name it in `all.ts`,
 * and describe its fields in docs/metrics.md.
 *
 * A collector lives as long as the agent and may keep state between samples (counters of the last one, the paths of
 * sensors). It holds no timer and no child process between them; one that keeps files open closes them in `stop`.
 */
export interface Collector {
  /** For problems and logs: mostly the measurement's name. */
  readonly name: string;
  /**
   * Measures now. Never called again before the last call has settled. What it throws is reported as this
   * collector's problem and costs the sample none of the other collectors' readings.
   */
  sample(context: SampleContext): Promise<readonly Reading[]> | readonly Reading[];
  /** Lets go of what it keeps open. To be called when no sample is wanted for now; the next one begins anew. */
  stop?(): void;
}

export interface SampleContext {
  readonly clock: Clock;
  /** Reports that a part of this sample failed; what did not fail is still returned. */
  readonly problem: (error: Error) => void;
}

/**
 * One measurement with its tags at one instant, by Telegraf's names and units. The tag `host` is added by the store.
 * Values that are no finite number, and tags that are empty, may be given: they are left out.
 */
export interface Reading {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, ReadValue>>;
}

export type ReadValue = number | string | boolean;
