import mqtt, { type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";
import type { Message } from "#shared/bus";
import { asError } from "#shared/errors";
import { cutOff } from "#shared/connection-failures";
import { whereTo, type Will } from "#shared/link";
import { codesOf } from "#shared/link-subscriptions";

export interface ProbeOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly version: 4 | 5;
  /** The authorities that are trusted, as PEM; those of the system without it. */
  readonly ca?: string | undefined;
  readonly will?: Will;
}

/** Milliseconds that a broker has for the answer to one packet. */
export const probePatience = 2_500;

/**
 * One connection to a broker, to see what that makes of it: it comes up once or not at all, and nothing is tried again. What works with a
 * broker is `link.ts`.
 */
export class Probe {
  /** All that has come, in order. */
  readonly received: Message[] = [];
  readonly #client: MqttClient;
  readonly #granted: IConnackPacket;
  #ended: string | undefined;
  /** Whether the connection is over because we have ended it. */
  #left = false;
  #wake: (() => void) | undefined;
  /** Who waits for an answer that no longer comes once the connection is over. */
  readonly #waiting = new Set<(why: Error) => void>();

  private constructor(client: MqttClient, granted: IConnackPacket) {
    this.#client = client;
    this.#granted = granted;
    client.on("message", (topic: string, payload: Buffer, { retain }: IPublishPacket) => {
      this.received.push({ topic, payload, retain });
      this.#wake?.();
    });
    client.on("disconnect", ({ reasonCode = 0, properties }) => {
      this.#ended ??= cutOff(reasonCode, properties?.reasonString).message;
    });
    client.on("close", () => {
      const why = (this.#ended ??= "the broker has closed the connection");
      this.#wake?.();
      for (const reject of this.#waiting) reject(new Error(why));
    });
  }

  /** @throws Error with the broker's reason, or why it was not reached */
  static open({ url, version, ca, ...options }: ProbeOptions): Promise<Probe> {
    const { will, username, password, clientId } = options;
    const client = mqtt.connect({
      ...whereTo(url),
      ...(ca === undefined ? {} : { ca }),
      clientId,
      ...(username === "" ? {} : { username, password }),
      protocolVersion: version,
      clean: true,
      keepalive: 30,
      reconnectPeriod: 0,
      connectTimeout: probePatience,
      writeCache: false,
      ...(will ? { will: { ...will, qos: 1 as const } } : {}),
    });
    if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") client.stream.setNoDelay(true);
    return new Promise((resolve, reject) => {
      let cause: Error | undefined;
      client.on("error", (error) => (cause ??= error));
      client.stream.on("error", (error) => (cause ??= error));
      client.once("connect", (granted) => resolve(new Probe(client, granted)));
      client.once("close", () => {
        client.end(true);
        reject(cause ?? new Error("the broker has closed the connection without an answer"));
      });
    });
  }

  /** Why the connection is over, where it is. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Whether the broker has ended the connection, and not we. */
  get thrownOut(): boolean {
    return this.#ended !== undefined && !this.#left;
  }

  /** What the broker has said of itself in CONNACK; by MQTT 3.1.1 nothing. */
  get properties(): NonNullable<IConnackPacket["properties"]> {
    return this.#granted.properties ?? {};
  }

  /** @returns whether the broker has granted it. @throws Error where no answer came */
  async subscribe(filter: string): Promise<boolean> {
    const codes = await this.#within(codesOf(this.#client.subscribeAsync(filter, { qos: 1 })), `SUBSCRIBE ${filter}`);
    return codes.every((code) => code <= 2);
  }

  /** Resolves with the PUBACK, or at QoS 0 once it is written. @throws Error where none came */
  async publish(topic: string, payload: string | Buffer, { qos = 1, retain = false }: Sent = {}): Promise<void> {
    await this.#within(this.#client.publishAsync(topic, payload, { qos, retain }), `PUBLISH to ${topic}`);
  }

  /** Waits until what has come is enough, for at most `ms`. @returns whether it was */
  async until(enough: (received: readonly Message[]) => boolean, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!enough(this.received) && this.#ended === undefined && performance.now() < end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    return enough(this.received);
  }

  /** Breaks the connection, as a power cut does: the broker has to find out. */
  drop(): void {
    this.#left ||= this.#ended === undefined;
    this.#client.end(true);
    this.#client.stream.destroy();
  }

  /** Says DISCONNECT. */
  async end(): Promise<void> {
    this.#left ||= this.#ended === undefined;
    if (this.#ended === undefined) await this.#within(this.#client.endAsync(), "DISCONNECT").catch(() => {});
    this.#client.end(true);
  }

  async #within<T>(work: Promise<T>, what: string): Promise<T> {
    let settle = (): void => {};
    const over = new Promise<never>((_, reject) => {
      const late = new Error(`no answer to ${what} within ${probePatience} ms`);
      const timer = setTimeout(() => reject(late), probePatience);
      this.#waiting.add(reject);
      settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(reject);
      };
    });
    try {
      return await Promise.race([work, over]);
    } catch (thrown) {
      throw this.#ended === undefined ? asError(thrown) : new Error(this.#ended);
    } finally {
      settle();
    }
  }
}

interface Sent {
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
}
