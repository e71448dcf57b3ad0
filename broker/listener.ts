import type { IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "#shared/clock";
import { Crowd, type Visit } from "#shared/crowd";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { SafetyNet } from "#shared/safety-net";
import type { OwnNames } from "#shared/origins";
import type { TrustedProxies } from "#shared/trusted-proxies";
import type { Limits } from "./limits.ts";
import { WebDoor } from "./web-door.ts";

/** Where a connection comes from, and what its coming in counts as. */
export interface ConnectingPeer {
  readonly address: string;
  /** To be called when it has logged in. */
  readonly known: () => void;
}

export interface ListenerOptions {
  readonly listen: string;
  readonly port: number;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly names: OwnNames;
  readonly proxies: TrustedProxies;
  /** Is given each MQTT connection. */
  readonly onConnection: (stream: Duplex, caller: ConnectingPeer, request?: IncomingMessage) => void;
  /** The system had no descriptor left for a connection, or one was turned away. */
  readonly onRefused: (why: string, address: string) => void;
}

/** The first byte tells what comes: a CONNECT packet, or the G of an HTTP GET that asks for a WebSocket. */
const firstByte = { connect: 0x10, get: 0x47 };
/** Connections without a login that are given up when the system has no descriptor left, the oldest first. */
const givenUp = 8;

/** One port for MQTT over TCP and over WebSocket. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #crowd: Crowd;
  readonly #sockets = new Set<Socket>();
  /** Those that have not logged in, the oldest first. */
  readonly #strangers = new Set<Socket>();
  readonly #visits = new WeakMap<Socket, Visit>();
  readonly #deadlines = new WeakMap<Socket, () => void>();
  readonly #server: Server;
  readonly #web: WebDoor;
  #dropped = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { limits, net, names, onRefused } = options;
    this.#crowd = new Crowd(limits);
    this.#web = new WebDoor({
      limits,
      net,
      names,
      onStream: (stream, socket, request) => this.#hand(stream, socket, request),
    });
    // Nagle's algorithm would hold each small packet back for its predecessor's ACK: 44 ms a direction.
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      net.guard("broker: a connection", (socket: Socket) => this.#accept(socket), destroy),
    );
    // The same bound as the crowd's: beyond it the system's handle is closed before a socket is made of it.
    this.#server.maxConnections = limits.connections;
    this.#server.on("drop", (dropped) => {
      this.#dropped += 1;
      onRefused("there is no room for more connections", dropped?.remoteAddress ?? "");
    });
  }

  /** Connections turned away because there were too many. */
  get turnedAway(): number {
    return this.#crowd.refused + this.#dropped;
  }

  /** @returns the port, chosen by the system where 0 was asked for. @throws EnvironmentError where it cannot be had */
  async start(): Promise<number> {
    const { port, listen, net } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(portError(error, port, listen));
      this.#server.once("error", failed);
      this.#server.listen(port, listen, () => {
        this.#server.off("error", failed);
        this.#server.on(
          "error",
          net.guard("broker: the port", (error: Error) => this.#acceptFailed(error)),
        );
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { clock, limits, net, proxies, onRefused } = this.#options;
    // Until somebody takes it over: a reset by the peer has to be heard.
    socket.on("error", () => socket.destroy());
    const address = socket.remoteAddress ?? "";
    const visit = this.#crowd.enter(address, { shared: proxies.trusts(address) });
    if (!visit) {
      socket.destroy();
      onRefused("too many connections that have not logged in", address);
      return;
    }
    this.#sockets.add(socket);
    this.#strangers.add(socket);
    this.#visits.set(socket, visit);
    this.#deadlines.set(
      socket,
      clock.after(limits.connectTimeout, () => socket.destroy()),
    );
    socket.on("close", () => {
      visit.leave();
      this.#sockets.delete(socket);
      this.#strangers.delete(socket);
      this.#deadlines.get(socket)?.();
    });
    socket.once(
      "data",
      net.guard(
        "broker: a first byte",
        (chunk: Buffer) => this.#sort(socket, chunk),
        () => socket.destroy(),
      ),
    );
  }

  #sort(socket: Socket, chunk: Buffer): void {
    socket.pause();
    socket.unshift(chunk);
    if (chunk[0] === firstByte.connect) {
      this.#hand(socket, socket);
    } else if (chunk[0] === firstByte.get) {
      this.#web.take(socket);
      process.nextTick(() => socket.resume());
    } else {
      socket.destroy();
    }
  }

  #hand(stream: Duplex, socket: Socket, request?: IncomingMessage): void {
    this.#deadlines.get(socket)?.();
    const known = (): void => {
      this.#visits.get(socket)?.known();
      this.#strangers.delete(socket);
    };
    const address = this.#options.proxies.clientOf(socket.remoteAddress ?? "", request?.headers["x-forwarded-for"]);
    this.#options.onConnection(stream, { address, known }, request);
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

function destroy(socket: Socket): void {
  socket.destroy();
}

function portError(error: Error, port: number, listen: string): EnvironmentError {
  const cause = asError(error);
  const code = errorCode(error);
  const where = `port ${port} on ${listen}`;
  if (code === "EADDRINUSE")
    return new EnvironmentError(`${where} is in use: stop the other program or set MUSTER_MQTT_PORT`, { cause });
  if (code === "EACCES")
    return new EnvironmentError(`${where} needs privileges: set MUSTER_MQTT_PORT to one above 1023`, { cause });
  if (code === "EADDRNOTAVAIL")
    return new EnvironmentError(`${listen} is no address of this machine: set MUSTER_LISTEN`, { cause });
  return new EnvironmentError(`the broker cannot listen on ${where}`, { cause });
}
