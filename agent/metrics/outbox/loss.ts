import type { Gap } from "#shared/messages/metrics";
import { gapsToTell } from "./gap.ts";
import type { EpochClock } from "./epoch-clock.ts";
import type { Segment } from "./segment.ts";

/** The gaps to tell when all that waits in these files leaves. */
export function lossOf(segments: readonly Segment[], why: string, placing: EpochClock): Gap[] {
  const own: Gap[] = [];
  const carried: Gap[] = [];
  for (const segment of segments) {
    const gap = segment.loss(why, (at) => placing.time(at, segment.epoch));
    if (gap) own.push(gap);
    for (const record of segment.gaps.values()) carried.push(record.gap);
  }
  return gapsToTell(own, carried);
}
