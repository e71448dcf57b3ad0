import type { Bus, ConnectionChange, Message, PublishOptions, SubscribeOptions } from "#shared/bus";
import { asError, DisconnectedError, NotTakenError } from "#shared/errors";
import { matchesFilter } from "#shared/topic-filter";
import { shortId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Emitter } from "./emitter.ts";
import type { StoredPacket } from "./packets.ts";
import type { RetainedMessages } from "./retained.ts";

/** What a local publisher is called in `from`. */
const localName = "console";

export interface LocalPublish {
  readonly cmd: "publish";
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly dup: false;
  readonly clientId: string;
}

export interface LocalBusOptions {
  readonly emitter: Emitter;
  readonly retained: RetainedMessages;
  readonly publish: (packet: LocalPublish, done: (error?: Error) => void) => void;
  readonly log: Log;
  /** See {@link Bus.behind}. */
  readonly behind?: () => number;
}

/** The bus of whoever lives in the broker's process: no socket, no codec, no copy of the payload. */
export class LocalBus implements Bus {
  readonly #options: LocalBusOptions;
  readonly #subscriptions: Subscription[] = [];
  #watchers: readonly ((change: ConnectionChange) => void)[] = [];
  /** Payloads that were offered before their acknowledgement: the emitter brings them once more. */
  readonly #offered = new WeakSet<Buffer>();
  /** The message that is being offered, and answers to it on its own topic, which wait until the broker has it. */
  #offering: Pick<StoredPacket, "topic" | "payload"> | undefined;
  readonly #answers = new WeakMap<Buffer, (() => void)[]>();
  #state: ConnectionChange = { up: false, reason: "the broker is not started" };

  constructor(options: LocalBusOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#state.up;
  }

  get behind(): number {
    return this.#options.behind?.() ?? 0;
  }

  /** Resolves once the broker has taken the message, not when all have it: a listener that publishes waits for nobody. */
  async publish(topic: string, payload: Buffer, { qos = 1, retain = false }: PublishOptions = {}): Promise<void> {
    if (topic === this.#offering?.topic) await this.#kept(this.#offering.payload);
    if (!this.#state.up) throw new DisconnectedError(`no broker for ${topic}: ${this.#state.reason}`);
    let refused: Error | undefined;
    const packet = { cmd: "publish", topic, payload, qos, retain, dup: false, clientId: localName } as const;
    this.#options.publish(packet, (error) => (refused = error));
    if (refused) throw new DisconnectedError(`the broker did not take ${topic}`, { cause: refused });
  }

  subscribe(filters: readonly string[], listener: Listener, options: SubscribeOptions = {}): () => Promise<void> {
    const subscription: Subscription = { filters, listener, ...options };
    this.#subscriptions.push(subscription);
    if (this.#state.up) this.#attach(subscription);
    return async () => {
      this.#subscriptions.splice(this.#subscriptions.indexOf(subscription), 1);
      const { take } = subscription;
      if (take) for (const filter of filters) this.#options.emitter.removeListener(filter, take);
    };
  }

  onConnection(listener: (change: ConnectionChange) => void): () => void {
    // One that throws at once does not stay.
    listener(this.#state);
    this.#watchers = [...this.#watchers, listener];
    return () => (this.#watchers = this.#watchers.filter((one) => one !== listener));
  }

  /** Called by the broker when it is up. */
  up(): void {
    for (const subscription of this.#subscriptions) this.#attach(subscription);
    this.#change({ up: true, session: shortId() });
  }

  /** Called by the broker before it stops. */
  down(): void {
    this.#change({ up: false, reason: "the broker is stopped" });
  }

  /**
   * Hands a message over before its sender is told that it was taken: Aedes acknowledges at QoS 1 first and delivers then,
   * and a kill between the two would lose what the sender believes to be kept.
   * @param done called when every listener is through with it; with the reason where one has not taken it
   */
  offer(message: Handed, done: (notTaken?: NotTakenError) => void): void {
    const takers = this.#subscriptions.filter(({ filters }) =>
      filters.some((filter) => matchesFilter(filter, message.topic)),
    );
    if (takers.length === 0) return done();
    this.#offered.add(message.payload);
    let open = takers.length;
    let notTaken: NotTakenError | undefined;
    const release: Release = (error) => {
      notTaken ??= error;
      if (--open === 0) done(notTaken);
    };
    this.#offering = message;
    for (const { listener, retainAsPublished } of takers)
      this.#hand(listener, message, retainAsPublished === true && message.retain, release);
    this.#offering = undefined;
  }

  #change(state: ConnectionChange): void {
    this.#state = state;
    for (const watcher of this.#watchers) {
      try {
        watcher(state);
      } catch (thrown) {
        this.#options.log.error({ err: asError(thrown) }, "a listener to the connection failed");
      }
    }
  }

  #attach(subscription: Subscription): void {
    const { filters, listener, retainAsPublished = false } = subscription;
    let last: StoredPacket | undefined;
    const take = (packet: StoredPacket, done: () => void): void => {
      // Two of its filters match: the emitter comes twice in a row with the same packet.
      if (packet === last) return done();
      last = packet;
      if (this.#offered.has(packet.payload)) return this.#came(packet.payload, done);
      this.#hand(listener, packet, retainAsPublished && packet.retain, () => done());
    };
    subscription.take = take;
    for (const filter of filters) this.#options.emitter.onPatiently(filter, take);
    // Looked up as late as they are handed over, so that no retained message comes after a newer live one.
    queueMicrotask(() => this.#handRetained(filters, listener));
  }

  /**
   * Resolves when the broker has kept the message that is being offered. An answer on the same topic, such as one that clears it, would
   * else come before it, and the message would stay. For ever waits what answers a message that the broker never takes.
   */
  #kept(payload: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#answers.get(payload);
      if (waiting) waiting.push(resolve);
      else this.#answers.set(payload, [resolve]);
    });
  }

  /** A message that was offered has come through the broker. */
  #came(payload: Buffer, done: () => void): void {
    for (const resolve of this.#answers.get(payload) ?? []) resolve();
    this.#answers.delete(payload);
    done();
  }

  #handRetained(filters: readonly string[], listener: Listener): void {
    const found = new Set(filters.flatMap((filter) => this.#options.retained.match(filter)));
    for (const packet of found) this.#hand(listener, packet, true, () => {});
  }

  #hand(listener: Listener, packet: Handed, retain: boolean, release: Release): void {
    const { topic, payload, from } = packet;
    try {
      const wait = listener({ topic, payload, retain, ...(from === undefined ? {} : { from }) });
      if (wait)
        wait.then(
          () => release(),
          (error: unknown) => this.#failed(topic, error, release),
        );
      else release();
    } catch (error) {
      this.#failed(topic, error, release);
    }
  }

  #failed(topic: string, error: unknown, release: Release): void {
    if (error instanceof NotTakenError) return release(error);
    this.#options.log.error({ topic, err: asError(error) }, "a message's listener failed");
    release();
  }
}

type Listener = (message: Message) => void | Promise<void>;
type Release = (notTaken?: NotTakenError) => void;
type Handed = Pick<StoredPacket, "topic" | "payload" | "from" | "retain">;

interface Subscription extends SubscribeOptions {
  readonly filters: readonly string[];
  readonly listener: Listener;
  /** What the emitter has been given for it. */
  take?: (packet: StoredPacket, done: () => void) => void;
}
