import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Crowd, strangersOfOne, type Visit } from "#shared/crowd";
import { errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { PacedClosings } from "#shared/paced-closings";
import type { Clock } from "#shared/clock";
import type { SafetyNet } from "#shared/safety-net";
import { TlsPort, type HttpTls } from "./tls-port.ts";

/** Every bound of an HTTP connection. Times are milliseconds. */
export interface HttpBounds {
  /** In total; fewer where the system gives the process fewer descriptors. */
  readonly connections: number;
  /** Of one network, before any request on them was let in with a login. */
  readonly strangersOfOne: number;
  /** From the connection, or the end of the last request, until a request's headers are there as a whole. */
  readonly headers: number;
  /** Until a whole request is there: 64 KiB at 2 KiB a second. */
  readonly request: number;
  /** Between two requests on one connection. */
  readonly idle: number;
  /** That an answer waits for who does not read it. */
  readonly unread: number;
  /** How often connections are looked at for these. */
  readonly check: number;
  /** On one connection; the next one comes on another. */
  readonly requests: number;
  /** On one connection, sent without waiting for the answers to those before: all are worked at side by side. */
  readonly ahead: number;
  /** Bytes of a request's headers. */
  readonly headerBytes: number;
}

export const httpBounds = {
  connections: 1_000,
  strangersOfOne,
  headers: 10_000,
  request: 30_000,
  idle: 15_000,
  unread: 60_000,
  check: 2_000,
  requests: 10_000,
  ahead: 8,
  headerBytes: 16 * 1024,
} satisfies HttpBounds;

export interface ConnectionsOptions {
  readonly bounds: HttpBounds;
  readonly net: SafetyNet;
  readonly log: Log;
  /** Whether connections of this address are of many clients: of a proxy that is trusted. */
  readonly isProxy: (address: string) => boolean;
  readonly clock: Clock;
  /** Without it there is no TLS, and anybody may come without. */
  readonly tls?: HttpTls | undefined;
}

/** The connections to the console's HTTP port: how many there may be, and how long each may take. */
export class HttpConnections {
  readonly #options: ConnectionsOptions;
  readonly #crowd: Crowd;
  readonly #visits = new WeakMap<Socket, Visit>();
  readonly #closings = new PacedClosings();
  /** Of each connection that has asked for anything, the answers that are not out yet. */
  readonly #asked = new Map<Socket, Set<ServerResponse>>();
  #tlsPort: TlsPort | undefined;
  #failures = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#crowd = new Crowd(options.bounds);
  }

  /** A server within these bounds. */
  server(handler: RequestListener): Server {
    const { bounds, net, tls } = this.#options;
    const server = createServer(
      {
        noDelay: true,
        headersTimeout: bounds.headers,
        requestTimeout: bounds.request,
        keepAliveTimeout: bounds.idle,
        connectionsCheckingInterval: bounds.check,
        maxHeaderSize: bounds.headerBytes,
      },
      handler,
    );
    server.maxConnections = bounds.connections;
    server.maxRequestsPerSocket = bounds.requests;
    server.timeout = bounds.unread;
    // A call may wait for its device for as long as it likes. What is not asked for anything, or does not read, is closed: also after
    // a request to upgrade, to which Node answers as to any other.
    server.on("timeout", (socket) => {
      if (socket.writableLength > 0 || (this.#asked.get(socket)?.size ?? 0) === 0) socket.destroy();
    });
    // Before the handler, which may be through with it at once.
    server.prependListener("request", ({ socket }, response) => this.#ask(socket, response));
    if (tls) this.#tlsPort = this.#tlsPortOf(server, tls);
    server.on(
      "connection",
      net.guard(
        "http: a connection",
        (socket: Socket) => this.#accept(socket),
        (socket) => socket.destroy(),
      ),
    );
    server.on("drop", () => (this.#failures += 1));
    server.once("listening", () =>
      server.on(
        "error",
        net.guard("http: the port", (error: Error) => this.#acceptFailed(server, error)),
      ),
    );
    return server;
  }

  /** Closes whoever the server does not know yet. */
  stop(): void {
    this.#tlsPort?.stop();
  }

  #tlsPortOf(server: Server, tls: HttpTls): TlsPort {
    const { bounds, isProxy, clock, net, log } = this.#options;
    return new TlsPort(server, {
      ...tls,
      isProxy,
      clock,
      net,
      log,
      patience: bounds.headers,
      headerBytes: bounds.headerBytes,
      onSecure: (secure, socket) => {
        const visit = this.#visits.get(socket);
        if (visit) this.#visits.set(secure, visit);
        this.#closings.paceEnd(secure);
      },
    });
  }

  /** Somebody who is logged in uses this connection. */
  known(socket: Socket): void {
    this.#visits.get(socket)?.known();
  }

  #accept(socket: Socket): void {
    this.#closings.paceEnd(socket);
    this.#closings.paceClose(socket);
    const address = socket.remoteAddress ?? "";
    const visit = this.#crowd.enter(address, { shared: this.#options.isProxy(address) });
    if (!visit) return void socket.destroy();
    this.#visits.set(socket, visit);
    socket.on("close", () => visit.leave());
    this.#tlsPort?.accept(socket);
  }

  #ask(socket: Socket, response: ServerResponse): void {
    const owed = this.#asked.get(socket) ?? this.#owedTo(socket);
    owed.add(response);
    response.once("close", () => owed.delete(response));
    if (owed.size > this.#options.bounds.ahead) socket.destroy();
  }

  /** Node tells the end of a connection to the answer that is on its way, and not to those behind it, which would keep what they hold for ever. */
  #owedTo(socket: Socket): Set<ServerResponse> {
    const owed = new Set<ServerResponse>();
    this.#asked.set(socket, owed);
    socket.once("close", () => {
      this.#asked.delete(socket);
      for (const response of owed) response.destroy().emit("close");
    });
    return owed;
  }

  /** Where no descriptor is left for a connection those that do nothing make room, so that the loop does not spin over it. */
  #acceptFailed(server: Server, error: Error): void {
    this.#failures += 1;
    server.closeIdleConnections();
    if (this.#failures === 1)
      this.#options.log.warn(
        { code: errorCode(error) },
        "an HTTP connection could not be taken; further ones are counted",
      );
  }
}
