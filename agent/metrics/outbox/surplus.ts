import type { EpochClock } from "./epoch-clock.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

export interface OutboxBounds {
  /** Bytes on the disk. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly maxAge: number;
}

/**
 * The oldest files that the bounds do not allow any more: as a whole, and never the newest.
 * @param room bytes of `maxBytes` that nothing else takes
 */
export function surplus(segments: Segments, { maxBytes, maxAge }: OutboxBounds, placing: EpochClock, room: number) {
  const full: Segment[] = [];
  const old: Segment[] = [];
  let { bytes } = segments;
  for (const segment of segments) {
    if (segment === segments.last) break;
    if (segment.held) continue;
    if (bytes > room) full.push(segment);
    else if (placing.age(segment.newest, segment.epoch, segment.newestWall) > maxAge) old.push(segment);
    else break;
    bytes -= segment.size;
  }
  return [
    { segments: full, why: `the outbox is full (${maxBytes} bytes)` },
    { segments: old, why: `older than the outbox keeps (${Math.round(maxAge / 1_000)} s)` },
  ];
}
