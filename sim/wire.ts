import { parser, type Packet } from "mqtt-packet";
import { batchCap } from "#shared/codec";

/** Bytes of one packet at most: a topic and what goes with it besides the payload. */
const largest = batchCap + 1_024;

/**
 * Reads packets for all connections with one buffer and one parser: a parser keeps its state and lists, which would be most
 * of what a connection costs. It is given whole packets alone; what is left of a cut one is the connection's to keep.
 */
export class Wire {
  /** Where every socket reads into. */
  readonly buffer = Buffer.alloc(64 * 1024);
  readonly #parser = parser();
  #packet: Packet | undefined;
  #error: Error | undefined;

  constructor() {
    this.#parser.on("packet", (packet: Packet) => (this.#packet = packet));
    this.#parser.on("error", (error: Error) => (this.#error = error));
  }

  /**
   * Gives `take` each packet of what was read; it may not keep the payload, which is overwritten by the next read.
   * @param rest what the last read of this connection left @param length bytes in {@link buffer}
   * @returns what is left of a packet that is not complete @throws Error for what is no MQTT
   */
  read(rest: Buffer | undefined, length: number, take: (packet: Packet) => void): Buffer | undefined {
    const read = this.buffer.subarray(0, length);
    const bytes = rest ? Buffer.concat([rest, read]) : read;
    let at = 0;
    for (let end = endOf(bytes, at); end !== undefined; end = endOf(bytes, at)) {
      take(this.#parse(bytes.subarray(at, end)));
      at = end;
    }
    return at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
  }

  #parse(frame: Buffer): Packet {
    this.#packet = this.#error = undefined;
    this.#parser.parse(frame);
    if (this.#packet) return this.#packet;
    throw this.#error ?? new Error("a packet that cannot be read");
  }
}

/** Where the packet that begins at `at` ends, if all of it is there (MQTT 3.1.1 §2.2.3). */
function endOf(bytes: Buffer, at: number): number | undefined {
  let length = 0;
  for (let place = 0; place < 4; place++) {
    const byte = bytes[at + 1 + place];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 128 ** place;
    if (length > largest) throw new Error(`a packet of more than ${largest} bytes`);
    if (byte < 128) return at + 2 + place + length <= bytes.length ? at + 2 + place + length : undefined;
  }
  throw new Error("a packet whose length has more than four bytes");
}
