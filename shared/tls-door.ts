import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "#shared/clock";
import { errorCode } from "#shared/errors";
import { HandshakeQueue } from "#shared/handshake-queue";

/** What a server shows and proves: its certificate with those that vouch for it, and its key, as PEM. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Where a server gets it from: a new one is used for the connections that come from then on. */
export interface IdentitySource {
  readonly current: () => ServerIdentity;
  readonly changes: { on(listener: () => void): () => void };
}

/** The authorities of clients' certificates: others are believed for the connections that come from then on. */
export interface ClientAuthorities {
  /** As PEM. */
  readonly current: () => string;
  readonly changes: { on(listener: () => void): () => void };
}

/** Milliseconds that a handshake may take: two round trips and 2 KB, over GPRS some seconds. */
export const handshakeTimeout = 10_000;
/** The first byte of whoever begins with TLS: a record of the handshake (RFC 8446 §5.1). */
export const helloByte = 0x16;

/** A certificate that a client has shown, and whose key it has. */
export interface ShownCertificate {
  /** Whose it says it is. */
  readonly name: string;
  /** Hexadecimal digits, in capitals. */
  readonly serial: string;
  /** Why it is not believed, as OpenSSL calls it; undefined where it is. */
  readonly fault: string | undefined;
}

/** What the other side of a connection has shown; undefined where that is nothing. */
export function shownOn(secure: TLSSocket): ShownCertificate | undefined {
  // Not the whole chain, which costs a copy of each.
  const shown = secure.getPeerCertificate(false);
  if (!shown || shown.serialNumber === undefined) return undefined;
  const { CN } = shown.subject as { CN?: string | string[] };
  const fault = secure.authorized ? undefined : String(secure.authorizationError);
  return { name: typeof CN === "string" ? CN : "", serial: shown.serialNumber, fault };
}

export interface TlsDoorOptions {
  readonly identity: IdentitySource;
  readonly clock: Clock;
  /** Who has a certificate of one of these may show it. Without it nobody is asked. */
  readonly clients?: ClientAuthorities | undefined;
  /** Is given each connection whose handshake has succeeded, with the socket below it. */
  readonly onSecure: (secure: TLSSocket, socket: Socket) => void;
  /** A handshake came to nothing; the connection is closed already. */
  readonly onFailed: (why: string, address: string) => void;
}

/**
 * Makes TLS connections of connections that somebody else has accepted and counts. Handshakes begin a few in a turn, and few are
 * under way: thousands that come at once cost those who are connected no more than a wait.
 */
export class TlsDoor {
  readonly #options: TlsDoorOptions;
  readonly #server: Server;
  readonly #queue: HandshakeQueue<Socket>;
  /** Those in their handshake by their two ends: Node does not say which socket a TLS connection came from. */
  readonly #shaking = new Map<string, Socket>();
  #endListening: (() => void)[] = [];

  constructor(options: TlsDoorOptions) {
    const { onFailed, clients } = options;
    this.#options = options;
    this.#queue = new HandshakeQueue(options.clock, (socket) => this.#shake(socket));
    // Whoever has none, or one that is over, is let through to where it can be told why.
    const asks = clients === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
    this.#server = createServer({ ...this.#context, ...asks, handshakeTimeout });
    this.#server.on("secureConnection", (secure) => this.#secured(secure));
    this.#server.on("tlsClientError", (error, secure) => {
      const address = secure.remoteAddress ?? "";
      secure.destroy();
      onFailed(whyNot(error), address);
    });
  }

  start(): void {
    const { identity, clients } = this.#options;
    // Connections that there are keep what they have agreed on.
    const renew = (): void => this.#server.setSecureContext(this.#context);
    this.#endListening = [identity, ...(clients ? [clients] : [])].map(({ changes }) => changes.on(renew));
  }

  get #context(): SecureContextOptions {
    const { identity, clients } = this.#options;
    return {
      ...identity.current(),
      ...(clients === undefined ? {} : { ca: clients.current() }),
      minVersion: "TLSv1.2",
    };
  }

  stop(): void {
    for (const end of this.#endListening.splice(0)) end();
    this.#queue.stop();
  }

  /** Takes a connection whose first bytes, which are to be read from it again, are those of TLS. */
  handshake(socket: Socket): void {
    this.#queue.add(socket);
  }

  #shake(socket: Socket): void {
    const ends = endsOf(socket);
    this.#shaking.set(ends, socket);
    socket.once("close", () => this.#shaking.delete(ends));
    this.#server.emit("connection", socket);
  }

  #secured(secure: TLSSocket): void {
    const ends = endsOf(secure);
    const socket = this.#shaking.get(ends);
    this.#shaking.delete(ends);
    // It was reset in the same moment: the system does not know its ends any more.
    if (!socket) return void secure.destroy();
    this.#queue.ended(socket);
    secure.on("error", () => secure.destroy());
    this.#options.onSecure(secure, socket);
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress}|${remotePort}|${localAddress}|${localPort}`;
}

/** A failed handshake in a few words, none of which the other side has chosen. */
function whyNot(error: Error): string {
  const code = errorCode(error) ?? "";
  const known: Readonly<Record<string, string>> = {
    ERR_TLS_HANDSHAKE_TIMEOUT: `no handshake within ${handshakeTimeout / 1_000} s`,
    ERR_SSL_UNSUPPORTED_PROTOCOL: "it offers no TLS 1.2 or newer",
    ERR_SSL_NO_SHARED_CIPHER: "it offers no cipher that is taken here",
    ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "it does not trust the CA: give it the CA's file",
    ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "it does not take the certificate",
    ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "it takes the certificate for expired: one of the two clocks may be wrong",
    ECONNRESET: "it went away in the middle",
  };
  return known[code] ?? code;
}
