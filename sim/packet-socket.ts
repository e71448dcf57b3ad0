import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import { generate, writeToStream, type Packet } from "mqtt-packet";
import type { Wire } from "./wire.ts";

// It would make a buffer of each 16-bit number in advance: 6 MB that are hardly looked at.
writeToStream.cacheNumbers = false;

/** Who a connection belongs to. */
export interface SocketOwner {
  /** The socket is open: CONNECT may go. */
  opened(): void;
  took(packet: Packet): void;
  /** It is over, however it ended; called once. */
  closed(error: Error | undefined): void;
}

/** Where a broker is. */
export interface BrokerPlace {
  readonly host: string;
  readonly port: number;
  /** With TLS: whom the broker's certificate has to come from; one for all connections. */
  readonly secure: SecureContext | undefined;
}

/** A socket that speaks packets of MQTT 3.1.1. */
export class PacketSocket {
  readonly #wire: Wire;
  readonly #owner: SocketOwner;
  readonly #socket: Socket;
  #rest: Buffer | undefined;
  #error: Error | undefined;

  constructor(wire: Wire, owner: SocketOwner, place: BrokerPlace) {
    this.#wire = wire;
    this.#owner = owner;
    // `onread` reads into the buffer of all: otherwise Node allocates for each read.
    const onread = { buffer: wire.buffer, callback: (length: number) => this.#read(length) };
    this.#socket = open(place, onread, () => owner.opened());
    this.#socket.on("error", (error) => (this.#error = error));
    this.#socket.on("close", () => owner.closed(this.#error));
  }

  /** Resolves once it is over. */
  get gone(): Promise<void> {
    return this.#socket.closed
      ? Promise.resolve()
      : new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  /** Bytes that wait for a broker that does not read. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** Sends the packets in one write. */
  sendAll(packets: readonly Packet[]): void {
    if (!this.#socket.writable) return;
    this.#socket.cork();
    for (const packet of packets) this.#socket.write(generate(packet));
    this.#socket.uncork();
  }

  /** Ends it with DISCONNECT, once everything before has gone. */
  leave(): void {
    this.#socket.end(generate({ cmd: "disconnect" }));
  }

  /** Drops it without a word. */
  drop(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    try {
      this.#rest = this.#wire.read(this.#rest, length, (packet) => {
        if (!this.#socket.destroyed) this.#owner.took(packet);
      });
    } catch (error) {
      this.drop(error as Error);
    }
    return true;
  }
}

/** @param opened is called once it may be written to @param onread as `net.connect` takes it */
function open({ host, port, secure }: BrokerPlace, onread: OnRead, opened: () => void): Socket {
  if (!secure) return connect({ host, port, noDelay: true, onread }, opened);
  // An address is no server name (RFC 6066 §3); the certificate is held against it all the same.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port, ...name, secureContext: secure, onread };
  return connectTls(options, opened).setNoDelay(true);
}

interface OnRead {
  readonly buffer: Buffer;
  readonly callback: (length: number) => boolean;
}
