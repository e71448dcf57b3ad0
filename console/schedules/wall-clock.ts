const hour = 3_600_000;
/** Milliseconds around a moment within which a zone changes its clocks once at most. */
const around = 24 * hour;

/** What a clock on the wall shows, as epoch ms of the instant at which one in UTC would show the same; and back. */
export interface WallClock {
  readonly wallOf: (ts: number) => number;
  /** The latest that it has shown up to then: where it was put back a while ago, that is later than what it shows. */
  readonly latestOf: (ts: number) => number;
  /** Where it shows that twice, the first of both; where it leaves that out, the instant at which it is put forward. */
  readonly instantOf: (wall: number) => number;
}

/** @param zone one that Intl knows */
export function wallClock(zone: string): WallClock {
  const format = new Intl.DateTimeFormat("en", {
    timeZone: zone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const offsetOf = (ts: number): number => {
    const parts = new Map(format.formatToParts(ts).map(({ type, value }) => [type, Number(value)]));
    const of = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const shown = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
    return shown - Math.floor(ts / 1_000) * 1_000;
  };
  const instantOf = (wall: number): number => {
    const [before, behind] = [offsetOf(wall - around), offsetOf(wall + around)];
    // What is put back has the greater offset before, and by it the earlier instant.
    for (const offset of [before, behind]) if (offsetOf(wall - offset) === offset) return wall - offset;
    return changeBetween(wall - around, wall + around, (ts) => offsetOf(ts) === before);
  };
  return {
    wallOf: (ts) => ts + offsetOf(ts),
    latestOf: (ts) => ts + Math.max(offsetOf(ts), offsetOf(ts - around)),
    instantOf,
  };
}

/** The first whole millisecond of the time between, at which something is so no more. */
function changeBetween(from: number, to: number, isSo: (ts: number) => boolean): number {
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isSo(middle)) low = middle;
    else high = middle;
  }
  return high;
}
