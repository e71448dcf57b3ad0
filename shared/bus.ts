/**
 * How a part meets the broker: the pipe's small contract. Two implementations, in-process (the embedded broker's)
 * and over a socket (`link.ts`), under one test suite.
 */
export interface Bus {
  /** Whether messages can pass right now. */
  readonly connected: boolean;
  /** Milliseconds for which messages that have come wait to be read: the embedded broker's alone, which shares the process. */
  readonly behind?: number;
  /**
   * Hands one message to the broker. At QoS 1 resolves with its acknowledgement, which promises nothing about
   * the receiver; at QoS 0 once it is written.
   * @throws DisconnectedError when there is no connection, or it went before the acknowledgement
   */
  publish(topic: string, payload: Buffer, options?: PublishOptions): Promise<void>;
  /**
   * Takes every message that matches one of `filters`, retained ones first, now and after each reconnect.
   * May be called before the bus is up. The listener's promise, where it returns one, holds back the
   * acknowledgement of that message and thereby the flow. Where it rejects with a NotTakenError, a broker that asks before it
   * acknowledges (the embedded one) does not, and ends the sender's connection; others have acknowledged by then.
   * @returns what ends it: it resolves when no more comes, and all that has come was handed over
   */
  subscribe(
    filters: readonly string[],
    listener: (message: Message) => void | Promise<void>,
    options?: SubscribeOptions,
  ): () => Promise<void>;
  /** Calls `listener` with every change of {@link connected}, and with the present state at once. @returns what ends it */
  onConnection(listener: (change: ConnectionChange) => void): () => void;
}

export interface PublishOptions {
  /** 0 or 1; 1 by default. */
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  /** MQTT 5 only: sent along where the connection speaks it. */
  readonly correlationData?: Buffer;
}

export interface SubscribeOptions {
  /**
   * Whether {@link Message.retain} tells of a live message, too, that it was published to be kept. Over a socket only MQTT 5 knows:
   * by 3.1.1 that comes out with the next connection.
   */
  readonly retainAsPublished?: boolean;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  /** True for a copy that the broker kept; see {@link SubscribeOptions.retainAsPublished}. Never used to tell a duplicate: brokers differ in it. */
  readonly retain: boolean;
  /** The publisher's user name, where the broker tells it: only the embedded one does. */
  readonly from?: string;
  /** MQTT 5 request: where the answer shall go as well. */
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

export type ConnectionChange =
  | { readonly up: true; readonly session: string }
  | { readonly up: false; readonly reason: string };
