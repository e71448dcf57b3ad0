/** What stands in a stretch is none, or not all of one: its bytes were changed. */
export class DamagedStretchError extends Error {
  override readonly name = "DamagedStretchError" as const;
}

/** Reads what {@link ByteWriter} has written. @throws DamagedStretchError beyond the end */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new DamagedStretchError("it ends too early");
    return byte;
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let unit = 128; byte >= 128; unit *= 128) {
      if (unit > 2 ** 49) throw new DamagedStretchError("a number in it is too large");
      byte = this.byte();
      value += (byte & 127) * unit;
    }
    return value;
  }

  /** One whose sign is its lowest bit. */
  signed(): number {
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte < 128) {
      this.#at += 1;
      return (byte >>> 1) ^ -(byte & 1);
    }
    const value = this.varint();
    if (value < 0x80000000) return (value >>> 1) ^ -(value & 1);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    if (this.#at + 8 > this.#bytes.length) throw new DamagedStretchError("it ends too early");
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new DamagedStretchError("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return Buffer.from(this.bytes(this.varint())).toString("utf8");
  }
}
