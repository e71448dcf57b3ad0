import { isCount, isToken } from "#shared/messages/batch-check";
import { commonNames } from "#shared/messages/common-names";

/** What an ack names a batch by. */
export interface BatchName {
  readonly outbox: string;
  readonly seq: number;
  readonly run?: string | undefined;
}

/** Bytes of a payload in which the name is looked for: it stands at the beginning of what agents send. */
export const nameWithin = 512;

const textOpens = 0x60;
const longText = 0x78;

/** The name in a decoded batch, whatever else is in it. */
export function batchNameOf(value: unknown): BatchName | undefined {
  if (Array.isArray(value)) return shortName(value);
  if (typeof value !== "object" || value === null) return undefined;
  const { outbox, seq, run } = value as { outbox?: unknown; seq?: unknown; run?: unknown };
  if (!isToken(outbox) || !isCount(seq)) return undefined;
  return isToken(run) ? { outbox, seq, run } : { outbox, seq };
}

/** Of a short batch. One that counts by names that are not known here is not for this console to acknowledge: it comes again, whole. */
function shortName([names, outbox, seq, run]: readonly unknown[]): BatchName | undefined {
  return isCount(names) && names <= commonNames.length ? batchNameOf({ outbox, seq, run }) : undefined;
}

/**
 * The name in a payload that does not decode: too large, cut short, with a fault further on. It is read off the payload's beginning, up to
 * the first list or object within: what is deeper could be anybody's tag.
 */
export function nameIn(payload: Buffer): BatchName | undefined {
  const head = payload.subarray(0, nameWithin);
  const first = head[0] ?? 0;
  if (first >= 0x80 && first <= 0x98) return batchNameOf([...cborItems(head)]);
  return batchNameOf(Object.fromEntries(first >= 0xa0 && first <= 0xb9 ? cborEntries(head) : jsonEntries(head)));
}

const jsonEntry = /\s*"([a-z]{1,16})"\s*:\s*("[^"\\]{0,64}"|[0-9.eE+-]{1,32})\s*,/y;

function* jsonEntries(head: Buffer): Generator<[string, unknown]> {
  const text = head.toString("latin1");
  jsonEntry.lastIndex = text.indexOf("{") + 1;
  if (text.slice(0, jsonEntry.lastIndex).trim() !== "{") return;
  for (let found = jsonEntry.exec(text); found; found = jsonEntry.exec(text)) {
    const [, key = "", value = ""] = found;
    yield [key, value.startsWith('"') ? value.slice(1, -1) : Number(value)];
  }
}

/** Plain CBOR (RFC 8949 §3) as far as it is short texts and numbers. */
function* cborEntries(head: Buffer): Generator<[string, unknown]> {
  const reader = readerOf(head);
  for (;;) {
    const key = readScalar(reader);
    const value = readScalar(reader);
    if (typeof key !== "string" || value === undefined) return;
    yield [key, value];
  }
}

function* cborItems(head: Buffer): Generator {
  const reader = readerOf(head);
  for (let item = readScalar(reader); item !== undefined; item = readScalar(reader)) yield item;
}

function readerOf(head: Buffer): { readonly head: Buffer; at: number } {
  const info = (head[0] ?? 0) & 31;
  return { head, at: info < 24 ? 1 : info === 24 ? 2 : 3 };
}

/** A text of less than 256 bytes or a number; undefined for anything else, and at the end. */
function readScalar(reader: { readonly head: Buffer; at: number }): string | number | undefined {
  const { head } = reader;
  const initial = head[reader.at++];
  if (initial === undefined) return undefined;
  if (initial >= textOpens && initial <= longText) {
    const length = initial === longText ? (head[reader.at++] ?? 256) : initial - textOpens;
    const end = reader.at + length;
    const text = end <= head.length ? head.toString("utf8", reader.at, end) : undefined;
    reader.at = end;
    return text;
  }
  if (initial < 24) return initial;
  const size = sizes[initial];
  if (size === undefined || reader.at + size > head.length) return undefined;
  const at = reader.at;
  reader.at += size;
  if (initial === 0xfb) return head.readDoubleBE(at);
  return size === 8 ? Number(head.readBigUInt64BE(at)) : head.readUIntBE(at, size);
}

/** Bytes of a whole number behind its first byte, and of a float64. */
const sizes: Readonly<Record<number, number>> = { 0x18: 1, 0x19: 2, 0x1a: 4, 0x1b: 8, 0xfb: 8 };
