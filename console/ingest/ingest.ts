import type { Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { readBatch, readSimple } from "#shared/messages/metrics";
import type { Sample } from "../device.ts";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns } from "../store/store.ts";
import { Acks } from "./acks.ts";
import { newestSamples, seriesOfBatch, seriesOfSimple } from "./series.ts";

export interface IngestOptions {
  readonly store: MetricsStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly isKnown: (device: DeviceId) => boolean;
  /** Newest values, for the registry and those who watch. */
  readonly observe: (device: DeviceId, samples: readonly Sample[]) => void;
  readonly publishAck: (device: DeviceId, payload: Buffer) => void;
  /** Tells a sender why its message was not taken. */
  readonly refuse: (device: DeviceId, topic: string, why: string) => void;
}

/** What has passed through, since the console started. */
export interface IngestStats {
  messages: number;
  /** Messages that were not taken. */
  refused: number;
  /** Rows that the store will never take. */
  rejected: number;
  /** Rows that the store has. */
  stored: number;
  /** Messages left to their sender to repeat, because the store was away. */
  deferred: number;
}

/**
 * Metrics from message to store: cap, codec, schema; then rows; then the write; then the ack.
 * A write ends in accept (acknowledged), reject (acknowledged too, and counted: to send it again would change nothing)
 * or keep: no ack, so that the agent sends it again.
 */
export class Ingest {
  readonly stats: IngestStats = { messages: 0, refused: 0, rejected: 0, stored: 0, deferred: 0 };
  readonly #options: IngestOptions;
  readonly #acks: Acks;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#acks = new Acks(options.publishAck, options.clock);
  }

  /** Tells what has been stored and not yet acknowledged. */
  stop(): void {
    this.#acks.flush();
  }

  /** A numbered batch from an agent. */
  batch(device: DeviceId, message: Message): void {
    this.#guarded(device, message, () => {
      const batch = readBatch(message.payload);
      if (batch.dropped) this.#options.log.warn({ device, ...batch.dropped }, "the agent had to drop batches");
      this.#write(device, seriesOfBatch(device, batch), () => this.#acks.stored(device, batch.outbox, batch.seq));
    });
  }

  /** Samples in the simple form, from any client. */
  simple(device: DeviceId, measurement: string, message: Message): void {
    this.#guarded(device, message, () => {
      const samples = readSimple(message.payload);
      this.#write(device, seriesOfSimple(device, measurement, samples, this.#options.clock.now()), () => {});
    });
  }

  #guarded(device: DeviceId, message: Message, take: () => void): void {
    this.stats.messages += 1;
    try {
      if (!this.#options.isKnown(device))
        throw new BadInputError(`unknown device "${device}": enroll it first, with: npx muster enroll ${device}`);
      take();
    } catch (thrown) {
      const error = asError(thrown);
      if (!(error instanceof BadInputError)) throw thrown;
      this.stats.refused += 1;
      this.#options.refuse(device, message.topic, error.message);
    }
  }

  #write(device: DeviceId, series: readonly SeriesColumns[], stored: () => void): void {
    this.#options.observe(device, newestSamples(series));
    this.#options.store.write(series).then(
      ({ rejected }) => {
        const lost = rejected.reduce((sum, { count }) => sum + count, 0);
        this.stats.rejected += lost;
        this.stats.stored += series.reduce((sum, { times }) => sum + times.length, 0) - lost;
        for (const { why, ...which } of rejected) this.#options.log.warn(which, `the store refuses samples: ${why}`);
        stored();
      },
      (thrown: unknown) => {
        this.stats.deferred += 1;
        if (!(thrown instanceof StoreUnavailableError))
          this.#options.log.error({ err: asError(thrown), device }, "a write failed");
      },
    );
  }
}
