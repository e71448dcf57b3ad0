/** Sums of two hashes must stay exact numbers. */
const range = 2 ** 52;

/**
 * A series' number within its device, from measurement and tags: 52 bits, and so one plain number instead of a long text
 * for each of some hundred thousand series. The order of the tags does not matter.
 * @param seed a 32-bit number, another one in each run, so that nobody can prepare series that fall together
 */
export function hashSeries(measurement: string, tags: Readonly<Record<string, string>>, seed: number): number {
  let sum = hashText(measurement, seed);
  for (const name of Object.keys(tags)) {
    // The value begins where its name has led, so that two tags cannot change places unseen.
    sum = (sum + hashText(tags[name] ?? "", hashText(name, ~seed) | 0)) % range;
  }
  return sum;
}

/** FNV-1a (RFC 9923) in two lanes of 32 bits, which begin and multiply differently. */
export function hashText(text: string, seed: number): number {
  let low = 0x811c9dc5 ^ seed;
  let high = seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x2c1b3c6d);
  }
  return (spread(high) & 0xfffff) * 2 ** 32 + (spread(low) >>> 0);
}

/** Lets every bit depend on every other: a multiplication alone carries upwards only. */
function spread(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x297a2d39);
  return once ^ (once >>> 15);
}
