import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import type { Bus, ConnectionChange, Message, PublishOptions, SubscribeOptions } from "#shared/bus";
import { inUrl, parseBrokerUrl } from "#shared/address";
import type { Clock } from "#shared/clock";
import { asError, DisconnectedError, errorCode } from "#shared/errors";
import { matchesFilter } from "#shared/filters";
import { shortId } from "#shared/ids";
import type { Log } from "#shared/log";

export interface Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
}

export interface LinkOptions {
  /** `mqtt://host:port`, `mqtts://`, `ws://` or `wss://`; without user and password, which go below. */
  readonly url: string;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** The message the broker publishes when this connection breaks; made anew for each session. */
  readonly will?: (session: string) => Will;
  readonly log: Log;
  readonly clock: Clock;
  /** 0 ≤ n < 1; spreads reconnects of many agents. */
  readonly random?: () => number;
  /** 4 is MQTT 3.1.1, all that the embedded broker speaks; `auto` tries 5 first and stays with what was accepted. */
  readonly version?: 4 | 5 | "auto";
  /** What to do where the broker refuses the login, in a few words for the log. */
  readonly refusedHint?: string;
  /** Seconds between pings; a broker gives up after one and a half of it. */
  readonly keepalive?: number;
  /** Milliseconds to wait for a PUBACK. */
  readonly publishDeadline?: number;
}

interface Subscription extends SubscribeOptions {
  readonly filters: readonly string[];
  readonly listener: (message: Message) => void | Promise<void>;
}

/** Milliseconds: the first wait before a reconnect, and the longest. */
const backoff = { first: 250, longest: 30_000 };
/**
 * Milliseconds for which the messages of one read may hold the event loop: a device's smallest ones stand in it by the hundred. The
 * embedded broker reads in slices instead.
 */
export const longestTurn = 4;
/** Milliseconds to wait for a broker's answer to UNSUBSCRIBE and DISCONNECT: one that has none must not keep anybody from stopping. */
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
  readonly #subscriptions: Subscription[] = [];
  readonly #listeners: ((change: ConnectionChange) => void)[] = [];
  readonly #pending = new Set<(error: DisconnectedError) => void>();
  #client: MqttClient | undefined;
  #state: ConnectionChange = { up: false, reason: "not started" };
  #started = false;
  #version: 4 | 5;
  #failures = 0;
  #cancelWait: (() => void) | undefined;
  /** When the first message of this turn of the event loop came. */
  #turnBegan: number | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#version = options.version === "auto" ? 5 : (options.version ?? 4);
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

  onConnection(listener: (change: ConnectionChange) => void): void {
    this.#listeners.push(listener);
    listener(this.#state);
  }

  subscribe(
    filters: readonly string[],
    listener: Subscription["listener"],
    options: SubscribeOptions = {},
  ): () => Promise<void> {
    const subscription = { filters, listener, ...options };
    this.#subscriptions.push(subscription);
    if (this.connected && this.#client) void this.#sendSubscribe(this.#client, [subscription]);
    return () => this.#unsubscribe(subscription);
  }

  /** The listener goes last: what the broker has sent before its answer is handed over, and only then acknowledged. */
  async #unsubscribe(subscription: Subscription): Promise<void> {
    const client = this.#client;
    if (this.connected && client) {
      await new Promise<void>((resolve) => {
        const giveUp = this.#options.clock.after(patience, resolve);
        client.unsubscribe([...subscription.filters], () => {
          giveUp();
          resolve();
        });
      });
    }
    const at = this.#subscriptions.indexOf(subscription);
    if (at >= 0) this.#subscriptions.splice(at, 1);
  }

  publish(topic: string, payload: Buffer, options: PublishOptions = {}): Promise<void> {
    const client = this.#client;
    // From the CONNACK on, before the subscriptions are in place: the answer to a retained message must not be lost.
    if (!client?.connected) return Promise.reject(this.#disconnected(topic));
    const qos = options.qos ?? 1;
    const { correlationData } = options;
    const properties = this.#version === 5 && correlationData ? { properties: { correlationData } } : {};
    return new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        cancel();
        this.#pending.delete(settle);
        if (error) reject(error);
        else resolve();
      };
      const late = (): void => settle(new DisconnectedError(`no PUBACK for ${topic} within ${this.#deadline} ms`));
      const cancel = qos === 0 ? () => {} : this.#options.clock.after(this.#deadline, late);
      this.#pending.add(settle);
      client.publish(topic, payload, { qos, retain: options.retain ?? false, ...properties }, (error) => {
        settle(error ? new DisconnectedError(`the broker did not take ${topic}`, { cause: error }) : undefined);
      });
    });
  }

  get #deadline(): number {
    return this.#options.publishDeadline ?? 10_000;
  }

  #connect(): void {
    const { url, clientId, log } = this.#options;
    const session = shortId();
    const begun = this.#options.clock.monotonic();
    let cause: Error | undefined;
    let acknowledged = false;
    const client = mqtt.connect({ ...whereTo(url), ...this.#clientOptions(session) });
    this.#client = client;
    // Nagle would hold each small packet back until the last one's ACK: 44 ms a direction. mqtt.js has no option for it.
    if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") client.stream.setNoDelay(true);
    client.handleMessage = (packet, done) => this.#receive(packet, done);
    client.on("error", (error) => (cause ??= error));
    // Of its stream's errors mqtt.js tells only some: not that a web server answered, but with no WebSocket.
    client.stream.on("error", (error) => (cause ??= error));
    client.once("connect", () => {
      acknowledged = true;
      this.#sendSubscribe(client, this.#subscriptions).then(
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
      this.#down(cause ? cause.message || (errorCode(cause) ?? "connection failed") : "connection closed");
      if (this.#fallsBack(acknowledged, cause)) return this.#connect();
      if (this.#options.clock.monotonic() - begun > settled) this.#failures = 0;
      const wait = this.#wait();
      log.warn(
        { clientId, wait },
        `no connection to the broker at ${url} (${this.#why(cause)}); next try in ${wait} ms`,
      );
      this.#cancelWait = this.#options.clock.after(wait, () => this.#again());
    });
  }

  /** Whatever a try meets (no descriptor left, say), there is a next one. */
  #again(): void {
    try {
      this.#connect();
    } catch (thrown) {
      const wait = this.#wait();
      this.#options.log.warn({ err: asError(thrown), wait }, `could not connect to the broker; next try in ${wait} ms`);
      this.#cancelWait = this.#options.clock.after(wait, () => this.#again());
    }
  }

  #clientOptions(session: string): IClientOptions {
    const { clientId, username, password, keepalive = 30 } = this.#options;
    const will = this.#options.will?.(session);
    return {
      clientId,
      username,
      password,
      keepalive,
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
    if (this.#options.version !== "auto" || this.#version !== 5 || acknowledged) return false;
    if (cause && (isNetworkError(cause) || isRefusedLogin(cause))) return false;
    this.#version = 4;
    return true;
  }

  #wait(): number {
    const longest = Math.min(backoff.longest, backoff.first * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    return Math.round(longest * (0.5 + (this.#options.random ?? Math.random)() / 2));
  }

  async #sendSubscribe(client: MqttClient, subscriptions: readonly Subscription[]): Promise<void> {
    const asked = subscriptions.flatMap(({ filters, retainAsPublished = false }) =>
      filters.map((filter) => [filter, { qos: 1 as const, rap: retainAsPublished }] as const),
    );
    if (asked.length === 0) return;
    const granted = await client.subscribeAsync(Object.fromEntries(asked));
    const denied = granted.filter(({ qos }) => qos > 2).map(({ topic }) => topic);
    if (denied.length > 0)
      this.#options.log.warn({ denied }, "the broker does not let us subscribe: check its access rules");
  }

  /** Goes on with the next message at once, or after the rest of the loop has had its turn where this one has lasted. */
  #next(done: (error?: Error) => void, turnBegan: number): void {
    if (this.#options.clock.monotonic() - turnBegan < longestTurn) done();
    else setImmediate(done);
  }

  #beginTurn(): number {
    setImmediate(() => (this.#turnBegan = undefined));
    return (this.#turnBegan = this.#options.clock.monotonic());
  }

  #receive(packet: IPublishPacket, done: (error?: Error) => void): void {
    const turnBegan = this.#turnBegan ?? this.#beginTurn();
    const message = toMessage(packet);
    const waits: Promise<void>[] = [];
    for (const { filters, listener } of this.#subscriptions) {
      if (!filters.some((filter) => matchesFilter(filter, packet.topic))) continue;
      try {
        const wait = listener(message);
        if (wait) waits.push(wait);
      } catch (error) {
        this.#failed(packet.topic, error);
      }
    }
    if (waits.length === 0) return this.#next(done, turnBegan);
    Promise.all(waits).then(
      () => this.#next(done, turnBegan),
      (error: unknown) => {
        this.#failed(packet.topic, error);
        this.#next(done, turnBegan);
      },
    );
  }

  #failed(topic: string, error: unknown): void {
    this.#options.log.error({ topic, err: asError(error) }, "a message's listener failed");
  }

  #up(session: string): void {
    if (!this.#started) return;
    this.#change({ up: true, session });
  }

  #down(reason: string): void {
    const lost = this.#disconnected("a message", reason);
    for (const settle of this.#pending) settle(lost);
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
    const { refusedHint } = this.#options;
    return explain(cause) + (cause && isRefusedLogin(cause) && refusedHint !== undefined ? `: ${refusedHint}` : "");
  }

  #disconnected(what: string, reason = this.#state.up ? "" : this.#state.reason): DisconnectedError {
    return new DisconnectedError(`no connection to the broker at ${this.#options.url} for ${what}: ${reason}`);
  }
}

/** For mqtt.js, which takes a URL apart by what Node warns of from 24 on, and forgets the brackets of IPv6 for a WebSocket. */
function whereTo(url: string): Pick<IClientOptions, "protocol" | "hostname" | "port" | "path"> {
  const { protocol, host, port, path } = parseBrokerUrl(url);
  const hostname = path === "" ? host : inUrl(host);
  return { protocol, hostname, ...(port === undefined ? {} : { port }), ...(path === "" ? {} : { path }) };
}

function toMessage(packet: IPublishPacket): Message {
  const { responseTopic, correlationData } = packet.properties ?? {};
  return {
    topic: packet.topic,
    payload: typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload,
    retain: packet.retain,
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
  };
}

function isNetworkError(error: Error): boolean {
  return /^(E[A-Z]+|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED)/.test(errorCode(error) ?? "");
}

/** CONNACK codes 4 and 5 of MQTT 3.1.1 (§3.2.2.3), 0x86 and 0x87 of version 5. */
function isRefusedLogin(error: Error): boolean {
  return "code" in error && [4, 5, 0x86, 0x87].includes(Number(error.code));
}

function explain(cause: Error | undefined): string {
  if (!cause) return "connection closed";
  if (isRefusedLogin(cause)) return "user name or password refused";
  return cause.message || (errorCode(cause) ?? cause.name);
}
