import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Aedes, type AedesOptions, type AuthenticateError, type Client, type PublishPacket } from "aedes";
import type { Clock } from "#shared/clock";
import { sortableId } from "#shared/ids";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { Authenticator } from "./authenticator.ts";
import type { Emitter } from "./emitter.ts";
import type { Authorizer } from "./authorizer.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Limits } from "./limits.ts";
import type { ConnectingPeer } from "./listener.ts";
import type { Memory } from "./memory.ts";

export interface EngineOptions {
  readonly net: SafetyNet;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly connections: ConnectionTable;
  readonly authorizer: Authorizer;
  readonly authenticator: Authenticator;
  readonly memory: Memory;
  readonly emitter: Emitter;
  /** Called with each message at QoS 1 before it is acknowledged, which `done` lets go on. */
  readonly beforeAck: (
    message: { topic: string; payload: Buffer; retain: boolean; from?: string },
    done: (notTaken?: Error) => void,
  ) => void;
}

/** Aedes with our hooks in: it speaks the protocol and asks the guards about everything else. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #aedes: Aedes;
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#aedes = new Aedes({
      // A fixed id would let messages of an earlier boot pass for this one's.
      id: sortableId(options.clock.now()),
      mq: options.emitter,
      persistence: options.memory,
      connectTimeout: options.limits.connectTimeout,
      maxClientsIdLength: 128,
      maxInflightInbound: options.limits.unreleased,
      ...this.#entrance(),
      ...this.#rules(),
    });
    this.#watch();
  }

  async start(): Promise<void> {
    await this.#aedes.listen();
  }

  /** From now on nothing is taken or acknowledged, wills neither: that the broker stops is no word about a device. */
  hush(): void {
    this.#stopping = true;
  }

  /** Closes every connection that Aedes knows. */
  async stop(): Promise<void> {
    this.hush();
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
  }

  attach(stream: Duplex, caller: ConnectingPeer, request?: IncomingMessage): void {
    this.#options.connections.welcome(this.#aedes.handle(stream, request), caller);
  }

  publish(packet: PublishPacket, done: (error?: Error) => void): void {
    this.#aedes.publish(packet, done);
  }

  #entrance() {
    const { connections, authenticator, net } = this.#options;
    return {
      preConnect: (client, packet, done) => {
        const fault = this.#fault("CONNECT", () => authenticator.note(connections.of(client), packet));
        done(fault ?? null, !fault);
      },
      authenticate: (client, name, secret, answer) => {
        const admit = async (): Promise<void> => authenticator.admit(connections.of(client), client, name, secret);
        admit().then(
          net.guard("broker: a login", () => answer(null, true)),
          net.guard("broker: a login", (error: AuthenticateError) => {
            if (error.returnCode === undefined) net.caught("broker: a login", error);
            answer(error, false);
          }),
        );
      },
    } satisfies Pick<AedesOptions, "preConnect" | "authenticate">;
  }

  #rules() {
    const { connections, authorizer, beforeAck } = this.#options;
    return {
      // Without a client it would be the will of a client of another broker in a cluster: there is none.
      authorizePublish: (client, packet, done) => {
        if (!client) return done(null);
        if (this.#stopping) return done(new Error("the broker is stopping"));
        let connection: Connection | undefined;
        const fault = this.#fault("a message", () => authorizer.offer((connection = connections.of(client)), packet));
        if (fault) return done(fault);
        const { topic, payload, qos, retain } = packet;
        // At QoS 2 Aedes itself delivers first, and knows what came twice.
        if (qos !== 1 || !Buffer.isBuffer(payload)) return done(null);
        beforeAck(
          { topic, payload, retain, ...(connection?.principal ? { from: connection.principal.name } : {}) },
          (notTaken) =>
            // MQTT 3.1.1 knows no other way to say so than to end the connection (§4.8).
            done(notTaken ?? null),
        );
      },
      authorizeSubscribe: (client, subscription, done) => {
        let granted = false;
        this.#fault("a subscription", () => (granted = authorizer.grants(connections.of(client), subscription.topic)));
        done(null, granted ? subscription : null);
      },
      authorizeForward: (client, packet) => {
        try {
          const connection = connections.of(client);
          return authorizer.forwards(connection, packet) ? connection.addressed(packet) : null;
        } catch (thrown) {
          this.#options.net.caught("broker: a message on its way out", thrown);
          return null;
        }
      },
    } satisfies Pick<AedesOptions, "authorizePublish" | "authorizeSubscribe" | "authorizeForward">;
  }

  /** What the act throws: a fault of ours, which costs the connection rather than the process. */
  #fault(where: string, act: () => unknown): Error | undefined {
    try {
      act();
      return undefined;
    } catch (thrown) {
      this.#options.net.caught(`broker: ${where}`, thrown);
      return asError(thrown);
    }
  }

  #watch(): void {
    const { connections, net } = this.#options;
    const failed = net.guard("broker: an end", (client: Client, error: Error) => connections.failed(client, error));
    this.#aedes.on(
      "client",
      net.guard("broker: an arrival", (client: Client) => connections.arrived(client)),
    );
    this.#aedes.on(
      "clientDisconnect",
      net.guard("broker: a leaving", (client: Client) => connections.left(client)),
    );
    this.#aedes.on("clientError", failed);
    this.#aedes.on("connectionError", failed);
    // Not in its types: what goes wrong inside it. Unheard it would end the process.
    (this.#aedes as EventEmitter).on("error", (error: Error) => net.caught("broker: its core", error));
  }
}
