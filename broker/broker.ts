import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import { Lifetime } from "#shared/lifetime";
import { guardedClock, SafetyNet } from "#shared/safety-net";
import { OwnNames } from "#shared/origins";
import { PacedClosings } from "#shared/paced-closings";
import type { GroupsOf } from "#shared/principal";
import { TrustedProxies } from "#shared/trusted-proxies";
import { Access } from "./access.ts";
import {
  Authenticator,
  type Authenticate,
  type AuthenticateCertificate,
  type AuthenticatorOptions,
} from "./authenticator.ts";
import { Digest } from "./digest.ts";
import { Emitter } from "./emitter.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { Authorizer } from "./authorizer.ts";
import { ConnectionTable } from "./connection-table.ts";
import { silenceCheck } from "./silence.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { UnreleasedMessages } from "./unreleased.ts";
import { Listener, type SecurePort } from "./listener.ts";
import { LocalBus } from "./local-bus.ts";
import { Memory } from "./memory.ts";
import { RetainedMessages } from "./retained.ts";
import { Sessions } from "./sessions.ts";
import { every, sysTopics, type Stats } from "./sys.ts";

export interface BrokerOptions {
  /** The address to listen on, for TCP and WebSocket alike. */
  readonly listen: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** A second port for TLS, with what is shown there. */
  readonly tls?: SecurePort | undefined;
  /** The first level of Muster's topics. */
  readonly root: string;
  /** Who a name with a secret is; undefined where the two do not belong together. */
  readonly authenticate: Authenticate;
  /** Who a certificate lets in, at a port that asks for one. */
  readonly authenticateCertificate?: AuthenticateCertificate;
  /** The groups that a device is in at that moment, for people who are limited to some. */
  readonly groupsOf?: GroupsOf;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: Partial<Limits>;
  /** What catches faults; one of its own by default. */
  readonly net?: SafetyNet;
  /** The names, without ports, that Muster's pages are served under besides loopback and addresses in numbers. */
  readonly names?: readonly string[];
  /** Proxies whose X-Forwarded-For is believed of a WebSocket; none by default. */
  readonly proxies?: TrustedProxies;
  /** Is told of everybody who comes in. */
  readonly letIn?: AuthenticatorOptions["letIn"];
  /** Is told of everybody who was not let in. */
  readonly turnedAway?: AuthenticatorOptions["turnedAway"];
  /** Milliseconds between two publications of `$SYS`; 10 s by default. */
  readonly sysInterval?: number;
}

/**
 * The embedded MQTT 3.1.1 broker: Aedes between guards.
 *
 *   socket ─► Listener ─► Connection (size, form) ─► Aedes ─► Authenticator (CONNECT) ─► Authorizer (rules) ─┐
 *   LocalBus ─────────────────────────────────► Aedes ◄────────────────────────────────────────────────┘
 *       Memory (retained, sessions) ◄─ Aedes ─► Emitter ─► Authorizer ─► SendBuffer ─► socket
 *                                                  └─► LocalBus
 *
 * It is started and stopped once. Its state is in memory: Muster's promises are kept end to end, and a broker is a pipe.
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #digest: Digest;
  readonly #connections: ConnectionTable;
  readonly #retained: RetainedMessages;
  readonly #sessions: Sessions;
  readonly #emitter: Emitter;
  readonly #incoming: UnreleasedMessages;
  readonly #memory: Memory;
  readonly #authorizer: Authorizer;
  readonly #authenticator: Authenticator;
  readonly #engine: Engine;
  readonly #listener: Listener;
  readonly #local: LocalBus;
  readonly #lifetime = new Lifetime();
  #started = 0;
  #state: "new" | "open" | "stopped" = "new";

  constructor(options: BrokerOptions) {
    const { listen, port, root, log, authenticate } = options;
    const net = options.net ?? new SafetyNet(log, options.clock);
    const clock = guardedClock(options.clock, net);
    const limits = { ...defaultLimits, ...options.limits };
    const access = new Access(root, options.groupsOf);
    this.#options = { ...options, clock };
    const digest = (this.#digest = new Digest(log, clock));
    const retained = (this.#retained = new RetainedMessages(limits.retained, {
      one: limits.retainedBytes,
      all: limits.retainedTotal,
    }));
    const sessions = (this.#sessions = new Sessions(limits, clock));
    const closings = new PacedClosings();
    const connections = (this.#connections = new ConnectionTable({
      limits,
      clock,
      log,
      digest,
      net,
      sessions,
      closings,
    }));
    const emitter = (this.#emitter = new Emitter((id) => connections.live(id)?.principal?.name));
    const incoming = (this.#incoming = new UnreleasedMessages(limits));
    const memory = (this.#memory = new Memory({
      retained,
      sessions,
      incoming,
      access,
      principalOf: (client) => connections.of(client).principal,
    }));
    const publish = (topic: string, payload: Buffer): void => this.#publish(topic, payload, false);
    const authorizer = (this.#authorizer = new Authorizer({ access, clock, digest, limits, publish }));
    const authenticator = (this.#authenticator = new Authenticator({
      access,
      log,
      sessions,
      authenticate,
      authenticateCertificate: options.authenticateCertificate,
      limits,
      connections,
      letIn: options.letIn,
      turnedAway: options.turnedAway,
    }));
    const beforeAck: EngineOptions["beforeAck"] = (message, done) => this.#local.offer(message, done);
    const engine = (this.#engine = new Engine({
      net,
      clock,
      log,
      limits,
      connections,
      authorizer,
      authenticator,
      memory,
      emitter,
      beforeAck,
    }));
    this.#local = new LocalBus({
      emitter,
      retained,
      log,
      publish: (packet, done) => engine.publish(packet, done),
      behind: () => connections.turns.behind,
    });
    this.#listener = new Listener({
      listen,
      port,
      tls: options.tls,
      limits,
      clock,
      net,
      names: new OwnNames(options.names),
      proxies: options.proxies ?? new TrustedProxies(),
      closings,
      onConnection: (...connection) => engine.attach(...connection),
      onRefused: (why, address) => digest.tell("info", address, {}, why),
    });
  }

  /** Begins to serve whoever lives in this process, who can be there before anybody else is heard. */
  async open(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "open";
    await this.#start(async () => {
      const { clock, sysInterval = 10_000 } = this.#options;
      this.#lifetime.add(() => this.#digest.stop());
      // Who lives here hears of the end once nothing is taken any more, so it stands below the engine.
      this.#lifetime.add(() => this.#local.down());
      await this.#lifetime.begin(this.#engine);
      this.#started = clock.monotonic();
      this.#local.up();
      this.#lifetime.add(every(clock, sysInterval, () => this.#tick()));
      this.#lifetime.add(every(clock, silenceCheck, () => this.#connections.closeSilent()));
    });
  }

  /**
   * Takes the ports and begins to serve everybody.
   * @returns the ports
   * @throws EnvironmentError where one cannot be had
   */
  async start(): Promise<{ port: number; tlsPort: number | undefined }> {
    await this.open();
    return this.#start(async () => {
      const ports = await this.#lifetime.begin(this.#listener);
      // Before a socket closes.
      this.#lifetime.add(() => this.#engine.hush());
      return ports;
    });
  }

  #start<T>(begin: () => Promise<T>): Promise<T> {
    return this.#lifetime.start(begin).catch((error: unknown) => {
      this.#state = "stopped";
      throw error;
    });
  }

  /** Takes and acknowledges nothing more, closes every connection and the port. Who lives in this process must stop after it. */
  async stop(): Promise<void> {
    if (this.#state === "open") this.#state = "stopped";
    await this.#lifetime.stop();
  }

  /** The bus for whoever lives in this process. */
  local(): Bus {
    return this.#local;
  }

  /**
   * Closes every connection of `name`, because its account is gone or its secret has changed.
   * @param forget whether it is gone: who gets the name later does not come into its sessions, nor to what waits in them
   */
  disconnect(name: string, forget = false): void {
    this.#connections.disconnect(name);
    if (forget) this.#sessions.endAll(name);
  }

  stats(): Stats {
    const { packetsIn, publishedIn, errors } = this.#connections.counts;
    const { forwarded, refused, dropped, denied } = this.#authorizer.counts;
    return {
      version: "muster (aedes 1.2.0)",
      uptime: this.#options.clock.monotonic() - this.#started,
      clients: {
        connected: this.#connections.count,
        maximum: this.#connections.counts.maximum,
        disconnected: this.#sessions.away,
        expired: this.#sessions.expired,
      },
      messages: { received: packetsIn, sent: forwarded },
      publish: {
        received: publishedIn,
        sent: forwarded,
        dropped: dropped + this.#sessions.dropped + this.#memory.refusedRetained,
        refused,
      },
      retained: this.#retained.count,
      subscriptions: this.#emitter.size,
      stored: this.#sessions.queued,
      refused: {
        logins: this.#authenticator.failed,
        subscriptions: denied,
        connections: this.#listener.turnedAway,
        clients: errors,
      },
    };
  }

  #tick(): void {
    this.#sessions.expire();
    this.#incoming.expire(this.#options.clock.monotonic(), (id) => this.#connections.live(id) !== undefined);
    this.#connections.sweep();
    this.#digest.flush();
    for (const [topic, value] of sysTopics(this.stats())) this.#publish(topic, Buffer.from(value), true);
  }

  #publish(topic: string, payload: Buffer, retain: boolean): void {
    this.#engine.publish({ cmd: "publish", topic, payload, qos: 0, retain, dup: false }, () => {});
  }
}
