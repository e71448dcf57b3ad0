/**
 * SHA-256 (FIPS 180-4) piece by piece: the browser's own takes a file only whole, and a page that came over plain HTTP has none.
 * Some 100 MB in a second.
 */
export class Sha256 {
  readonly #state = Uint32Array.from(initial);
  readonly #words = new Uint32Array(64);
  readonly #rest = new Uint8Array(block);
  #waiting = 0;
  #bytes = 0;

  add(bytes: Uint8Array): this {
    this.#bytes += bytes.length;
    let at = 0;
    if (this.#waiting > 0) {
      at = Math.min(bytes.length, block - this.#waiting);
      this.#rest.set(bytes.subarray(0, at), this.#waiting);
      this.#waiting += at;
      if (this.#waiting < block) return this;
      this.#mix(this.#rest, 0);
    }
    for (; at + block <= bytes.length; at += block) this.#mix(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#waiting = bytes.length - at;
    return this;
  }

  /** Ends it. @returns in hex */
  end(): string {
    const size = this.#bytes;
    const padded = new Uint8Array(this.#waiting < block - 8 ? block : 2 * block);
    padded.set(this.#rest.subarray(0, this.#waiting));
    padded[this.#waiting] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(size / 0x2000_0000));
    view.setUint32(padded.length - 4, (size * 8) % 0x1_0000_0000);
    for (let at = 0; at < padded.length; at += block) this.#mix(padded, at);
    return [...this.#state].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  #mix(bytes: Uint8Array, from: number): void {
    const words = this.#words;
    const state = this.#state;
    for (let at = 0; at < 16; at++) {
      const place = from + 4 * at;
      words[at] = (bytes[place]! << 24) | (bytes[place + 1]! << 16) | (bytes[place + 2]! << 8) | bytes[place + 3]!;
    }
    for (let at = 16; at < 64; at++) {
      const [early, late] = [words[at - 15]!, words[at - 2]!];
      const small = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
      const large = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
      words[at] = words[at - 16]! + small + words[at - 7]! + large;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as Eight;
    for (let at = 0; at < 64; at++) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + rounds[at]! + words[at]!) | 0;
      const most = (a & b) ^ (a & c) ^ (b & c);
      const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] = state[at]! + word;
  }
}

type Eight = [number, number, number, number, number, number, number, number];

/** Bytes that are mixed in at once. */
const block = 64;
const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** The first 32 bits behind the point of the roots of the first primes, as the standard has them. */
function rootsOf(count: number, power: number): number[] {
  const primes: number[] = [];
  for (let next = 2; primes.length < count; next++) if (primes.every((prime) => next % prime !== 0)) primes.push(next);
  return primes.map((prime) => {
    const root = prime ** power;
    return Math.floor((root - Math.floor(root)) * 0x1_0000_0000);
  });
}
const initial = rootsOf(8, 1 / 2);
const rounds = Uint32Array.from(rootsOf(64, 1 / 3));
