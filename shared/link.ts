import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Bus, ConnectionChange, PublishOptions, SubscribeOptions } from "#shared/bus";
import { inUrl, parseBrokerUrl } from "#shared/address";
import { BackOff } from "#shared/back-off";
import { certificateTrouble } from "#shared/certificate-troubles";
import type { Clock } from "#shared/clock";
import {
  cutOff,
  explainFailure,
  isBadCertificate,
  isNetworkError,
  isRefusedLogin,
  strangerIn,
} from "#shared/connection-failures";
import { asError, DisconnectedError, errorCode } from "#shared/errors";
import { shortId } from "#shared/ids";
import type { LinkSecret } from "#shared/link-secret";
import type { Log } from "#shared/log";
import { pieceBytes, writeInPieces } from "#shared/small-writes";
import { countWire } from "#shared/wire-count";
import { LinkWays } from "#shared/link-ways";
import { KeepAlive, pingTimer, SignsOfLife, unansweredBytes } from "#shared/keep-alive";
import { LinkPublisher } from "#shared/link-publisher";
import { LinkSubscriptions, type LinkSubscription } from "#shared/link-subscriptions";

export interface Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
}

export interface LinkOptions {
  /** `mqtt://host:port`, `mqtts://`, `ws://` or `wss://`; without user and password, which go below. */
  readonly url: string;
  /** Other ways to the same broker, for when it does not let us in at {@link url}, or nobody listens there: tried at once, and kept to where one lets us in. */
  readonly elsewhere?: (() => readonly string[]) | undefined;
  readonly clientId: string;
  readonly username: string;
  /** Without it the certificate of {@link identity} says who this is. */
  readonly password?: string | LinkSecret | undefined;
  /** With TLS: what to show of oneself, asked for each try; it is told where a try has come to nothing. */
  readonly identity?: { readonly show: () => Identity | undefined; readonly failed: () => void } | undefined;
  /** The message the broker publishes when this connection breaks; made anew for each session. */
  readonly will?: (session: string) => Will;
  readonly log: Log;
  readonly clock: Clock;
  /** 0 ≤ n < 1; spreads reconnects of many agents. */
  readonly random?: () => number;
  /** Milliseconds at most between two tries at a broker that is not there; that of a small fleet by default. */
  readonly spread?: (least: number) => number;
  /** With TLS: the authorities that are trusted, as PEM, and no others; without it those of the system. */
  readonly ca?: (() => string | undefined) | undefined;
  /** 4 is MQTT 3.1.1, all that the embedded broker speaks; `auto` tries 5 first and stays with what was accepted. */
  readonly version?: 4 | 5 | "auto";
  /** What to do where the broker refuses the login, in a few words for the log. */
  readonly refusedHint?: string | (() => string);
  /** Seconds between pings; a broker gives up after one and a half of it. */
  readonly keepalive?: number;
  /** Is told what goes over the wire, both ways together, with what stands around it: see `wire-count.ts`. */
  readonly spent?: ((bytes: number) => void) | undefined;
  /** Milliseconds to wait for a PUBACK. */
  readonly publishDeadline?: number;
}

/** A certificate and its key, as PEM. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Milliseconds until a broker that is away for the same reason as before is logged again: a try every second or two would fill a disk with it. */
export const toldAgain = 60_000;
/** Seconds between pings, as long as no connection dies in between. */
const usualKeepalive = 30;
/** What mqtt.js says of a ping that has no answer. */
const silence = "Keepalive timeout";
/** Milliseconds for which small packets are sent once a connection has died over a large one: a way that is put right is to be used again. */
const smallFor = 86_400_000;
/** Milliseconds to wait for a broker's answer to DISCONNECT: one that has none must not keep anybody from stopping. */
const patience = 1_000;
/** A connection that lived this long (ms) was a good one: the next wait starts small again. */
const settled = 10_000;

/**
 * The MQTT client: a {@link Bus} over a socket.
 *
 * down ── start ──► connecting ── CONNACK, SUBACK ──► up ── close ──► waiting ── back-off ──► connecting …
 *
 * Every attempt makes a new mqtt.js client, so nothing of an old connection (queues, stored packets, a stale will) can
 * leak into the next: sessions are always clean, and every filter is subscribed again on each connect.
 */
export class Link implements Bus {
  readonly #options: LinkOptions;
  readonly #subscriptions: LinkSubscriptions;
  readonly #publisher: LinkPublisher;
  #listeners: readonly ((change: ConnectionChange) => void)[] = [];
  #client: MqttClient | undefined;
  #state: ConnectionChange = { up: false, reason: "not started" };
  #started = false;
  #version: 4 | 5;
  /** The highest version that the broker has let in. */
  #accepted: 4 | 5 | undefined;
  readonly #backOff: BackOff;
  readonly #keepAlive: KeepAlive;
  /** Until when (monotonic) large packets are believed to vanish on the way. */
  #smallUntil = 0;
  /** What was logged last of there being no connection, and when. */
  #told: { readonly why: string; readonly at: number } | undefined;
  #cancelWait: (() => void) | undefined;
  readonly #ways: LinkWays;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#subscriptions = new LinkSubscriptions(options);
    this.#publisher = new LinkPublisher(options);
    this.#version = options.version === "auto" ? 5 : (options.version ?? 4);
    const { spread = (least: number) => least, random = Math.random } = options;
    this.#backOff = new BackOff({ spread, random });
    this.#ways = new LinkWays(options.url, options.elsewhere);
    this.#keepAlive = new KeepAlive(options.keepalive ?? usualKeepalive, options.clock);
  }

  get connected(): boolean {
    return this.#state.up;
  }

  /** Begins to connect, and goes on for ever: watch {@link onConnection}. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#connect();
  }

  /** Says DISCONNECT, so that the will is not published, and lets go. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#cancelWait?.();
    const client = this.#client;
    if (!client) return;
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(() => client.end(true, () => resolve()), patience);
      client.end(false, () => {
        clearTimeout(giveUp);
        resolve();
      });
    });
    this.#down("stopped");
  }

  /** Leaves the broker, and comes again at once: with another certificate, for one. */
  reconnect(): void {
    const client = this.#client;
    if (!this.#started || !client?.connected) return;
    const giveUp = this.#options.clock.after(patience, () => client.end(true));
    client.once("close", giveUp);
    client.end(false);
  }

  onConnection(listener: (change: ConnectionChange) => void): () => void {
    // One that throws at once does not stay.
    listener(this.#state);
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  subscribe(
    filters: readonly string[],
    listener: LinkSubscription["listener"],
    options: SubscribeOptions = {},
  ): () => Promise<void> {
    const subscription = { filters, listener, ...options };
    this.#subscriptions.add(subscription);
    if (this.connected && this.#client) void this.#subscriptions.send(this.#client, [subscription]);
    return () => this.#subscriptions.remove(subscription, this.connected ? this.#client : undefined);
  }

  publish(topic: string, payload: Buffer, options: PublishOptions = {}): Promise<void> {
    // From the CONNACK on, before the subscriptions are in place: the answer to a retained message must not be lost.
    const client = this.#client;
    if (!client?.connected) return Promise.reject(this.#disconnected(topic));
    return this.#publisher.publish(client, topic, payload, options);
  }

  #connect(): void {
    const { url } = this.#ways;
    const session = shortId();
    const begun = this.#options.clock.monotonic();
    let cause: Error | undefined;
    let acknowledged = false;
    let answered = false;
    const { spent, clock } = this.#options;
    const ca = this.#options.ca?.();
    const signs = new SignsOfLife();
    const client: MqttClient = mqtt.connect({
      ...whereTo(url),
      ...this.#clientOptions(session),
      timerVariant: pingTimer({ clock, signs, ping: () => client.sendPing() }),
      ...(ca === undefined ? {} : { ca }),
      ...this.#options.identity?.show(),
    });
    this.#client = client;
    this.#publisher.begin(client, this.#version);
    // Nagle would hold each small packet back until the last one's ACK: 44 ms a direction. mqtt.js has no option for it.
    if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") client.stream.setNoDelay(true);
    client.handleMessage = (packet, done) => this.#subscriptions.receive(packet, done);
    signs.watch(client);
    if (spent) countWire(client, spent);
    const isSmall = clock.monotonic() < this.#smallUntil;
    if (isSmall) writeInPieces(client.stream, clock);
    const largest = unansweredBytes(client, clock);
    client.on("error", (error) => (cause ??= error));
    // Of its stream's errors mqtt.js tells only some: not that a web server answered, but with no WebSocket.
    client.stream.on("error", (error) => (cause ??= error));
    client.stream.once("data", (first: Buffer) => {
      answered = true;
      cause = strangerIn(first) ?? cause;
    });
    client.on(
      "disconnect",
      ({ reasonCode = 0, properties }) => (cause ??= cutOff(reasonCode, properties?.reasonString)),
    );
    client.once("connect", ({ properties }) => {
      acknowledged = true;
      if (this.#ways.letIn()) this.#options.log.info({ url }, "the broker is reached another way from now on");
      this.#keepAlive.connected();
      if (typeof this.#options.password === "object") this.#options.password.accepted();
      if (this.#accepted !== 5) this.#accepted = this.#version;
      this.#publisher.allow(client, properties?.receiveMaximum);
      this.#subscriptions.send(client).then(
        () => this.#up(session),
        (error: unknown) => {
          cause ??= asError(error);
          client.end(true);
        },
      );
    });
    client.once("close", () => {
      // After an error mqtt.js may emit again on the old client: nobody listens, but an unheard "error" would throw.
      client.end(true);
      if (!this.#started) return;
      const { password } = this.#options;
      if (cause && isRefusedLogin(cause) && typeof password === "object") password.refused();
      this.#down(cause ? cause.message || (errorCode(cause) ?? "connection failed") : "connection closed");
      if (this.#fallsBack(acknowledged, cause)) return this.#connect();
      if (!acknowledged && this.#ways.another({ cause, answered })) return this.#connect();
      if (!acknowledged) this.#failed();
      else if (cause?.message === silence) this.#fellSilent(isSmall, largest());
      const met = this.#ways.conclude({ cause, answered });
      const why = this.#why(met.cause);
      if (this.#options.clock.monotonic() - begun > settled) this.#backOff.held();
      else if (met.answered || isBadCertificate(met.cause)) return this.#tryIn(this.#backOff.turnedAway(), why);
      this.#tryIn(this.#backOff.absent(), why);
    });
  }

  #failed(): void {
    this.#keepAlive.failed();
    this.#options.identity?.failed();
  }

  /** @param largest bytes of the largest packet since anything was heard */
  #fellSilent(wasSmall: boolean, largest: number): void {
    const { clock, clientId, log } = this.#options;
    if (wasSmall) this.#smallUntil = 0;
    else if (largest > pieceBytes) {
      this.#smallUntil = clock.monotonic() + smallFor;
      log.info(
        { clientId, largest },
        "the connection fell silent over a large packet: the next one sends small ones, in case large ones vanish on the way",
      );
      return;
    }
    this.#keepAlive.died();
  }

  #tryIn(wait: number, why: string): void {
    const { clientId, log, clock } = this.#options;
    const { url } = this.#ways;
    const now = clock.monotonic();
    if (this.#told?.why !== why || now - this.#told.at >= toldAgain) {
      this.#told = { why, at: now };
      log.warn({ clientId, wait }, `no connection to the broker at ${url} (${why}); next try in ${wait} ms`);
    }
    this.#cancelWait = clock.after(wait, () => this.#again());
  }

  /** Whatever a try meets (no descriptor left, say), there is a next one. */
  #again(): void {
    try {
      this.#connect();
    } catch (thrown) {
      this.#tryIn(this.#backOff.absent(), explainFailure(asError(thrown)));
    }
  }

  #clientOptions(session: string): IClientOptions {
    const { clientId, username, password } = this.#options;
    const will = this.#options.will?.(session);
    return {
      clientId,
      username,
      ...(password === undefined ? {} : { password: typeof password === "string" ? password : password.current }),
      keepalive: this.#keepAlive.seconds,
      clean: true,
      protocolVersion: this.#version,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      queueQoSZero: false,
      resubscribe: false,
      // Else mqtt.js makes a Buffer of each 16-bit number in advance: 10 MB for what is made in no time.
      writeCache: false,
      ...(will ? { will: { ...will, qos: 1 as const } } : {}),
    };
  }

  /** With `auto`, a broker that turned the version 5 CONNECT down is asked again with 3.1.1 at once. */
  #fallsBack(acknowledged: boolean, cause: Error | undefined): boolean {
    if (this.#options.version !== "auto") return false;
    const wasFive = this.#version === 5;
    // A broker that was just going may have closed it, whatever it speaks: what it has accepted before is tried again.
    this.#version = this.#accepted ?? 5;
    if (!wasFive || acknowledged || (cause && (isNetworkError(cause) || isRefusedLogin(cause)))) return false;
    this.#version = 4;
    return true;
  }

  #up(session: string): void {
    if (!this.#started) return;
    this.#told = undefined;
    this.#change({ up: true, session });
  }

  #down(reason: string): void {
    this.#publisher.lost(this.#disconnected("a message", reason));
    if (this.#state.up) this.#change({ up: false, reason });
    else this.#state = { up: false, reason };
  }

  #change(state: ConnectionChange): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (thrown) {
        this.#options.log.error({ err: asError(thrown) }, "a listener to the connection failed");
      }
    }
  }

  /** For the log: with what to do about it. */
  #why(cause: Error | undefined): string {
    const { refusedHint, clock } = this.#options;
    const trouble = cause && certificateTrouble(cause, clock.now());
    if (trouble !== undefined) return trouble;
    const hint = typeof refusedHint === "function" ? refusedHint() : refusedHint;
    return explainFailure(cause) + (cause && isRefusedLogin(cause) && hint !== undefined ? `: ${hint}` : "");
  }

  #disconnected(what: string, reason = this.#state.up ? "" : this.#state.reason): DisconnectedError {
    return new DisconnectedError(`no connection to the broker at ${this.#ways.url} for ${what}: ${reason}`);
  }
}

/** For mqtt.js, which takes a URL apart by what Node warns of from 24 on, and forgets the brackets of IPv6 for a WebSocket. */
export function whereTo(url: string): Pick<IClientOptions, "protocol" | "hostname" | "port" | "path"> {
  const { protocol, host, port, path } = parseBrokerUrl(url);
  const hostname = path === "" ? host : inUrl(host);
  return { protocol, hostname, ...(port === undefined ? {} : { port }), ...(path === "" ? {} : { path }) };
}
