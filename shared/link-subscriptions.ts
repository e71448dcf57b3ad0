import type { IPublishPacket, MqttClient } from "mqtt";
import type { Message, SubscribeOptions } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError, NotTakenError } from "#shared/errors";
import type { Log } from "#shared/log";
import { quoted } from "#shared/printable";
import { matchesFilter } from "#shared/topic-filter";

export interface LinkSubscription extends SubscribeOptions {
  readonly filters: readonly string[];
  readonly listener: (message: Message) => void | Promise<void>;
}

/**
 * Milliseconds for which the messages of one read may hold the event loop: a device's smallest ones stand in it by the hundred. The
 * embedded broker reads in slices instead.
 */
export const maxReadTurn = 4;
/** Milliseconds to wait for a broker's answer to UNSUBSCRIBE: one that has none must not keep anybody from stopping. */
const patience = 1_000;

export interface LinkSubscriptionsOptions {
  readonly username: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who wants to hear what, on whatever connection there is; and each message that comes, handed to them. */
export class LinkSubscriptions {
  readonly #options: LinkSubscriptionsOptions;
  readonly #all: LinkSubscription[] = [];
  /** When the first message of this turn of the event loop came. */
  #turnBegan: number | undefined;

  constructor(options: LinkSubscriptionsOptions) {
    this.#options = options;
  }

  add(subscription: LinkSubscription): void {
    this.#all.push(subscription);
  }

  /**
   * The listener goes last: what the broker has sent before its answer is handed over, and only then acknowledged.
   * @param client the connection, where there is one
   */
  async remove(subscription: LinkSubscription, client: MqttClient | undefined): Promise<void> {
    if (client) {
      await new Promise<void>((resolve) => {
        const giveUp = this.#options.clock.after(patience, resolve);
        client.unsubscribe([...subscription.filters], () => {
          giveUp();
          resolve();
        });
      });
    }
    const at = this.#all.indexOf(subscription);
    if (at >= 0) this.#all.splice(at, 1);
  }

  /** Asks the broker for all, or for some. @throws Error where it lets us have none of them */
  async send(client: MqttClient, subscriptions: readonly LinkSubscription[] = this.#all): Promise<void> {
    const asked = subscriptions.flatMap(({ filters, retainAsPublished = false }) =>
      filters.map((filter) => [filter, { qos: 1 as const, rap: retainAsPublished }] as const),
    );
    if (asked.length === 0) return;
    const codes = await codesOf(client.subscribeAsync(Object.fromEntries(asked)));
    const denied = asked.filter((_, at) => (codes[at] ?? 0) > 2).map(([filter]) => filter);
    if (denied.length === 0) return;
    const { username } = this.#options;
    const why = `the broker does not let ${quoted(username)} subscribe to ${denied.join(", ")}: check its access rules`;
    if (denied.length === asked.length) throw new Error(why);
    this.#options.log.warn({ denied }, why);
  }

  /** Hands a message over; `done` is its acknowledgement, once all that take it have. */
  receive(packet: IPublishPacket, done: (error?: Error) => void): void {
    const turnBegan = this.#turnBegan ?? this.#beginTurn();
    const message = toMessage(packet);
    const waits: Promise<void>[] = [];
    for (const { filters, listener } of this.#all) {
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

  /** Goes on with the next message at once, or after the rest of the loop has had its turn where this one has lasted. */
  #next(done: (error?: Error) => void, turnBegan: number): void {
    if (this.#options.clock.monotonic() - turnBegan < maxReadTurn) done();
    else setImmediate(done);
  }

  #beginTurn(): number {
    setImmediate(() => (this.#turnBegan = undefined));
    return (this.#turnBegan = this.#options.clock.monotonic());
  }

  #failed(topic: string, error: unknown): void {
    // The broker has acknowledged it already; who could not take it has said so.
    if (error instanceof NotTakenError) return;
    this.#options.log.error({ topic, err: asError(error) }, "a message's listener failed");
  }
}

/** The return code of each filter of a SUBSCRIBE, in order. mqtt.js throws where one was refused. */
export async function codesOf(granted: Promise<readonly { readonly qos: number }[]>): Promise<readonly number[]> {
  try {
    return (await granted).map(({ qos }) => qos);
  } catch (thrown) {
    const { packet } = thrown as { packet?: { granted?: readonly number[] } };
    if (!packet?.granted) throw thrown;
    return packet.granted;
  }
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
