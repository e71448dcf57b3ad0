import { connect, type Socket } from "node:net";
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

/** A socket that speaks packets of MQTT 3.1.1. */
export class PacketSocket {
  readonly #wire: Wire;
  readonly #owner: SocketOwner;
  readonly #socket: Socket;
  #rest: Buffer | undefined;
  #error: Error | undefined;

  constructor(wire: Wire, owner: SocketOwner, { host, port }: { readonly host: string; readonly port: number }) {
    this.#wire = wire;
    this.#owner = owner;
    // `onread` reads into the buffer of all: otherwise Node allocates for each read.
    const onread = { buffer: wire.buffer, callback: (length: number) => this.#read(length) };
    this.#socket = connect({ host, port, noDelay: true, onread });
    this.#socket.on("connect", () => owner.opened());
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
