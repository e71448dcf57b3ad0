import type { Duplex } from "node:stream";
import type { Net } from "#shared/net";

/**
 * Bytes that are parsed in one go, unless one packet is larger: 2 KiB are 1,024 of the smallest packets or 80 subscriptions, some
 * 15 ms. (Aedes parses all that has come: 64 KiB of small packets would stop everybody else for 200 ms.)
 */
export const mostAtOnce = 2 * 1024;
/** Pieces of an unfinished packet that lie apart; each costs some 100 bytes whatever is in it. */
export const mostPieces = 64;

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
      readonly _bufs: Buffer[];
      consume(bytes: number): void;
      append(bytes: Buffer): void;
    };
  };
  /** Aedes calls it when a packet is done, and when there is something to read. */
  _nextBatch: (error?: Error | null) => void;
  /** It waits for its login. */
  readonly _paused?: boolean;
  /** Packets of the last read that are not done yet. */
  _parsingBatch: number;
  emit(event: "error", error: Error): unknown;
}

export interface ReaderOptions {
  readonly client: Readable;
  readonly net: Net;
  /** Whether the answers that wait for this connection are too many to make more of them. */
  readonly full: () => boolean;
  readonly close: (why: string) => void;
}

/** Reads one connection, in the place of Aedes' own reading: in slices, and not while its answers wait to be read. */
export class Reader {
  readonly #options: ReaderOptions;
  #parsing = false;
  #resting = false;
  #packets = 0;
  /** Since when it has been in the middle of the same packet, on the monotonic clock. */
  #unfinished: { readonly since: number; readonly packets: number } | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { client, net, close } = options;
    const next = (error?: Error | null): void => this.#next(error);
    client.conn.removeListener("readable", client._nextBatch);
    client._nextBatch = net.guard("broker: what a connection sent", next, () => close("it met a fault of the broker"));
    client.conn.on("readable", client._nextBatch);
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
    const { client, full } = this.#options;
    const { conn, _parser: parser } = client;
    // A packet that is done at once (PUBACK) comes back here out of the parser, which is not made to be entered twice.
    while (client._parsingBatch === 0 && !client.closed && !this.#parsing && !this.#resting && !full()) {
      // Of a packet that has begun the rest is read at once: in slices a batch would be copied for each of them.
      const most = Math.max(mostAtOnce, parser.packet.length - parser._list.length);
      const bytes = conn.read(Math.min(most, conn.readableLength) || undefined) as Buffer | null;
      if (!bytes) return;
      if (this.#parse(bytes) > 0 && client._parsingBatch === 0) return this.#rest();
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
    } finally {
      this.#parsing = false;
    }
    return this.#packets - before;
  }

  /** All packets of the slice are done already: without a rest a flood of such would be read for as long as it lasts. */
  #rest(): void {
    const { net, close } = this.#options;
    this.#resting = true;
    setImmediate(net.guard("broker: what a connection sent", this.resume, () => close("it met a fault of the broker")));
  }
}

/** A packet that comes byte by byte is one piece in memory all the same. */
function join(list: Readable["_parser"]["_list"]): void {
  if (list._bufs.length <= mostPieces) return;
  const whole = Buffer.concat(list._bufs);
  list.consume(list.length);
  list.append(whole);
}
