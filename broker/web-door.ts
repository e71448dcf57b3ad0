import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer, type WebSocket } from "ws";
import type { SafetyNet } from "#shared/safety-net";
import type { OwnNames } from "#shared/origins";
import type { Limits } from "./limits.ts";

export interface WebDoorOptions {
  readonly limits: Limits;
  readonly net: SafetyNet;
  /** The names that pages of ours are served under. */
  readonly names: OwnNames;
  /** Is given each WebSocket that speaks MQTT, and the socket below. */
  readonly onStream: (stream: Duplex, socket: Socket, request: IncomingMessage) => void;
}

/** Frames that one message may come in: mqtt.js sends one for each packet, and browsers do not split. */
export const maxFragments = 1_024;
/** Pieces of one frame that may lie in memory, each of which costs some 100 bytes whatever is in it. */
export const maxWebPieces = 4_096;
/** Bytes of answers to pings that may wait for who does not read them. */
export const maxPongBytes = 16 * 1024;

/** The HTTP that is spoken on the MQTT port: an upgrade to WebSocket (path `/mqtt`, subprotocol `mqtt`) and nothing else. */
export class WebDoor {
  readonly #options: WebDoorOptions;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;

  constructor(options: WebDoorOptions) {
    const { net, limits } = options;
    this.#options = options;
    this.#http = createServer({ maxHeaderSize: limits.connectBytes }, (_request, response) => {
      response.writeHead(426, { connection: "close", "content-type": "text/plain" });
      response.end("This is an MQTT broker: connect with MQTT, or with a WebSocket on /mqtt.\n");
    });
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      this.#upgrade(request, socket as Socket, head);
    this.#http.on(
      "upgrade",
      net.guard("broker: an upgrade", upgrade, (_, socket) => socket.destroy()),
    );
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: limits.packetBytes + 5,
      maxFragments: maxFragments,
      maxBufferedChunks: maxWebPieces,
      // One frame a turn of the event loop: 64 KiB of the smallest frames in one go would stop everybody else for 100 ms.
      allowSynchronousEvents: false,
      // By itself ws answers each ping at once, however much of that is waiting: see `#open`.
      autoPong: false,
      handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : false),
    });
  }

  /** Takes a connection whose first bytes, which are to be read from it again, are those of an HTTP request. */
  serveHttp(socket: Socket): void {
    this.#http.emit("connection", socket);
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { origin, host } = request.headers;
    const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    if (pathOf(request.url) !== "/mqtt" || !offered?.includes("mqtt"))
      return refuse(socket, "400 Bad Request", "expected a WebSocket on /mqtt with the subprotocol mqtt");
    // A browser lets any page open a WebSocket to anywhere, and says whose page it was. Who is no browser says nothing.
    if (origin !== undefined && !this.#options.names.isOrigin(origin, host))
      return refuse(socket, "403 Forbidden", "pages of other sites may not connect to this broker");
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, request));
  }

  #open(webSocket: WebSocket, socket: Socket, request: IncomingMessage): void {
    // What ws refuses (a frame that is too large) ends its stream too; its own error needs a listener all the same.
    webSocket.on("error", () => {});
    webSocket.on("ping", (said) => {
      if (socket.writableLength <= maxPongBytes) webSocket.pong(said, false, () => {});
      else webSocket.terminate();
    });
    this.#options.onStream(createWebSocketStream(webSocket), socket, request);
  }
}

/**
 * The path of a request target, without its query; of the absolute form (RFC 9112 §3.2.2) too. Not by `new URL`, which throws on
 * what a client may well send (`//`, `http://[`).
 */
export function pathOf(target = "/"): string {
  return target.replace(/^(?:http|ws)s?:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
}

function refuse(socket: Socket, status: string, why: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${why}\n`);
}
