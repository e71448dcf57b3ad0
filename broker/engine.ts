import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Aedes, type AedesOptions, type AuthenticateError, type PublishPacket } from "aedes";
import type { Clock } from "#shared/clock";
import { sortableId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Admission } from "./admission.ts";
import type { Emitter } from "./emitter.ts";
import type { Gate } from "./gate.ts";
import type { Guests } from "./guests.ts";
import type { Limits } from "./limits.ts";
import type { Memory } from "./memory.ts";

export interface EngineOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly guests: Guests;
  readonly gate: Gate;
  readonly admission: Admission;
  readonly memory: Memory;
  readonly emitter: Emitter;
  /** Called with each message at QoS 1 before it is acknowledged, which `done` lets go on. */
  readonly beforeAck: (message: { topic: string; payload: Buffer; from?: string }, done: () => void) => void;
}

/** Aedes with our hooks in: it speaks the protocol and asks the guards about everything else. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #aedes: Aedes;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#aedes = new Aedes({
      // A fixed id would let messages of an earlier boot pass for this one's.
      id: sortableId(options.clock.now()),
      mq: options.emitter,
      persistence: options.memory,
      connectTimeout: options.limits.connectTimeout,
      maxClientsIdLength: 128,
      ...this.#entrance(),
      ...this.#rules(),
    });
    this.#watch();
  }

  async start(): Promise<void> {
    await this.#aedes.listen();
  }

  /** Closes every connection that Aedes knows; their wills go out first. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
  }

  take(stream: Duplex, address: string, request?: IncomingMessage): void {
    this.#options.guests.welcome(this.#aedes.handle(stream, request), address);
  }

  publish(packet: PublishPacket, done: (error?: Error) => void): void {
    this.#aedes.publish(packet, done);
  }

  #entrance() {
    const { guests, admission } = this.#options;
    return {
      preConnect: (client, packet, done) => {
        admission.note(guests.of(client), packet);
        done(null, true);
      },
      authenticate: (client, name, secret, answer) => {
        admission.admit(guests.of(client), client, name, secret).then(
          () => answer(null, true),
          (error: AuthenticateError) => answer(error, false),
        );
      },
    } satisfies Pick<AedesOptions, "preConnect" | "authenticate">;
  }

  #rules() {
    const { guests, gate, beforeAck } = this.#options;
    return {
      // Without a client it would be the will of a client of another broker in a cluster: there is none.
      authorizePublish: (client, packet, done) => {
        if (!client) return done(null);
        const guest = guests.of(client);
        gate.offer(guest, packet);
        const { topic, payload, qos } = packet;
        // At QoS 2 Aedes itself delivers first, and knows what came twice.
        if (qos !== 1 || !Buffer.isBuffer(payload)) return done(null);
        beforeAck({ topic, payload, ...(guest.principal ? { from: guest.principal.name } : {}) }, () => done(null));
      },
      authorizeSubscribe: (client, subscription, done) => {
        done(null, gate.grants(guests.of(client), subscription.topic) ? subscription : null);
      },
      authorizeForward: (client, packet) => (gate.forwards(guests.of(client), packet) ? packet : null),
    } satisfies Pick<AedesOptions, "authorizePublish" | "authorizeSubscribe" | "authorizeForward">;
  }

  #watch(): void {
    const { guests, log } = this.#options;
    this.#aedes.on("client", (client) => guests.arrived(client));
    this.#aedes.on("clientDisconnect", (client) => guests.left(client));
    this.#aedes.on("clientError", (client, error) => guests.failed(client, error));
    this.#aedes.on("connectionError", (client, error) => guests.failed(client, error));
    // Not in its types: what goes wrong inside it. Unheard it would end the process.
    (this.#aedes as EventEmitter).on("error", (error: Error) => log.error({ err: error }, "the broker's core failed"));
  }
}
