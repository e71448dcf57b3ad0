import { Encoder, setSizeLimits } from "cbor-x";
import { counted } from "#shared/counted";
import { BadInputError, asError } from "#shared/errors";
import { maxNesting, maxItems, parseJson, tooDeep, tooWide } from "#shared/nesting";

/**
 * Payloads are CBOR or JSON, told apart by their first byte: `{` or `[` begins JSON, a CBOR map or array begins
 * with 0x80–0xbf, and a bare word (`ping`) stands for itself.
 */
export type Encoding = "json" | "cbor" | "word";

export interface Decoded {
  readonly encoding: Encoding;
  readonly value: unknown;
}

/** The largest payload taken from a registered agent's `metrics` topic, in bytes. */
export const batchCap = 256 * 1024;
/** The largest payload taken from anybody else, in bytes. */
export const payloadCap = 32 * 1024;

setSizeLimits({ maxArraySize: batchCap, maxMapSize: 16_384, maxObjectSize: 16_384 });

/** Plain RFC 8949, readable by any decoder: no records, maps as objects, no tag around byte strings. */
const cbor = new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false });

const wordPattern = /^[A-Za-z][A-Za-z0-9:._-]{0,63}$/;

/** @returns the payload's bytes; `word` encodes as JSON, since an answer to a bare word is read by a person. */
export function encode(value: unknown, encoding: Encoding): Buffer {
  return encoding === "cbor" ? cbor.encode(value) : Buffer.from(JSON.stringify(value));
}

/**
 * A CBOR map with one more entry at its end, without decoding it: for what is only known when a message goes out.
 * @throws BadInputError when `payload` is no map of less than 23 entries, whose number stands in its first byte
 */
export function appendEntry(payload: Buffer, key: string, value: unknown): Buffer {
  const first = payload[0] ?? 0;
  if (first < 0xa0 || first >= 0xb7) throw new BadInputError("expected a CBOR map of less than 23 entries");
  const longer = Buffer.concat([payload, cbor.encode(key), cbor.encode(value)]);
  longer[0] = first + 1;
  return longer;
}

/** The complaint about a payload of more than `cap` bytes; undefined where there is none. */
export function tooLarge({ length }: Buffer, cap: number): BadInputError | undefined {
  if (length <= cap) return undefined;
  return new BadInputError(`payload of ${counted(length, "byte")} is larger than the ${cap} allowed`);
}

/**
 * Decodes one payload from outside. The value still has to pass a schema.
 * @param cap the largest size to look at, in bytes
 * @param prepare what is done to a JSON text before it is parsed
 * @throws BadInputError that says what was wrong and, for JSON, where
 */
export function decode(
  payload: Buffer,
  cap: number = payloadCap,
  prepare: (json: string) => string = (json) => json,
): Decoded {
  const large = tooLarge(payload, cap);
  if (large) throw large;
  const first = payload[0];
  if (first === undefined) throw new BadInputError("payload is empty: expected JSON, CBOR or a command's name");
  if (first >= 0x80 && first <= 0xbf) return { encoding: "cbor", value: decodeCbor(payload) };
  const text = decodeUtf8(payload).trim();
  if (text.startsWith("{") || text.startsWith("[")) return { encoding: "json", value: decodeJson(prepare(text)) };
  if (wordPattern.test(text)) return { encoding: "word", value: text };
  throw new BadInputError(
    `payload is neither JSON (beginning with { or [), nor a CBOR map or array, nor a bare word: it begins with ${preview(text)}`,
  );
}

function decodeUtf8(payload: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch (cause) {
    throw new BadInputError(
      `payload is not UTF-8 text and does not begin as CBOR (first byte 0x${payload.toString("hex", 0, 1)})`,
      { cause },
    );
  }
}

function decodeJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof BadInputError) throw cause;
    throw new BadInputError(`payload is not valid JSON: ${asError(cause).message}`, { cause });
  }
}

function decodeCbor(payload: Buffer): unknown {
  assertPlainCbor(payload);
  try {
    return cbor.decode(payload);
  } catch (cause) {
    throw new BadInputError(`payload is not valid CBOR: ${asError(cause).message}`, { cause });
  }
}

function preview(text: string): string {
  return JSON.stringify(text.slice(0, 24));
}

/**
 * Walks one CBOR item (RFC 8949 §3) before the decoder sees it and refuses what could harm: tags (a bignum blocks the
 * event loop for seconds, others build RegExps and cycles), nesting, lengths that reach beyond the payload, too many items,
 * indefinite lengths, and trailing bytes. @throws BadInputError
 */
function assertPlainCbor(bytes: Buffer): void {
  const end = walkCbor(bytes, 0, 0, { left: maxItems });
  if (end !== bytes.length)
    throw new BadInputError(`payload has ${counted(bytes.length - end, "byte")} after its CBOR item`);
}

/** Whether {@link decode} would take this CBOR with `more` values and keys besides. */
export function isPlainCbor(payload: Buffer, more = 0): boolean {
  // Each of them has a byte of its own at least.
  if (payload.length + more <= maxItems) return true;
  try {
    return walkCbor(payload, 0, 0, { left: maxItems - more }) === payload.length;
  } catch (thrown) {
    if (thrown instanceof BadInputError) return false;
    throw thrown;
  }
}

/** @returns the offset after the item at `at` */
function walkCbor(bytes: Buffer, at: number, depth: number, items: { left: number }): number {
  const initial = bytes[at];
  if (initial === undefined) throw truncated();
  const major = initial >> 5;
  const info = initial & 31;
  if (info > 27)
    throw new BadInputError(
      `CBOR item 0x${initial.toString(16)} at byte ${at} is not supported: expected definite lengths`,
    );
  const head = at + 1 + (info < 24 ? 0 : 1 << (info - 24));
  if (head > bytes.length) throw truncated();
  if (major === 0 || major === 1 || major === 7) return head;
  if (major === 6) throw new BadInputError(`CBOR tag at byte ${at} is not supported: expected plain values`);
  const length = info < 24 ? info : readLength(bytes, at + 1, info);
  if (length > bytes.length - head) throw truncated();
  if (major < 4) return head + length;
  if (depth >= maxNesting) throw tooDeep("CBOR");
  const inner = major === 5 ? length * 2 : length;
  if ((items.left -= inner) < 0) throw tooWide("CBOR");
  let next = head;
  for (let left = inner; left > 0; left--) next = walkCbor(bytes, next, depth + 1, items);
  return next;
}

function readLength(bytes: Buffer, at: number, info: number): number {
  if (info === 24) return bytes.readUInt8(at);
  if (info === 25) return bytes.readUInt16BE(at);
  if (info === 26) return bytes.readUInt32BE(at);
  return Number(bytes.readBigUInt64BE(at));
}

function truncated(): BadInputError {
  return new BadInputError("CBOR is cut short: an item reaches beyond the payload");
}
