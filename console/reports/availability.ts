import type { PresenceChange, PresenceWatch } from "../presence/presence-rows.ts";

/** How much of a time a device was there. Milliseconds, of what is known alone. */
export interface Availability {
  /** Of the time, as much as somebody watched and knew of the device. */
  readonly known: number;
  readonly up: number;
  /** Times that it went, or had gone before. */
  readonly outages: number;
  /** The known time of the longest. */
  readonly longest: number;
  /** Whether it was away at the end of what is known. */
  readonly isAway: boolean;
}

type Change = Pick<PresenceChange, "ts" | "up">;

/**
 * What there is to know between two moments. While nobody watched a device was neither there nor away: that time is left out, and an outage goes
 * on behind it where the device had not come meanwhile.
 * @param changes the oldest first, with what was so at the beginning
 * @param watches the oldest first
 */
export function availabilityOf(
  changes: readonly Change[],
  watches: readonly PresenceWatch[],
  { from, to }: { readonly from: number; readonly to: number },
): Availability {
  let [known, up, outages, longest, outage] = [0, 0, 0, 0, 0];
  let state: boolean | undefined;
  let at = 0;
  const pass = (start: number, end: number, is: boolean): void => {
    const length = Math.min(end, to) - Math.max(start, from);
    if (length <= 0) return;
    known += length;
    if (is) up += length;
    else if (state !== false) {
      outages += 1;
      outage = length;
    } else outage += length;
    if (!is) longest = Math.max(longest, outage);
    state = is;
  };
  for (const watch of watches) {
    while ((changes[at]?.ts ?? Infinity) < watch.begun) at += 1;
    let start = Math.min(watch.settled ?? Infinity, changes[at]?.ts ?? Infinity);
    let is = changes[at]?.ts === start ? undefined : changes[at - 1]?.up;
    for (; (changes[at]?.ts ?? Infinity) < watch.until; at += 1) {
      const change = changes[at] as Change;
      if (is !== undefined) pass(start, change.ts, is);
      start = change.ts;
      is = change.up;
    }
    if (is !== undefined) pass(start, watch.until, is);
  }
  return { known, up, outages, longest, isAway: state === false };
}
