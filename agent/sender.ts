import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import type { Ack } from "#shared/messages/metrics";
import type { Entry, Outbox } from "./outbox.ts";

export interface SenderOptions {
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly topic: string;
  readonly clock: Clock;
  /** Batches sent and not yet acknowledged, at most. */
  readonly window?: number;
  /** Milliseconds after which an unacknowledged batch is sent again. */
  readonly ackTimeout?: number;
}

/**
 * Moves batches from the outbox to the broker: never more than a window of them unacknowledged, oldest first, and all of
 * them again after a reconnect or when the ack does not come. QoS 0, because only the console's ack counts.
 */
export class Sender {
  readonly #options: SenderOptions;
  /** Batch number → when it was sent, on the monotonic clock. */
  readonly #inFlight = new Map<number, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** To be called when the outbox has something new, and when the connection comes up. */
  pump(): void {
    const { outbox, bus, window = 32 } = this.#options;
    if (!bus.connected) return;
    for (const entry of outbox.entries()) {
      if (this.#inFlight.size >= window) break;
      if (!this.#inFlight.has(entry.seq)) this.#send(entry);
    }
    this.#watch();
  }

  /** The console's word: what the store has leaves the outbox and makes room in the window. */
  acked(ack: Ack): void {
    this.#options.outbox.ack(ack);
    const kept = new Set<number>();
    for (const { seq } of this.#options.outbox.entries()) {
      if (this.#inFlight.has(seq)) kept.add(seq);
      if (kept.size === this.#inFlight.size) break;
    }
    for (const seq of this.#inFlight.keys()) if (!kept.has(seq)) this.#inFlight.delete(seq);
    this.pump();
  }

  /** Nothing that was sent over the old connection is believed to have arrived. */
  reconnected(): void {
    this.#inFlight.clear();
    this.pump();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #send({ seq, payload }: Entry): void {
    const { bus, topic, clock } = this.#options;
    this.#inFlight.set(seq, clock.monotonic());
    bus.publish(topic, payload, { qos: 0 }).catch((error: unknown) => {
      // A lost connection is the ordinary case: the batch stays in the outbox and goes out again on reconnect.
      if (!(error instanceof DisconnectedError)) throw error;
    });
  }

  #watch(): void {
    const { clock, ackTimeout = 10_000 } = this.#options;
    if (this.#cancelTimer || this.#inFlight.size === 0) return;
    this.#cancelTimer = clock.after(ackTimeout, () => {
      this.#cancelTimer = undefined;
      const now = clock.monotonic();
      for (const [seq, sent] of this.#inFlight) if (now - sent >= ackTimeout) this.#inFlight.delete(seq);
      this.pump();
    });
  }
}
