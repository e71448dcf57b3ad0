import type { Duplex } from "node:stream";
import { BufferList } from "bl";
import { writeToStream } from "mqtt-packet";
import type { Readable } from "./packet-reader.ts";

// It would make a buffer of each 16-bit number in advance: 8 MB that are hardly looked at.
writeToStream.cacheNumbers = false;

/** What Aedes 1.2.0 and mqtt-packet 9.0.2 keep for each client, of what is let go of here; they are pinned for this. */
export interface Fat {
  readonly conn: Duplex;
  readonly _parser: {
    /** mqtt-packet's own is a stream, of which it uses the list alone. */
    _list: Readable["_parser"]["_list"];
    /** Names of the parser's steps. */
    _states: readonly string[];
    /** The CONNECT packet: its secret and will with it, of which the version alone is looked at. */
    settings: { readonly protocolVersion?: number };
  };
  /** The newest message of each broker: Aedes' alone, as there is no other. */
  duplicates: object;
  /** Ends `finished` on the connection. */
  _eos: () => void;
  close(): void;
}

/** One constant for all, and not an array for each. */
const states = ["_parseHeader", "_parseLength", "_parsePayload", "_newPacket"];
/** What a parser has to know of a CONNECT that is over. */
const versions: readonly { readonly protocolVersion: number }[] = [0, 1, 2, 3, 4, 5].map((protocolVersion) => ({
  protocolVersion,
}));

/** An object without a prototype, as Aedes wants one, that is no hash table of 160 bytes: its one key is the same for every client. */
function Newest(): void {}
Newest.prototype = Object.freeze(Object.create(null));
const NewestOfBroker = Newest as unknown as new () => object;

/** Lets go of what a client that has just been made keeps and does not need: some two of its seven kilobytes. */
export function slimDown(client: Fat): void {
  const { conn, _parser: parser } = client;
  parser._list = new BufferList() as unknown as Fat["_parser"]["_list"];
  parser._states = states;
  client.duplicates = new NewestOfBroker();
  // `finished` has seven closures for what `close` says as well; that the other side says no more Aedes hears by itself.
  if (conn.closed) return;
  client._eos();
  client._eos = () => {};
  conn.once("close", () => client.close());
}

/** Lets go of the CONNECT packet, once it is parsed. */
export function forgetConnect({ _parser: parser }: Fat): void {
  const version = versions[parser.settings.protocolVersion ?? 0];
  if (version) parser.settings = version;
}

/**
 * Has the listeners of an event in an array that is made to measure: one that has ever had a third has room for sixteen more from then on.
 */
export function tighten(conn: Duplex, event: "error" | "end" | "close"): void {
  const [, ...further] = conn.rawListeners(event) as ((...parameters: unknown[]) => void)[];
  // Not all at once: `removeAllListeners` makes a hash table of 448 bytes of the object that has them.
  for (const listener of further) conn.removeListener(event, listener);
  for (const listener of further) conn.on(event, listener);
}
