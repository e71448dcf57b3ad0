/**
 * Chance that is the same in every run: a number for each place that asks, by a seed and up to two more numbers. There is no
 * sequence to keep, so ten thousand devices need no memory for it, and nobody's draw moves another's.
 */

/** A seed from text: FNV-1a, 32 bits. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** 0 ≤ n < 1 */
export function draw(seed: number, a: number, b = 0): number {
  return mix(mix(mix(seed) ^ Math.floor(a)) ^ Math.floor(b)) / 2 ** 32;
}

/** A seed of its own for part `part` of what `seed` stands for. */
export function subseed(seed: number, part: number): number {
  return mix(mix(seed) ^ part);
}

/** Which `count` of the numbers 0 … total − 1 are chosen. */
export function pick(seed: number, total: number, count: number): Set<number> {
  const ranked = Array.from({ length: total }, (_, index) => ({ index, rank: draw(seed, index) }));
  ranked.sort((a, b) => a.rank - b.rank || a.index - b.index);
  return new Set(ranked.slice(0, count).map(({ index }) => index));
}

/** Every bit of the result hangs on every bit of `value` (the finalizer of MurmurHash3). */
function mix(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
