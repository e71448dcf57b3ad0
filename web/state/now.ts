import { signal } from "@preact/signals";

/**
 * The console's wall clock as far as the page knows it, moving once a second, so that "3 s ago" is right also in a
 * browser whose own clock is wrong.
 */
let ahead = 0;

/** A Date header has whole seconds, and the answer took a while to arrive: less than this is no difference. */
const tolerance = 3_000;

export const now = signal(Date.now());

export function noteServerTime(dateHeader: string | null): void {
  const difference = dateHeader === null ? Number.NaN : Date.parse(dateHeader) - Date.now();
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) > tolerance ? difference : 0;
}

/** Keeps {@link now} moving. @returns what stops it */
export function startClock(): () => void {
  const timer = setInterval(() => (now.value = Date.now() + ahead), 1_000);
  return () => clearInterval(timer);
}
