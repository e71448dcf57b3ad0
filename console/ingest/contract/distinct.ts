/** Bits: enough to tell some thousand apart, little enough to have for each offender. */
const size = 1_024;

/**
 * About how many different ones there were, in 128 bytes (linear counting): each sets the bit of its hash, and the share of
 * bits still unset tells. Off by a few per cent up to two thousand; beyond five thousand it only says "many".
 */
export class Distinct {
  readonly #bits = new Uint32Array(size / 32);

  /** @param hash a whole number, evenly spread */
  add(hash: number): void {
    const bit = hash % size;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }

  get estimate(): number {
    let unset = 0;
    for (const word of this.#bits) for (let bit = 0; bit < 32; bit += 1) if (((word >>> bit) & 1) === 0) unset += 1;
    return Math.round(-size * Math.log(Math.max(unset, 1) / size));
  }
}
