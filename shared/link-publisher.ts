import type { MqttClient } from "mqtt";
import type { PublishOptions } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import { SendWindow } from "#shared/send-window";

export interface LinkPublisherOptions {
  readonly clock: Clock;
  /** Milliseconds to wait for a PUBACK. */
  readonly publishDeadline?: number;
}

/** What waits for the broker to take it. */
interface Outgoing {
  readonly topic: string;
  readonly payload: Buffer;
  readonly options: PublishOptions;
  readonly settle: (error?: Error) => void;
  /** Its deadline is off: nothing of a message that was given up keeps the process from ending. */
  cancel?: () => void;
}

/** Packet ids that there are: what a broker that says nothing allows (§3.2.2.3.3). */
const maxReceiveMaximum = 65_535;

/** Messages on their way to the broker: in its window, each with a deadline, and given up with their connection. */
export class LinkPublisher {
  readonly #options: LinkPublisherOptions;
  readonly #pending = new Set<(error: DisconnectedError) => void>();
  #client: MqttClient | undefined;
  #version: 4 | 5 = 4;
  /** Of the present connection: its broker says how much it takes. */
  #window = new SendWindow(maxReceiveMaximum);

  constructor(options: LinkPublisherOptions) {
    this.#options = options;
  }

  /** From now on by this connection. */
  begin(client: MqttClient, version: 4 | 5): void {
    this.#client = client;
    this.#version = version;
    this.#window = new SendWindow(maxReceiveMaximum);
  }

  /** The broker has said how much it takes, on the present connection. */
  allow(client: MqttClient, receiveMaximum = maxReceiveMaximum): void {
    if (client === this.#client) this.#window.allow(receiveMaximum);
  }

  /** The connection is gone, and with it what was on its way. */
  lost(error: DisconnectedError): void {
    for (const settle of this.#pending) settle(error);
  }

  /** @param client the present connection, with its CONNACK */
  publish(client: MqttClient, topic: string, payload: Buffer, options: PublishOptions): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#pending.delete(settle);
        outgoing.cancel?.();
        if (error) reject(error);
        else resolve();
      };
      const outgoing: Outgoing = { topic, payload, options, settle };
      this.#pending.add(settle);
      if (options.qos === 0) return this.#send(client, outgoing);
      const window = this.#window;
      window.acquire(() => {
        // It is given up with its connection, as all that wait.
        if (this.#client !== client || client.disconnecting) return;
        this.#sendConfirmed(client, window, outgoing);
      });
    });
  }

  /** Its place in the window is free when it is acknowledged, however late: the broker counts as well. */
  #sendConfirmed(client: MqttClient, window: SendWindow, outgoing: Outgoing): void {
    outgoing.cancel = this.#options.clock.after(this.#deadline, () => {
      const why = `no PUBACK for ${outgoing.topic} within ${this.#deadline} ms`;
      outgoing.settle(new DisconnectedError(why));
      // Nothing would ever go out again.
      if (window.isFull) client.emit("error", new Error(why));
      if (window.isFull) client.end(true);
    });
    const settle: Outgoing["settle"] = (error) => {
      outgoing.settle(error);
      window.release();
    };
    this.#send(client, { ...outgoing, settle });
  }

  #send(client: MqttClient, { topic, payload, options, settle }: Outgoing): void {
    const { qos = 1, retain = false, correlationData } = options;
    const properties = this.#version === 5 && correlationData ? { properties: { correlationData } } : {};
    client.publish(topic, payload, { qos, retain, ...properties }, (error) => {
      settle(error ? new DisconnectedError(`the broker did not take ${topic}`, { cause: error }) : undefined);
    });
  }

  get #deadline(): number {
    return this.#options.publishDeadline ?? 10_000;
  }
}
