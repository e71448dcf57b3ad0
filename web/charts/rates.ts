import { takenAt, type Pair } from "../state/latest.ts";

/** Telegraf's measurements whose fields only grow, and what in them is no such counter. */
const counters: Readonly<Record<string, RegExp>> = {
  net: /^(bytes|packets|err|drop)_(recv|sent|in|out)$/,
  diskio:
    /^(reads|writes|merged_reads|merged_writes|read_bytes|write_bytes|read_time|write_time|io_time|weighted_io_time)$/,
  swap: /^(in|out)$/,
  kernel: /^(interrupts|context_switches|processes_forked)$/,
  internal_agent: /^(gather_errors|metrics_(gathered|written|dropped)|write_bytes|file_(bytes|syncs))$/,
};

export function isCounter(measurement: string, field: string): boolean {
  return counters[measurement]?.test(field) ?? false;
}

/**
 * A counter's growth per second between two of its values. Undefined where it fell: the machine or its interface
 * started anew, and nobody knows how much was counted in between.
 */
export function rate(
  before: readonly [ts: number, value: number],
  after: readonly [ts: number, value: number],
): number | undefined {
  const seconds = (after[0] - before[0]) / 1_000;
  const growth = after[1] - before[1];
  return seconds > 0 && growth >= 0 ? growth / seconds : undefined;
}

/** The rate of a counter between a series' newest sample and the one before. */
export function pairRate({ sample, before }: Pair, field: string): number | undefined {
  const newer = sample.fields[field];
  const older = before?.fields[field];
  if (!before || typeof newer !== "number" || typeof older !== "number") return undefined;
  return rate([takenAt(before, field), older], [takenAt(sample, field), newer]);
}
