/** MQTT 3.1.1 packets as bytes, for load that shall cost little itself. */

/** CONNECT with a clean session. */
export function connectFrame(id: string, secret: string): Buffer {
  const flags = Buffer.from([4, 0b1100_0010, 0, 120]);
  return frame(0x10, Buffer.concat([text("MQTT"), flags, text(id), text(id), text(secret)]));
}

export function subscribeFrame(filter: string, qos: 0 | 1): Buffer {
  return frame(0x82, Buffer.concat([Buffer.from([0, 1]), text(filter), Buffer.from([qos])]));
}

/** PUBLISH at QoS 0. */
export function publishFrame(topic: string, payload: Buffer): Buffer {
  return frame(0x30, Buffer.concat([text(topic), payload]));
}

export function pubackFrame(id: number): Buffer {
  return Buffer.from([0x40, 2, id >> 8, id & 255]);
}

/** What came over one connection, cut into packets: `take` gets the first byte and what follows the length. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #take: (first: number, body: Buffer) => void;

  constructor(take: (first: number, body: Buffer) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let bytes: Buffer = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let packet = split(bytes); packet; packet = split(bytes)) {
      this.#take(bytes[0] ?? 0, bytes.subarray(packet.head, packet.end));
      bytes = bytes.subarray(packet.end);
    }
    this.#rest = bytes;
  }
}

/** A PUBLISH's payload, and its packet id where it has one. */
export function readPublish(first: number, body: Buffer): { payload: Buffer; id: number | undefined } {
  const end = 2 + body.readUInt16BE(0);
  return (first & 6) === 0
    ? { payload: body.subarray(end), id: undefined }
    : { payload: body.subarray(end + 2), id: body.readUInt16BE(end) };
}

function split(bytes: Buffer): { head: number; end: number } | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(5, bytes.length); at++) {
    const byte = bytes[at] ?? 0;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return bytes.length >= at + 1 + length ? { head: at + 1, end: at + 1 + length } : undefined;
  }
  return undefined;
}

function frame(first: number, body: Buffer): Buffer {
  const head = [first];
  let left = body.length;
  do {
    head.push(left > 127 ? (left & 127) | 128 : left);
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from(head), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
