import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import { hostOf } from "#shared/origins";
import { isLoopbackHost } from "#shared/address";
import { helloByte, TlsDoor, type IdentitySource } from "#shared/tls-door";

/** That a port of HTTP speaks TLS. */
export interface HttpTls {
  readonly identity: IdentitySource;
  /** Whether anybody may come without it. This machine's own programs may, and proxies that are trusted. */
  readonly plaintext: boolean;
}

export interface TlsPortOptions extends HttpTls {
  /** Milliseconds until the first byte, and for the request of who is told to come by TLS. */
  readonly patience: number;
  readonly headerBytes: number;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly log: Log;
  readonly isProxy: (address: string) => boolean;
  /** A TLS connection is the one that was counted as `socket`. */
  readonly onSecure: (secure: TLSSocket, socket: Socket) => void;
}

/**
 * One port for HTTPS, and for HTTP where that is allowed; whoever else comes without TLS is told the address with it. The first byte tells
 * them apart.
 */
export class TlsPort {
  readonly #options: TlsPortOptions;
  /** What Node does with a connection that HTTP is spoken on. */
  readonly #speak: (socket: Socket) => void;
  readonly #door: TlsDoor;
  readonly #signpost: Server;
  /** Of whom the server does not know yet: it closes only its own. */
  readonly #early = new Set<Socket>();

  /** @param server none of whose connections has been listened to but by Node */
  constructor(server: Server, options: TlsPortOptions) {
    const { identity, clock, net, log, onSecure, headerBytes } = options;
    this.#options = options;
    const [speak] = server.listeners("connection") as [(socket: Socket) => void];
    server.removeAllListeners("connection");
    this.#speak = (socket) => speak.call(server, socket);
    this.#door = new TlsDoor({
      identity,
      clock,
      onSecure: net.guard(
        "http: a TLS connection",
        (secure: TLSSocket, socket: Socket) => {
          onSecure(secure, socket);
          this.#early.delete(socket);
          this.#speak(secure);
        },
        (secure) => secure.destroy(),
      ),
      onFailed: (why, address) => log.debug({ address }, `a TLS handshake came to nothing: ${why}`),
    });
    this.#signpost = createServer({ maxHeaderSize: headerBytes }, (request, response) =>
      this.#pointOn(request, response),
    );
    this.#door.start();
  }

  /** Closes whoever has not got so far that the server knows them. */
  stop(): void {
    this.#door.stop();
    for (const socket of this.#early) socket.destroy();
  }

  /** Takes a connection that was counted. */
  accept(socket: Socket): void {
    const { clock, net, patience } = this.#options;
    this.#early.add(socket);
    const over = clock.after(patience, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      over();
      this.#early.delete(socket);
    });
    const sort = (chunk: Buffer): void => {
      socket.pause();
      socket.unshift(chunk);
      if (chunk[0] !== helloByte && !this.#mayBePlain(socket))
        return this.#hand(socket, () => this.#signpost.emit("connection", socket));
      over();
      if (chunk[0] === helloByte) return this.#door.handshake(socket);
      this.#early.delete(socket);
      this.#hand(socket, () => this.#speak(socket));
    };
    socket.once(
      "data",
      net.guard("http: a first byte", sort, () => socket.destroy()),
    );
  }

  #hand(socket: Socket, accept: () => void): void {
    accept();
    process.nextTick(() => socket.resume());
  }

  #mayBePlain({ remoteAddress = "", localAddress = "" }: Socket): boolean {
    const { plaintext, isProxy } = this.#options;
    return plaintext || (isOwn(remoteAddress) && isOwn(localAddress)) || isProxy(remoteAddress);
  }

  /** Whoever typed the address as it was before; what they have sent is not looked at. */
  #pointOn({ method, headers, url = "/" }: IncomingMessage, response: ServerResponse): void {
    const { host } = headers;
    response.setHeader("connection", "close");
    response.setHeader("content-type", "text/plain; charset=utf-8");
    if (host === undefined || hostOf(host) === undefined || method !== "GET" || !url.startsWith("/")) {
      response.writeHead(426, { upgrade: "TLS/1.2" });
      return void response.end(
        "Here HTTP is spoken by TLS alone: use https://. A password that was sent just now went over the network unencrypted: change it.\n",
      );
    }
    response.writeHead(307, { location: `https://${host}${url}` });
    response.end("Here HTTP is spoken by TLS alone.\n");
  }
}

function isOwn(address: string): boolean {
  return isLoopbackHost(address.replace(/^::ffff:/i, ""));
}
