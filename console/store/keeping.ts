import { dayLength } from "./rollup/day-finder.ts";

/** How long what is kept, in milliseconds. Asked for each time: it may change. */
export interface Keeping {
  /** Samples. */
  readonly maxAge: number;
  /** What each minute and each quarter of an hour come to, of days that are over; not at all unless given. */
  readonly maxAgeOfMinutes?: number;
  readonly maxAgeOfQuarters?: number;
}

/** Where samples are kept for less than a day, they are gone before they are rolled up. */
export function isThinning(keeping: Keeping): boolean {
  const { minutes, quarters } = ageOf(keeping);
  return keeping.maxAge >= dayLength && (minutes > 0 || quarters > 0);
}

export function ageOf({ maxAgeOfMinutes = 0, maxAgeOfQuarters = 0 }: Keeping): { minutes: number; quarters: number } {
  return { minutes: maxAgeOfMinutes, quarters: maxAgeOfQuarters };
}
