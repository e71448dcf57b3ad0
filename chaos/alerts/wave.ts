/**
 * What agents measure beside their numbers: high for a while and low for a while, by the clock, so that it goes on whoever dies meanwhile. Twelve
 * times a minute, and not while a round rests: of one device ten alerts are told in a minute, each for itself.
 */
const period = 5_000;
const highFor = 2_200;

/** @param now epoch ms */
export function isHighAt(now: number): boolean {
  return now % period < highFor;
}

/** The next number after `n` that tells what the wave is: an odd one where it is high. So whoever finds a number knows whether it crossed. */
export function nextNumber(n: number, isHigh: boolean): number {
  return isOdd(n + 1) === isHigh ? n + 1 : n + 2;
}

export function isOdd(n: number): boolean {
  return n % 2 === 1;
}

/** The rule that looks at it, and the channel that tells of it. */
export const rule = "ChaosWave";
export const channel = "chaos";
