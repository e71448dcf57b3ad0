/** Bytes that one number takes at most: a sign, 17 digits, a point and an exponent. */
export const maxNumberBytes = 26;

const zero = 0x30;
const minus = 0x2d;
const point = 0x2e;
const billion = 1e9;
/** 10^0 to 10^9. */
const tens = Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);
/** The two digits of 0 to 99, one after the other: numbers are taken apart in steps of a hundred. */
const pairs = Uint8Array.from({ length: 200 }, (_, at) => zero + (Math.floor((at >> 1) / 10 ** ((at & 1) ^ 1)) % 10));

/**
 * Text as bytes, appended to one buffer that grows. Pieces are copied by plain loops: for the 5 to 40 bytes of a name or number a
 * call into the buffer's native methods costs more than the copying. Whoever writes many small pieces
 * reserves room for them at once.
 */
export class LineBytes {
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Reserves by itself. */
  text(value: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    this.reserve(value.length * 3);
    if (!this.#ascii(value)) this.length += this.bytes.write(value, this.length);
  }

  /** One byte, for which there must be room. */
  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** What `from` holds, for which there must be room. */
  copy(from: LineBytes): void {
    const target = this.bytes;
    const source = from.bytes;
    const count = from.length;
    const at = this.length;
    for (let index = 0; index < count; index++) target[at + index] = source[index]!;
    this.length = at + count;
  }

  /** A finite number in its shortest form, for which there must be room. */
  number(value: number): void {
    if (Number.isSafeInteger(value)) this.decimal(value, 0);
    else this.#ascii(String(value));
  }

  /** `value` / 10^`places`, exactly, for a safe integer and 0 to 9 places; there must be room. */
  decimal(value: number, places: number): void {
    let left = value;
    if (left < 0) {
      this.bytes[this.length++] = minus;
      left = -left;
    }
    if (places === 0) return this.#whole(left);
    const unit = tens[places]!;
    const whole = Math.floor(left / unit);
    this.#whole(whole);
    this.bytes[this.length++] = point;
    this.#digits((left - whole * unit) | 0, places);
  }

  #whole(value: number): void {
    if (value < billion) return this.#digits(value | 0, digitsOf(value | 0));
    // Division is fast for 32-bit integers only: nine digits at a time.
    const above = Math.floor(value / billion);
    this.#whole(above);
    this.#digits((value - above * billion) | 0, 9);
  }

  /** The last `count` digits of a number below a billion, with leading zeros. */
  #digits(value: number, count: number): void {
    const { bytes } = this;
    const begin = this.length;
    let at = begin + count;
    let left = value;
    this.length = at;
    for (; at - begin >= 2; at -= 2) {
      const above = (left / 100) | 0;
      const pair = (left - above * 100) << 1;
      bytes[at - 1] = pairs[pair + 1]!;
      bytes[at - 2] = pairs[pair]!;
      left = above;
    }
    if (at > begin) bytes[begin] = zero + (left % 10);
  }

  /** Whether all of it was ASCII; nothing is written where it was not. */
  #ascii(value: string): boolean {
    const { bytes } = this;
    const at = this.length;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      bytes[at + index] = code;
    }
    this.length = at + value.length;
    return true;
  }
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1_000 ? 3 : 4;
  let count = 5;
  while (count < 9 && value >= tens[count]!) count += 1;
  return count;
}
