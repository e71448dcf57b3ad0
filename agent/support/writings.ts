import type { Wrote } from "#disk/counted-disk";
import { writtenBytes } from "../collectors/written-bytes.ts";

const day = 86_400_000;
/** Milliseconds after which it is told how much that is in a day: before, the start alone would be multiplied. */
export const minMeasured = 600_000;

/** What an agent has its disk write: in this run, and by that in a day. */
export interface Writings extends Wrote {
  /** Bytes by the kernel's count, in whole pages; null where it does not tell. */
  readonly written: number | null;
  readonly aDay?: number;
  readonly writtenADay?: number;
}

/** @param ms how long the run is */
export function writings(wrote: Wrote, ms: number, written = writtenBytes()): Writings {
  const told = { ...wrote, written: written ?? null };
  if (ms < minMeasured) return told;
  const inADay = (bytes: number): number => Math.round((bytes / ms) * day);
  return { ...told, aDay: inADay(wrote.bytes), ...(written === undefined ? {} : { writtenADay: inADay(written) }) };
}
