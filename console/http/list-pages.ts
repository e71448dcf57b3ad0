import { promisify } from "node:util";
import { gzip, type ZlibOptions } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import { askerOf } from "./auth.ts";
import type { Steps, Turns } from "./turns.ts";

/**
 * Characters of one answer that comes in pages at most: a page ends there. What devices say about themselves can have 32 KiB each, and
 * 60 MB for a large fleet would hold everything up for seconds.
 */
export const maxPageLength = 512 * 1024;
/** Characters of an answer's text that are turned into bytes together. */
const piece = 64 * 1024;

/** Bytes from which an answer is packed, where whoever asks takes that; in the thread pool. */
const packedFrom = 16 * 1024;
const pack = promisify<Buffer, ZlibOptions, Buffer>(gzip);

function takesGzip({ headers }: FastifyRequest): boolean {
  return /(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(headers["accept-encoding"]?.toString() ?? "");
}

/** Makes an answer in turns and sends it: written out already, because a schema would look at every value of it once more. */
export type Send = (request: FastifyRequest, reply: FastifyReply, steps: Steps<Buffer>) => Promise<never>;

export function sendInTurns(turns: Turns): Send {
  return async (request, reply, steps) => {
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const bytes = await turns.run(askerOf(request).name, steps, gone.signal);
    reply.type("application/json; charset=utf-8").header("vary", "accept-encoding");
    if (bytes.length < packedFrom || !takesGzip(request)) return bytes as never;
    reply.header("content-encoding", "gzip");
    return (await pack(bytes, { level: 1 })) as never;
  };
}

/** Where a list has ended. */
export interface Listed<T> {
  /** The last item that is in it. */
  readonly last: T | undefined;
  /** Whether there are items that are not. */
  readonly more: boolean;
}

export interface ListAnswer<T> {
  /** What the list is called in the answer. */
  readonly list: string;
  /** Looked at as far as they are needed, one in each step; undefined for a step that has brought none. */
  readonly items: Iterable<T | undefined>;
  /** Which of them are for whoever asks; all where it is left out. */
  readonly only?: ((item: T) => boolean) | undefined;
  readonly document: (item: T) => unknown;
  /** Items at most. */
  readonly most?: number;
  /** Characters of the items at most; the first one may have more. */
  readonly room?: number;
  /** What stands before the list. */
  readonly before?: object;
  /** What stands behind it. */
  readonly after?: (listed: Listed<T>) => object;
}

/** An object with a long list as JSON, an item in each step. */
export function* listAnswer<T>({
  list,
  items,
  document,
  only,
  most = Infinity,
  room = Infinity,
  before = {},
  after = () => ({}),
}: ListAnswer<T>): Steps<Buffer> {
  const bytes = new Bytes(`{${membersOf(before, "", ",")}${JSON.stringify(list)}:[`);
  const listed: { count: number; last: T | undefined; more: boolean } = { count: 0, last: undefined, more: false };
  let left = room;
  for (const item of items) {
    if (item === undefined || only?.(item) === false) {
      yield;
      continue;
    }
    const text = listed.count < most ? JSON.stringify(document(item)) : "";
    left -= text.length;
    listed.more = listed.count >= most || (left < 0 && listed.count > 0);
    if (listed.more) break;
    bytes.add(listed.count > 0 ? `,${text}` : text);
    listed.count += 1;
    listed.last = item;
    yield;
  }
  bytes.add(`]${membersOf(after(listed), ",", "")}}`);
  return bytes.all();
}

/** An object's members as JSON without its braces; nothing, not even what stands around them, where there are none. */
function membersOf(object: object, before: string, after: string): string {
  const text = JSON.stringify(object).slice(1, -1);
  return text === "" ? "" : `${before}${text}${after}`;
}

/** Text that becomes bytes bit by bit: all at once it would take as long again as its making. */
export class Bytes {
  readonly #pieces: Buffer[] = [];
  #text: string;

  constructor(text = "") {
    this.#text = text;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length < piece) return;
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = "";
  }

  all(): Buffer {
    return Buffer.concat([...this.#pieces, Buffer.from(this.#text)]);
  }
}
