import type { Client } from "aedes";
import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import type { PacedClosings } from "#shared/paced-closings";
import type { SafetyNet } from "#shared/safety-net";
import type { Principal } from "#shared/principal";
import type { ShownCertificate } from "#shared/tls-door";
import { InFlight } from "./in-flight.ts";
import { Silence } from "./silence.ts";
import { forgetConnect, slimDown, tighten, type Fat } from "./lean-client.ts";
import type { Limits } from "./limits.ts";
import type { ConnectingPeer } from "./listener.ts";
import { SendBuffer } from "./send-buffer.ts";
import { clientIdFault, faultOf, headerFault, type IncomingPacket, type PacketHeader } from "./packet-check.ts";
import type { StoredPacket } from "./packets.ts";
import { PacketReader, type Readable } from "./packet-reader.ts";
import type { ReadTurns } from "./read-turns.ts";

/**
 * What Aedes 1.2.0 keeps in a client and does not declare; its version is pinned for this. The parser is
 * mqtt-packet's, and `enqueue` is Aedes' listener on it.
 */
type ClientInternals = Client & Internals;

interface Internals extends Omit<Readable, "_parser">, Pick<Fat, "duplicates" | "_eos"> {
  readonly _parser: Parser;
  /** Aedes calls `refresh` on it with each packet. */
  _keepaliveTimer: NodeJS.Timeout | Silence | null;
  readonly _keepaliveInterval: number;
  _will?: { readonly topic: string } | null;
  readonly subscriptions: Readonly<Record<string, { readonly qos: number } | undefined>>;
  waitForDrain: (done: (error?: Error | null) => void) => void;
}

type Parser = Fat["_parser"] &
  Readable["_parser"] & {
    readonly packet: PacketHeader;
    /** How far the packet's content has been read. */
    readonly _pos: number;
    error: Error | null;
    _parseLength(): boolean;
    _emitError(error: Error): false;
    listeners(event: "packet"): ((packet: IncomingPacket) => void)[];
    removeAllListeners(event: "packet"): void;
    on(event: "packet", listener: (packet: IncomingPacket) => void): void;
  };

/** What mqtt-packet says to a CONNECT of a protocol level that it does not know. */
const otherVersion = "Invalid protocol version";
/** CONNACK's return codes (§3.2.2.3) for what is refused before anybody asks for the name. */
const connack = { otherVersion: 1, identifierRejected: 2 } as const;
const leftOver = "a CONNECT with more in it than its flags say [MQTT-3.1.2-18, -20]";

export interface ConnectionOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly closings: PacedClosings;
  readonly turns: ReadTurns;
}

/** One connection, as the guards see it. */
export class Connection {
  readonly address: string;
  readonly client: ClientInternals;
  readonly sendBuffer: SendBuffer;
  readonly reader: PacketReader;
  principal: Principal | undefined;
  /** From CONNECT: whether it named itself, and whether it wants a clean session. */
  named = false;
  clean = true;
  /** Whether it has been told that it ends by an error. */
  failed = false;
  #refused = false;
  /** Of a clean session; where one is kept, its queue knows as much. */
  #inFlight: InFlight | undefined;
  #known: (() => void) | undefined;
  #silence: Silence | undefined;
  /** What it has shown by TLS. */
  readonly certificate: ShownCertificate | undefined;

  constructor(
    client: Client,
    { address, known, certificate }: ConnectingPeer,
    { limits, clock, net, closings, turns }: ConnectionOptions,
  ) {
    this.address = address;
    this.#known = known;
    this.certificate = certificate;
    this.client = client as ClientInternals;
    this.sendBuffer = new SendBuffer(client.conn, limits, clock, (why) => this.close(`closed because ${why}`));
    this.client.waitForDrain = this.sendBuffer.wait;
    this.reader = new PacketReader({
      client: this.client,
      net,
      turns,
      full: () => this.sendBuffer.full,
      close: (why) => this.close(why),
    });
    slimDown(this.client);
    paceLeaving(client, closings);
    for (const event of ["error", "end", "close"] as const) tighten(client.conn, event);
    const { sendBuffer, reader } = this;
    client.conn.on(
      "drain",
      net.guard("broker: a drained connection", () => {
        sendBuffer.drained();
        reader.resume();
      }),
    );
  }

  /**
   * It has logged in: whoever counts the strangers is told.
   * @param clock by which its keep-alive runs from now on
   */
  arrived(clock: Clock): void {
    this.#known?.();
    this.#known = undefined;
    const { client } = this;
    const { _keepaliveTimer: timer, _keepaliveInterval: most } = client;
    if (timer === null || timer instanceof Silence) return;
    clearTimeout(timer);
    client._keepaliveTimer = this.#silence = new Silence(clock, most);
  }

  /** Whether nothing has come from it for longer than its keep-alive allows. @param now on the monotonic clock */
  isSilent(now: number): boolean {
    return this.#silence?.isOver(now) === true;
  }

  get willTopic(): string | undefined {
    return this.client._will?.topic;
  }

  /** How many filters it has subscribed. */
  get subscriptions(): number {
    return Object.keys(this.client.subscriptions).length;
  }

  /** The message as this client is to be sent it: with a packet id, where its acknowledgement is ours to check. */
  addressed<Sent extends Pick<StoredPacket, "topic" | "qos">>(packet: Sent): Sent {
    if (!this.clean) return packet;
    // Aedes lowers it so, too.
    const qos = Math.min(packet.qos, this.client.subscriptions[packet.topic]?.qos ?? packet.qos);
    if (qos === 0) return packet;
    this.#inFlight ??= new InFlight();
    return { ...packet, messageId: this.#inFlight.nextPacketId(qos === 1 ? 1 : 2) };
  }

  /** Closes the connection at once; its will goes out. */
  close(why: string): void {
    this.client.emit("error", new Error(why));
  }

  /** Answers a CONNECT by `code`, and closes once that is on its way: nobody has come in, so nothing else is lost. */
  #refuse(code: number, why: string): void {
    this.#refused = true;
    this.client.conn.write(Buffer.from([0x20, 2, 0, code]), () => this.close(why));
  }

  /**
   * Caps and checks what comes in: a packet's size when its length is known and nothing of it is kept yet, and the
   * packet itself before Aedes sees it.
   * @param onPacket is told of each packet that passed
   */
  guard(limits: Limits, onPacket: (packet: IncomingPacket) => void): void {
    const parser = this.client._parser;
    const parseLength = parser._parseLength.bind(parser);
    const emitError = parser._emitError.bind(parser);
    let most = limits.connectBytes;
    parser._parseLength = () => {
      if (!parseLength()) return false;
      const { length } = parser.packet;
      const why =
        length > most
          ? `a packet of ${counted(length, "byte")}, where ${most} are allowed`
          : headerFault(parser.packet);
      return why === undefined || parser._emitError(new Error(why));
    };
    parser._emitError = (error) => {
      if (error.message !== otherVersion) return emitError(error);
      // Not to be parsed on, and not told to Aedes, which would close without a word.
      parser.error = error;
      this.#refuse(connack.otherVersion, error.message);
      return false;
    };
    const enqueue = parser.listeners("packet");
    parser.removeAllListeners("packet");
    parser.on("packet", (packet) => {
      if (this.#refused) return;
      const first = packet.cmd === "connect" && !this.client.connected && !this.client.connecting;
      const badId = first ? clientIdFault(packet) : undefined;
      if (badId) return this.#refuse(connack.identifierRejected, badId);
      const fault =
        faultOf(packet) ??
        this.#inFlight?.fault(packet.cmd, packet.messageId ?? 0) ??
        (packet.cmd === "connect" && parser._pos < parser.packet.length ? leftOver : undefined);
      if (fault) return this.close(fault);
      if (packet.cmd === "connect") {
        most = limits.packetBytes;
        forgetConnect(this.client);
      }
      this.reader.counted();
      onPacket(packet);
      for (const listener of enqueue) listener.call(parser, packet);
    });
  }
}

/** Aedes lets go of a client as soon as the other side says no more: of many that do so at once, as a proxy's that ends, a few in a turn. */
function paceLeaving({ conn }: Client, closings: PacedClosings): void {
  for (const leave of conn.listeners("end") as (() => void)[]) {
    if (leave.name !== "bound close") continue;
    conn.removeListener("end", leave);
    conn.once("end", () => closings.pace(leave));
  }
}
