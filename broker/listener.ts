import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Clock } from "#shared/clock";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { Limits } from "./limits.ts";

export interface ListenerOptions {
  readonly listen: string;
  readonly port: number;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Is given each MQTT connection and the address it comes from. */
  readonly onConnection: (stream: Duplex, address: string, request?: IncomingMessage) => void;
}

/** The first byte tells what comes: a CONNECT packet, or the G of an HTTP GET that asks for a WebSocket. */
const firstByte = { connect: 0x10, get: 0x47 };

/** One port for MQTT over TCP and over WebSocket (path `/mqtt`, subprotocol `mqtt`). */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #http: HttpServer;
  readonly #webSockets: WebSocketServer;
  readonly #deadlines = new WeakMap<Socket, () => void>();
  /** Connections turned away because there were too many. */
  turnedAway = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    // Nagle's algorithm would hold each small packet back for its predecessor's ACK: 44 ms a direction.
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#accept(socket),
    );
    this.#server.maxConnections = options.limits.connections;
    this.#server.on("drop", () => (this.turnedAway += 1));
    this.#http = createHttpServer((_request, response) => {
      response.writeHead(426, { connection: "close", "content-type": "text/plain" });
      response.end("This is an MQTT broker: connect with MQTT, or with a WebSocket on /mqtt.\n");
    });
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.limits.packetBytes + 5,
      handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : false),
    });
  }

  /** @returns the port, chosen by the system where 0 was asked for. @throws EnvironmentError where it cannot be had */
  async start(): Promise<number> {
    const { port, listen } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(portError(error, port, listen)));
      this.#server.listen(port, listen, resolve);
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
    const { clock, limits } = this.#options;
    this.#sockets.add(socket);
    this.#deadlines.set(
      socket,
      clock.after(limits.connectTimeout, () => socket.destroy()),
    );
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#deadlines.get(socket)?.();
    });
    // Until somebody takes it over: a reset by the peer has to be heard.
    socket.on("error", () => socket.destroy());
    socket.once("data", (chunk) => this.#sort(socket, chunk));
  }

  #sort(socket: Socket, chunk: Buffer): void {
    socket.pause();
    socket.unshift(chunk);
    if (chunk[0] === firstByte.connect) {
      this.#hand(socket, socket);
    } else if (chunk[0] === firstByte.get) {
      this.#http.emit("connection", socket);
      process.nextTick(() => socket.resume());
    } else {
      socket.destroy();
    }
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    const { pathname } = new URL(request.url ?? "/", "ws://broker");
    if (pathname !== "/mqtt" || !offered?.includes("mqtt")) {
      socket.end(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nexpected a WebSocket on /mqtt with the subprotocol mqtt\n",
      );
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      // What ws refuses (a frame that is too large) ends its stream too; its own error needs a listener all the same.
      webSocket.on("error", () => {});
      this.#hand(createWebSocketStream(webSocket), socket, request);
    });
  }

  #hand(stream: Duplex, socket: Socket, request?: IncomingMessage): void {
    this.#deadlines.get(socket)?.();
    this.#options.onConnection(stream, socket.remoteAddress ?? "", request);
  }
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
