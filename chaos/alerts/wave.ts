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

/** What a number says of the wave by what is left of it over 3: an agent on a copied directory says nothing. */
const words = ["low", "high", "nothing"] as const;
export type Word = (typeof words)[number];

/** The next number after `n` that says this: so whoever finds a number knows whether the sample crossed. */
export function nextNumber(n: number, word: Word): number {
  const next = n + 1;
  return next + ((words.indexOf(word) - (next % words.length) + words.length) % words.length);
}

export function wordOf(n: number): Word {
  return words[n % words.length] ?? "nothing";
}

/** The rule that looks at it, and the channel that tells of it. */
export const rule = "ChaosWave";
export const channel = "chaos";
