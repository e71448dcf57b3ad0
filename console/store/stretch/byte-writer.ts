/** Bytes that are written one after the other. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1_024);
  #at = 0;

  byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** A whole number from 0 to 2^53 - 1, in seven bits a byte, the lowest first. */
  varint(value: number): void {
    let rest = value;
    // Bits only where they reach: JavaScript's end at 32.
    while (rest >= 0x80000000) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A whole number of less than 2^52 either way: its sign is the lowest bit, so that small ones are short. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#grow(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** What was written, of its own. */
  taken(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#at));
  }

  #grow(by: number): void {
    if (this.#at + by <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + by));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
