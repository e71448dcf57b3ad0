/** Cuts a stream of bytes into MQTT packets (§2.1 of 3.1.1 and of 5), as they came. */
export class Frames {
  #left = Buffer.alloc(0);

  /** @returns the packets that are whole by now */
  take(chunk: Buffer): Buffer[] {
    this.#left = Buffer.concat([this.#left, chunk]);
    const whole: Buffer[] = [];
    for (;;) {
      const rest = readLength(this.#left, 1);
      const end = rest && rest.behind + rest.value;
      if (end === undefined || this.#left.length < end) return whole;
      whole.push(this.#left.subarray(0, end));
      this.#left = this.#left.subarray(end);
    }
  }
}

/** A PUBLISH, taken apart. */
export interface Publish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  /** What stands before the payload: its first byte, and topic, packet id and properties. */
  readonly first: number;
  readonly variable: Buffer;
}

/** By the first half of its first byte. */
export const kinds = { connect: 1, publish: 3, suback: 9 } as const;

export function kindOf(frame: Buffer): number {
  return frame.readUInt8(0) >> 4;
}

/** The protocol's level that a CONNECT asks for (§3.1.2.2): 4 or 5. */
export function levelOf(connect: Buffer): number {
  const body = readLength(connect, 1)?.behind ?? 0;
  return connect.readUInt8(body + 2 + connect.readUInt16BE(body));
}

export function readPublish(frame: Buffer, level: number): Publish {
  const first = frame.readUInt8(0);
  const body = readLength(frame, 1)?.behind ?? 0;
  const afterTopic = body + 2 + frame.readUInt16BE(body);
  const afterId = afterTopic + ((first & 0x06) === 0 ? 0 : 2);
  const properties = level === 5 ? readLength(frame, afterId) : undefined;
  const at = properties ? properties.behind + properties.value : afterId;
  return {
    topic: frame.toString("utf8", body + 2, afterTopic),
    payload: frame.subarray(at),
    retain: (first & 1) === 1,
    first,
    variable: frame.subarray(body, at),
  };
}

/** The same with another payload: whoever acknowledges it acknowledges the one that it was. */
export function withPayload({ first, variable }: Publish, payload: Buffer): Buffer {
  return frameOf(first, Buffer.concat([variable, payload]));
}

/** A PUBLISH that nobody acknowledges. */
export function publishOf(topic: string, payload: Buffer, level: number): Buffer {
  const name = Buffer.from(topic);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length);
  return frameOf(kinds.publish << 4, Buffer.concat([length, name, Buffer.alloc(level === 5 ? 1 : 0), payload]));
}

function frameOf(first: number, body: Buffer): Buffer {
  const head = [first];
  let left = body.length;
  do {
    head.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from(head), body]);
}

/** A length as MQTT writes it, seven bits a byte; undefined where it is not all there. */
function readLength(bytes: Buffer, at: number): { readonly value: number; readonly behind: number } | undefined {
  let value = 0;
  for (let place = 0; place < 4; place++) {
    const byte = bytes[at + place];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 128 ** place;
    if (byte < 128) return { value, behind: at + place + 1 };
  }
  throw new Error("a length of MQTT has four bytes at most");
}
