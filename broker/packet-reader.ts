import type { Duplex } from "node:stream";
import type { SafetyNet } from "#shared/safety-net";
import type { ReadTurns } from "./read-turns.ts";

/**
 * What is parsed in one go: so many packets (64 subscriptions take some 15 ms) and so many bytes, unless one packet is larger. (Aedes
 * parses all that has come: of 64 KiB of small packets everybody else would feel 200 ms.)
 */
export const maxPacketsATurn = 64;
export const maxBytesATurn = 16 * 1024;
/** Pieces of an unfinished packet that lie apart; each costs some 100 bytes whatever is in it. */
export const maxPieces = 64;

/** What a reader needs of Aedes' client. */
export interface Readable {
  readonly conn: Duplex;
  readonly closed: boolean;
  readonly _parser: {
    parse(bytes: Buffer): void;
    readonly packet: { readonly length: number };
    /** 0 where a packet has to begin. */
    readonly _stateCounter: number;
    readonly _list: {
      readonly length: number;
      _bufs: Buffer[];
      consume(bytes: number): void;
      append(bytes: Buffer): void;
    };
  };
  /** Aedes calls it when a packet is done, and when there is something to read. */
  _nextBatch: (error?: Error | null) => void;
  /** It waits for its login. */
  readonly _paused?: boolean;
  /** From its CONNECT until that is answered for good. */
  readonly connecting: boolean;
  readonly connackSent: boolean;
  /** Packets of the last read that are not done yet. */
  _parsingBatch: number;
  emit(event: "error", error: Error): unknown;
}

export interface PacketReaderOptions {
  readonly client: Readable;
  readonly net: SafetyNet;
  /** The time of this turn of the event loop, which all connections share. */
  readonly turns: Pick<ReadTurns, "hasTime" | "later">;
  /** Whether the answers that wait for this connection are too many to make more of them. */
  readonly full: () => boolean;
  readonly close: (why: string) => void;
}

/** Reads one connection, in the place of Aedes' own reading: in slices, and not while its answers wait to be read. */
export class PacketReader {
  readonly #options: PacketReaderOptions;
  #parsing = false;
  #resting = false;
  #packets = 0;
  /** Since when it has been in the middle of the same packet, on the monotonic clock. */
  #unfinished: { readonly since: number; readonly packets: number } | undefined;

  constructor(options: PacketReaderOptions) {
    this.#options = options;
    const { client, net, close } = options;
    client.conn.removeListener("readable", client._nextBatch);
    client._nextBatch = (error) => {
      try {
        this.#next(error);
      } catch (thrown) {
        net.caught("broker: what a connection sent", thrown);
        close("it met a fault of the broker");
      }
    };
    // Between CONNECT and its login Aedes lets an event-loop turn pass in which it takes the next packet for the first one, and judges it
    // by no name: what comes right behind CONNECT (§3.1.4) stays where it is until Aedes asks for it.
    client.conn.on("readable", () => {
      if (!client.connecting || client.connackSent) client._nextBatch();
    });
  }

  /** To be called with each packet. */
  counted(): void {
    this.#packets += 1;
  }

  /** Reads on: the answers have been read. */
  readonly resume = (): void => {
    this.#resting = false;
    this.#read();
  };

  /** For how many milliseconds it has been in the middle of one packet, without any doing of ours; 0 where it is not. */
  unfinishedFor(now: number): number {
    const { client, full } = this.#options;
    const waiting = client._parser._stateCounter > 0 && client._parsingBatch === 0 && client.conn.readableLength === 0;
    if (!waiting || full()) this.#unfinished = undefined;
    else if (this.#unfinished?.packets !== this.#packets) this.#unfinished = { since: now, packets: this.#packets };
    return this.#unfinished ? now - this.#unfinished.since : 0;
  }

  #next(error?: Error | null): void {
    const { client } = this.#options;
    if (error) return void client.emit("error", error);
    if (client._paused) return;
    client._parsingBatch = Math.max(0, client._parsingBatch - 1);
    this.#read();
  }

  #read(): void {
    const { client, full, turns } = this.#options;
    const { conn, _parser: parser } = client;
    // A packet that is done at once (PUBACK) comes back here out of the parser, which is not made to be entered twice.
    while (client._parsingBatch === 0 && !client.closed && !this.#parsing && !this.#resting && !full()) {
      if (conn.readableLength > 0 && !turns.hasTime()) return this.#rest((read) => turns.later(read));
      const bytes = conn.read(Math.min(sizeOfSlice(conn, parser), conn.readableLength) || undefined) as Buffer | null;
      if (!bytes) return;
      if (this.#parse(bytes) > 0 && client._parsingBatch === 0)
        // All packets of the slice are done already: without a rest a flood of such would be read for as long as it lasts.
        return this.#rest(setImmediate);
    }
  }

  /** @returns how many packets there were */
  #parse(bytes: Buffer): number {
    const { _parser: parser } = this.#options.client;
    const before = this.#packets;
    this.#parsing = true;
    try {
      parser.parse(bytes);
      join(parser._list);
      // An array that was ever pushed to keeps room for sixteen more, and most connections have nothing more to say for a while.
      if (parser._list.length === 0) parser._list._bufs = [];
    } finally {
      this.#parsing = false;
    }
    return this.#packets - before;
  }

  #rest(until: (read: () => void) => void): void {
    const { net, close } = this.#options;
    this.#resting = true;
    until(net.guard("broker: what a connection sent", this.resume, () => close("it met a fault of the broker")));
  }
}

/**
 * How much to read next. Slices end where a packet does: one that is cut in two, as each batch would be, has to be copied together. Of one
 * that has begun the rest is read at once.
 */
function sizeOfSlice(conn: Duplex, parser: Readable["_parser"]): number {
  if (parser._stateCounter > 0 || parser._list.length > 0)
    return Math.max(maxPacketsATurn, parser.packet.length - parser._list.length);
  const next = nextChunk(conn);
  if (!next) return maxPacketsATurn;
  let size = 0;
  for (let packets = 0; packets < maxPacketsATurn && size < next.length; packets++) {
    const end = endOfPacket(next, size);
    if (end > next.length) return size > 0 ? size : next.length;
    if (size > 0 && end > maxBytesATurn) return size;
    size = end;
  }
  return size;
}

/** The bytes that a read would begin with. Node has no public way to look at them without taking them. */
function nextChunk(conn: Duplex): Buffer | undefined {
  const { buffer, bufferIndex = 0 } = (conn as unknown as { _readableState: Buffered })._readableState;
  return "head" in buffer ? buffer.head?.data : buffer[bufferIndex];
}

interface Buffered {
  /** Up to Node 20 a linked list, since 22 an array. */
  readonly buffer: readonly Buffer[] | { readonly head: { readonly data: Buffer } | null };
  readonly bufferIndex?: number;
}

/** Where the packet at `at` ends (MQTT 3.1.1 §2.2.3); beyond the bytes where they do not tell. */
function endOfPacket(bytes: Buffer, at: number): number {
  let length = 0;
  for (let byte = 0; byte < 4; byte++) {
    const digit = bytes[at + 1 + byte];
    if (digit === undefined) return Infinity;
    length += (digit & 127) * 128 ** byte;
    if (digit < 128) return at + 2 + byte + length;
  }
  return Infinity;
}

/** A packet that comes byte by byte is one piece in memory all the same. */
function join(list: Readable["_parser"]["_list"]): void {
  if (list._bufs.length <= maxPieces) return;
  const whole = Buffer.concat(list._bufs);
  list.consume(list.length);
  list.append(whole);
}
