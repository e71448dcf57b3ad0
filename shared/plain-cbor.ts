/** What cbor-x writes by as well: `write` takes longer to see what it is asked for. */
type WritesText = Buffer & { utf8Write(text: string, at: number, length: number): number };

/** Bytes that are kept for the next value. */
const kept = 16_384;
let bytes = Buffer.allocUnsafeSlow(kept);
/** Of the same bytes: a Buffer's own methods check more than they write. */
let view = new DataView(bytes.buffer);
let at = 0;

/**
 * Plain values (texts, numbers, booleans, null, lists and objects of them) as CBOR, byte for byte as `encode` in `codec.ts` has them. That one writes short texts letter by letter, which in a process
 * that says something every ten seconds, and whose code is hardly ever compiled, takes twice as long.
 */
export function encodePlain(value: unknown): Buffer {
  at = 0;
  write(value);
  const written = Buffer.from(bytes.subarray(0, at));
  if (bytes.length > kept) use(Buffer.allocUnsafeSlow(kept));
  return written;
}

function write(value: unknown): void {
  if (typeof value === "number") writeNumber(value);
  else if (typeof value === "string") writeText(value);
  else if (typeof value !== "object") writeHead(0xe0, value === undefined ? 23 : value ? 21 : 20);
  else if (value === null) writeHead(0xe0, 22);
  else if (Array.isArray(value)) writeList(value);
  else writeMap(value as Readonly<Record<string, unknown>>);
}

function writeList(list: readonly unknown[]): void {
  writeHead(0x80, list.length);
  for (let place = 0; place < list.length; place++) write(list[place]);
}

function writeMap(map: Readonly<Record<string, unknown>>): void {
  let count = 0;
  for (const _ in map) count += 1;
  writeHead(0xa0, count);
  for (const key in map) {
    writeText(key);
    write(map[key]);
  }
}

/** Whole numbers of less than 33 bits as such, all others as floats. */
function writeNumber(value: number): void {
  if (Number.isInteger(value) && value < 2 ** 32 && value >= -(2 ** 32)) {
    if (value < 0) writeHead(0x20, -1 - value);
    else writeHead(0, value);
    return;
  }
  makeRoom(9);
  bytes[at] = 0xfb;
  view.setFloat64(at + 1, value);
  at += 9;
}

function writeText(text: string): void {
  // A character is three bytes at most.
  makeRoom(5 + 3 * text.length);
  const begin = at + headOf(text.length);
  const length = (bytes as WritesText).utf8Write(text, begin, 3 * text.length);
  if (length > text.length) bytes.copyWithin(at + headOf(length), begin, begin + length);
  writeHead(0x60, length);
  at += length;
}

/** Bytes of what says a kind and a number. */
function headOf(count: number): number {
  return count < 24 ? 1 : count < 256 ? 2 : count < 65_536 ? 3 : 5;
}

function writeHead(kind: number, count: number): void {
  makeRoom(5);
  if (count < 24) bytes[at++] = kind + count;
  else if (count < 256) {
    bytes[at++] = kind + 24;
    bytes[at++] = count;
  } else if (count < 65_536) {
    bytes[at++] = kind + 25;
    bytes[at++] = count >> 8;
    bytes[at++] = count;
  } else {
    bytes[at++] = kind + 26;
    view.setUint32(at, count);
    at += 4;
  }
}

function makeRoom(more: number): void {
  if (at + more <= bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(2 * (at + more));
  bytes.copy(larger, 0, 0, at);
  use(larger);
}

function use(next: Buffer<ArrayBuffer>): void {
  bytes = next;
  view = new DataView(next.buffer);
}
