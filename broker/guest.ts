import type { Client } from "aedes";
import type { Clock } from "#shared/clock";
import type { Principal } from "#shared/principal";
import type { Limits } from "./limits.ts";
import { Outflow } from "./outflow.ts";
import { faultOf, type IncomingPacket } from "./packet-check.ts";

/**
 * What Aedes 1.2.0 keeps in a client and does not declare; its version is pinned for this. The parser is
 * mqtt-packet's, and `enqueue` is Aedes' listener on it.
 */
interface ClientInternals extends Client {
  _parser: Parser;
  _will?: { readonly topic: string } | null;
  readonly subscriptions: Readonly<Record<string, unknown>>;
  waitForDrain: (done: (error?: Error | null) => void) => void;
}

interface Parser {
  readonly packet: { readonly length: number };
  _parseLength(): boolean;
  _emitError(error: Error): false;
  listeners(event: "packet"): ((packet: IncomingPacket) => void)[];
  removeAllListeners(event: "packet"): void;
  on(event: "packet", listener: (packet: IncomingPacket) => void): void;
}

/** One connection, as the guards see it. */
export class Guest {
  readonly address: string;
  readonly client: ClientInternals;
  readonly outflow: Outflow;
  principal: Principal | undefined;
  /** From CONNECT: whether it named itself, and whether it wants a clean session. */
  named = false;
  clean = true;
  /** Refusals in the present minute. */
  refusals = { since: -Infinity, count: 0 };

  constructor(client: Client, address: string, limits: Limits, clock: Clock) {
    this.address = address;
    this.client = client as ClientInternals;
    this.outflow = new Outflow(client.conn, limits, clock, (why) => this.close(`closed because ${why}`));
    this.client.waitForDrain = this.outflow.wait;
  }

  get willTopic(): string | undefined {
    return this.client._will?.topic;
  }

  /** How many filters it has subscribed. */
  get subscriptions(): number {
    return Object.keys(this.client.subscriptions).length;
  }

  /** Closes the connection at once; its will goes out. */
  close(why: string): void {
    this.client.emit("error", new Error(why));
  }

  /**
   * Caps and checks what comes in: a packet's size when its length is known and nothing of it is kept yet, and the
   * packet itself before Aedes sees it.
   * @param onPacket is told of each packet that passed
   */
  guard(limits: Limits, onPacket: (packet: IncomingPacket) => void): void {
    const parser = this.client._parser;
    const parseLength = parser._parseLength.bind(parser);
    let most = limits.connectBytes;
    parser._parseLength = () => {
      if (!parseLength()) return false;
      return (
        parser.packet.length <= most ||
        parser._emitError(new Error(`a packet of ${parser.packet.length} bytes, where ${most} are allowed`))
      );
    };
    const enqueue = parser.listeners("packet");
    parser.removeAllListeners("packet");
    parser.on("packet", (packet) => {
      const fault = faultOf(packet);
      if (fault) return this.close(fault);
      if (packet.cmd === "connect") most = limits.packetBytes;
      onPacket(packet);
      for (const listener of enqueue) listener.call(parser, packet);
    });
  }
}
