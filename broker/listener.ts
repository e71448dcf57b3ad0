import type { IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "#shared/clock";
import { Crowd, type Visit } from "#shared/crowd";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { SafetyNet } from "#shared/safety-net";
import type { OwnNames } from "#shared/origins";
import type { PacedClosings } from "#shared/paced-closings";
import type { ShownCertificate } from "#shared/tls-door";
import type { TrustedProxies } from "#shared/trusted-proxies";
import { ConnectionSorter, type MqttArrival, type SecureDoor } from "./connection-sorter.ts";
import type { Limits } from "./limits.ts";

/** Where a connection comes from, and what its coming in counts as. */
export interface ConnectingPeer {
  readonly address: string;
  /** To be called when it has logged in. */
  readonly known: () => void;
  /** Of those who come by TLS and have shown one. */
  readonly certificate?: ShownCertificate | undefined;
}

/** Where one port is: an address and a number, 0 for a free one. */
export interface Port {
  readonly listen: string;
  readonly port: number;
}

/** The same for TLS, with what is shown there. */
export type SecurePort = Port & SecureDoor;

export interface ListenerOptions extends Port {
  /** A second port, for TLS alone. */
  readonly tls?: SecurePort | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly names: OwnNames;
  readonly proxies: TrustedProxies;
  readonly closings: PacedClosings;
  /** Is given each MQTT connection. */
  readonly onConnection: (stream: Duplex, caller: ConnectingPeer, request?: IncomingMessage) => void;
  /** The system had no descriptor left for a connection, or one was turned away. */
  readonly onRefused: (why: string, address: string) => void;
}

/** Somebody at a port. */
interface Guest {
  readonly visit: Visit;
  /** Calls off the time in which its next step has to come. */
  hurry: (() => void) | undefined;
}

/** Connections without a login that are given up when the system has no descriptor left, the oldest first. */
const givenUp = 8;

/** One port for MQTT over TCP and over WebSocket, and where it is asked for another for both by TLS; bounded together. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #crowd: Crowd;
  readonly #guests = new Map<Socket, Guest>();
  /** Those that have not logged in, the oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #server: Server;
  readonly #tlsServer: Server | undefined;
  readonly #sorter: ConnectionSorter;
  #dropped = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { limits, clock, net, names, tls, closings, onRefused } = options;
    this.#crowd = new Crowd(limits);
    this.#sorter = new ConnectionSorter({
      limits,
      clock,
      net,
      names,
      tls,
      closings,
      onMqtt: (stream, socket, arrival) => this.#hand(stream, socket, arrival),
      onStep: (socket, ms) => this.#await(socket, ms),
      onRefused,
    });
    this.#server = this.#serverOf((socket, chunk) => this.#sorter.sort(socket, chunk));
    if (tls) this.#tlsServer = this.#serverOf((socket, chunk) => this.#sorter.greet(socket, chunk));
  }

  /** @param sort what becomes of a connection by its first bytes */
  #serverOf(sort: (socket: Socket, chunk: Buffer) => void): Server {
    const { limits, net, onRefused } = this.#options;
    // Nagle's algorithm would hold each small packet back for its predecessor's ACK: 44 ms a direction.
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      net.guard("broker: a connection", (socket: Socket) => this.#accept(socket, sort), destroy),
    );
    // The same bound as the crowd's: beyond it the system's handle is closed before a socket is made of it.
    server.maxConnections = limits.connections;
    server.on("drop", (dropped) => {
      this.#dropped += 1;
      onRefused("there is no room for more connections", dropped?.remoteAddress ?? "");
    });
    return server;
  }

  /** Connections turned away because there were too many. */
  get turnedAway(): number {
    return this.#crowd.refused + this.#dropped;
  }

  /** @returns the ports, chosen by the system where 0 was asked for. @throws EnvironmentError where one cannot be had */
  async start(): Promise<{ port: number; tlsPort: number | undefined }> {
    const { tls } = this.#options;
    this.#sorter.start();
    const port = await this.#take(this.#server, this.#options, "MUSTER_MQTT_PORT");
    const tlsPort = tls && this.#tlsServer ? await this.#take(this.#tlsServer, tls, "MUSTER_MQTTS_PORT") : undefined;
    return { port, tlsPort };
  }

  async #take(server: Server, { port, listen }: Port, setting: string): Promise<number> {
    const { net } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(portError(error, { port, listen }, setting));
      server.once("error", failed);
      server.listen(port, listen, () => {
        server.off("error", failed);
        server.on(
          "error",
          net.guard("broker: the port", (error: Error) => this.#acceptFailed(error)),
        );
        resolve();
      });
    });
    return (server.address() as AddressInfo).port;
  }

  /** Closes the ports and every connection. */
  async stop(): Promise<void> {
    const closed = Promise.all([closing(this.#server), closing(this.#tlsServer)]);
    this.#sorter.stop();
    for (const socket of this.#guests.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket, sort: (socket: Socket, chunk: Buffer) => void): void {
    const { net, proxies, closings, onRefused } = this.#options;
    // Until somebody takes it over: a reset by the peer has to be heard.
    socket.on("error", destroySelf);
    closings.paceEnd(socket);
    closings.paceClose(socket);
    const address = socket.remoteAddress ?? "";
    const visit = this.#crowd.enter(address, { shared: proxies.trusts(address) });
    if (!visit) {
      socket.destroy();
      onRefused("too many connections that have not logged in", address);
      return;
    }
    this.#guests.set(socket, { visit, hurry: undefined });
    this.#strangers.add(socket);
    this.#await(socket);
    socket.on("close", () => this.#left(socket));
    socket.once(
      "data",
      net.guard(
        "broker: a first byte",
        (chunk: Buffer) => sort(socket, chunk),
        () => socket.destroy(),
      ),
    );
  }

  #left(socket: Socket): void {
    const guest = this.#guests.get(socket);
    guest?.visit.leave();
    guest?.hurry?.();
    this.#guests.delete(socket);
    this.#strangers.delete(socket);
  }

  /** Its next step has to come in time. */
  #await(socket: Socket, ms = this.#options.limits.connectTimeout): void {
    const guest = this.#guests.get(socket);
    if (!guest) return;
    guest.hurry?.();
    guest.hurry = this.#options.clock.after(ms, () => socket.destroy());
  }

  #hand(stream: Duplex, socket: Socket, { request, certificate }: MqttArrival): void {
    const guest = this.#guests.get(socket);
    guest?.hurry?.();
    if (guest) guest.hurry = undefined;
    // From here on Aedes listens for it.
    if (stream === socket) socket.off("error", destroySelf);
    const known = (): void => {
      guest?.visit.known();
      this.#strangers.delete(socket);
    };
    const address = this.#options.proxies.clientOf(socket.remoteAddress ?? "", request?.headers["x-forwarded-for"]);
    this.#options.onConnection(stream, { address, known, certificate }, request);
  }

  /**
   * Where the process has no descriptor left the system goes on offering the same connection: whoever has waited longest without a
   * login makes room, so that neither the loop spins nor the port stays shut.
   */
  #acceptFailed(error: Error): void {
    this.#dropped += 1;
    this.#options.onRefused(`a connection could not be taken (${errorCode(error) ?? error.message})`, "");
    for (const socket of [...this.#strangers].slice(0, givenUp)) socket.destroy();
  }
}

function destroySelf(this: Socket): void {
  this.destroy();
}

function destroy(socket: Socket): void {
  socket.destroy();
}

function closing(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => (server ? server.close(() => resolve()) : resolve()));
}

function portError(error: Error, { port, listen }: Port, setting: string): EnvironmentError {
  const cause = asError(error);
  const code = errorCode(error);
  const where = `port ${port} on ${listen}`;
  if (code === "EADDRINUSE")
    return new EnvironmentError(`${where} is in use: stop the other program or set ${setting}`, { cause });
  if (code === "EACCES")
    return new EnvironmentError(`${where} needs privileges: set ${setting} to one above 1023`, { cause });
  if (code === "EADDRNOTAVAIL")
    return new EnvironmentError(`${listen} is no address of this machine: set MUSTER_LISTEN`, { cause });
  return new EnvironmentError(`the broker cannot listen on ${where}`, { cause });
}
