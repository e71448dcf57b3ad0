import { encode } from "#shared/codec";
import type { Batch } from "#shared/messages/metrics";
import { toColumns, type Instant } from "../agent/metrics/to-columns.ts";
import type { Reading } from "../agent/collectors/collector.ts";
import { Random } from "../chaos/random.ts";

/**
 * What is sent: so many devices, each with so many series of 8 fields, sampled at an interval and batched. Fields are of
 * the kinds that machines have: three percents with 3 decimals, a float in full length, two counters, two that never change.
 */
export interface Load {
  readonly devices: number;
  readonly series: number;
  /** Instants in a batch. */
  readonly instants: number;
  /** Batches of each device; the first ones warm everything up and do not count. */
  readonly batches: number;
  readonly warm: number;
  /** Epoch ms of the first instant. */
  readonly from: number;
  /** Milliseconds between two instants. */
  readonly interval: number;
  /** Batches of a device that may be without an ack. */
  readonly window: number;
}

export const measurement = "bench";

export function deviceName(index: number): string {
  return `device-${index}`;
}

export function pointsOf({ devices, series, instants }: Load, batches: number): number {
  return devices * series * instants * batches;
}

/** The readings of one instant, the same on every device: a pure function of the instant's number. */
export function readingsAt(load: Load, instant: number): Reading[] {
  return Array.from({ length: load.series }, (_, series) => {
    const random = new Random(`${instant} ${series}`);
    const percent = (): number => Math.round(random.next() * 100_000) / 1_000;
    return {
      measurement,
      tags: { unit: `unit${series}` },
      fields: {
        usage_user: percent(),
        usage_system: percent(),
        usage_idle: percent(),
        load: random.next() * 4,
        bytes_recv: 4_000_000_000 + instant * 51_234 + Math.floor(random.next() * 50_000),
        bytes_sent: 700_000_000 + instant * 7_234 + Math.floor(random.next() * 7_000),
        errors: 0,
        total: 8_241_000_448,
      },
    };
  });
}

export function timeOf(load: Load, instant: number): number {
  return load.from + instant * load.interval;
}

/** Batch `index` as an agent encodes it; its last 8 bytes are `age` as a float, to be written when it is sent. */
export function batchOf(load: Load, index: number): { payload: Buffer; at: number } {
  const numbers = Array.from({ length: load.instants }, (_, offset) => index * load.instants + offset);
  const instants = numbers.map((number): Instant => {
    const mono = number * load.interval;
    return { at: timeOf(load, number), mono, up: mono, readings: readingsAt(load, number) };
  });
  const [first, ...rest] = instants;
  if (!first) throw new Error("a load has at least one instant in a batch");
  const { t, mono, dt, m } = toColumns([first, ...rest]);
  const batch: Batch = { v: 1, outbox: "bench", seq: index + 1, t, epoch: "bench", mono, dt, m, age: 0.5 };
  return { payload: encode(batch, "cbor"), at: t };
}

/** The same samples as lines of the line protocol, as the store writes them. */
export function linesOf(load: Load, device: string, index: number): string {
  let lines = "";
  for (let number = index * load.instants; number < (index + 1) * load.instants; number++) {
    for (const { tags, fields } of readingsAt(load, number)) {
      const values = Object.entries(fields).map(([field, value]) => `${field}=${String(value)}`);
      lines += `${measurement},host=${device},unit=${tags["unit"]} ${values.join(",")} ${timeOf(load, number)}\n`;
    }
  }
  return lines;
}
