import type { Delivery } from "./delivery.ts";
import { maxSaid, type TryOutcome } from "./try-outcome.ts";
import { cutTo } from "./notice.ts";

/** Milliseconds: the first wait after a try that led to nothing, and the longest between two. */
export const firstPause = 5_000;
export const longestPause = 10 * 60_000;
/** Milliseconds that the other side may ask us to wait at most: whoever asks for more is asked again after so long. */
export const longestRetryAfter = 3_600_000;
/** Milliseconds for which a notice is tried, and tries that it has had at least by then: a clock that jumps must not end all at once. */
export const deliveryTime = 24 * 3_600_000;
export const fewestTries = 10;
/** Tries of one notice at most. */
export const maxTries = 200;

/** What a try makes of a delivery, and of its channel: `pause` milliseconds in which that one is left alone. */
export interface DeliveryStep extends Pick<Delivery, "state" | "tries" | "next" | "said" | "ended"> {
  readonly pause: number;
}

export interface DeliveryStepGiven {
  /** Epoch ms. */
  readonly now: number;
  /** Tries of the channel that led to nothing, one after the other, before this one. */
  readonly failures: number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

/** What one try makes of a delivery. */
export function afterTry(
  delivery: Pick<Delivery, "tries" | "since">,
  outcome: TryOutcome,
  { now, failures, random }: DeliveryStepGiven,
): DeliveryStep {
  const tries = delivery.tries + 1;
  const said = cutTo(outcome.said, maxSaid);
  if (outcome.kind === "delivered") return { state: "delivered", tries, next: now, said, ended: now, pause: 0 };
  // The next one may be taken.
  if (outcome.kind === "refused") return { state: "failed", tries, next: now, said, ended: now, pause: 0 };
  const pause = Math.max(pauseAfter(failures, random), Math.min(outcome.after ?? 0, longestRetryAfter));
  const isOld = now - (delivery.since ?? now) >= deliveryTime && tries >= fewestTries;
  if (isOld || tries >= maxTries) {
    const given = `given up after ${tries} tries: ${outcome.said}`;
    return { state: "failed", tries, next: now, said: cutTo(given, maxSaid), ended: now, pause };
  }
  return { state: "waiting", tries, next: now + pause, said, ended: null, pause };
}

/** Longer each time, and never the same for two channels that failed together. */
function pauseAfter(failures: number, random: () => number): number {
  const wait = Math.min(longestPause, firstPause * 2 ** Math.min(failures, 16));
  return Math.round(wait * (0.5 + random() / 2));
}
