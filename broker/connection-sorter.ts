import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { OwnNames } from "#shared/origins";
import type { Clock } from "#shared/clock";
import type { PacedClosings } from "#shared/paced-closings";
import type { SafetyNet } from "#shared/safety-net";
import {
  handshakeTimeout,
  helloByte,
  shownOn,
  TlsDoor,
  type ClientAuthorities,
  type IdentitySource,
  type ShownCertificate,
} from "#shared/tls-door";
import type { Limits } from "./limits.ts";
import { WebDoor } from "./web-door.ts";

/** The first byte tells what comes: a CONNECT packet, or the G of an HTTP GET that asks for a WebSocket. */
const firstByte = { connect: 0x10, get: 0x47 };

/** What is shown at the port for TLS, and who is believed there. */
export interface SecureDoor {
  readonly port: number;
  readonly identity: IdentitySource;
  /** The authorities of devices' certificates, where there are such. */
  readonly clients?: ClientAuthorities | undefined;
}

/** By which way an MQTT connection has come. */
export interface MqttArrival {
  /** Of a WebSocket. */
  readonly request?: IncomingMessage | undefined;
  /** Of those who come by TLS and have shown one. */
  readonly certificate?: ShownCertificate | undefined;
}

export interface ConnectionSorterOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly names: OwnNames;
  readonly tls?: SecureDoor | undefined;
  readonly closings: PacedClosings;
  /** Is given each MQTT connection. @param socket the one at the bottom, by which it is counted */
  readonly onMqtt: (stream: Duplex, socket: Socket, arrival: MqttArrival) => void;
  /** A connection has got one step further, and its next one has to come in time. @param ms unless it is that of a CONNECT */
  readonly onStep: (socket: Socket, ms?: number) => void;
  readonly onRefused: (why: string, address: string) => void;
}

/** What each connection speaks, by its first byte: MQTT, a WebSocket, TLS with either in it, or nothing that is served here. */
export class ConnectionSorter {
  readonly #options: ConnectionSorterOptions;
  /** The socket under each TLS connection, by which it is counted. */
  readonly #below = new WeakMap<Socket, Socket>();
  /** What was shown on the TLS connection over each. */
  readonly #shown = new WeakMap<Socket, ShownCertificate>();
  readonly #door: TlsDoor | undefined;
  readonly #web: WebDoor;

  constructor(options: ConnectionSorterOptions) {
    this.#options = options;
    const { limits, clock, net, names, tls, onRefused } = options;
    this.#web = new WebDoor({
      limits,
      net,
      names,
      onStream: (stream, socket, request) => this.#hand(stream, this.#below.get(socket) ?? socket, request),
    });
    if (!tls) return;
    this.#door = new TlsDoor({
      identity: tls.identity,
      clients: tls.clients,
      clock,
      onSecure: net.guard(
        "broker: a TLS connection",
        (secure: TLSSocket, socket: Socket) => this.#secured(secure, socket),
        (secure) => secure.destroy(),
      ),
      onFailed: (why, address) => onRefused(`a TLS handshake came to nothing: ${why}`, address),
    });
  }

  start(): void {
    this.#door?.start();
  }

  stop(): void {
    this.#door?.stop();
  }

  /** At the port without TLS. */
  sort(socket: Socket, chunk: Buffer): void {
    this.#sort(socket, socket, chunk);
  }

  /** At the port for TLS. */
  greet(socket: Socket, chunk: Buffer): void {
    socket.pause();
    socket.unshift(chunk);
    if (chunk[0] === helloByte) {
      this.#options.onStep(socket, handshakeTimeout);
      return this.#door?.handshake(socket);
    }
    socket.destroy();
    this.#options.onRefused(
      "it speaks without TLS on the port for TLS: use mqtts:// or wss://, or --cafile",
      socket.remoteAddress ?? "",
    );
  }

  #secured(secure: TLSSocket, socket: Socket): void {
    const { net, closings } = this.#options;
    closings.paceEnd(secure);
    this.#options.onStep(socket);
    this.#below.set(secure, socket);
    const shown = this.#options.tls?.clients === undefined ? undefined : shownOn(secure);
    if (shown) this.#shown.set(socket, shown);
    const sort = net.guard(
      "broker: a first byte",
      (chunk: Buffer) => this.#sort(secure, socket, chunk),
      () => secure.destroy(),
    );
    secure.once("data", sort);
  }

  /** @param socket the one below, by which it is counted */
  #sort(stream: Socket, socket: Socket, chunk: Buffer): void {
    stream.pause();
    stream.unshift(chunk);
    if (chunk[0] === firstByte.connect) {
      this.#hand(stream, socket);
    } else if (chunk[0] === firstByte.get) {
      this.#web.serveHttp(stream);
      process.nextTick(() => stream.resume());
    } else {
      socket.destroy();
      if (chunk[0] === helloByte) this.#options.onRefused(this.#noTlsHere(), socket.remoteAddress ?? "");
    }
  }

  #noTlsHere(): string {
    const at = this.#options.tls
      ? `it is on port ${this.#options.tls.port}`
      : "there is none beyond this machine's own programs";
    return `it begins TLS on the port without it: ${at}`;
  }

  #hand(stream: Duplex, socket: Socket, request?: IncomingMessage): void {
    this.#options.onMqtt(stream, socket, { request, certificate: this.#shown.get(socket) });
  }
}
