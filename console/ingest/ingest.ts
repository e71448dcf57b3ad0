import type { Message } from "#shared/bus";
import { batchCap, payloadCap, tooLarge } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { readBatch } from "#shared/messages/metrics";
import { Batches, type BatchesOptions } from "./batches.ts";
import type { Contract } from "./contract/contract.ts";
import { SimpleSamples, type SimpleSamplesOptions } from "./spool/simple-samples.ts";
import { NoRoomError, type Spool } from "./spool/spool.ts";

export interface IngestOptions extends BatchesOptions, Omit<SimpleSamplesOptions, "spool" | "admit" | "store"> {
  readonly store: SimpleSamplesOptions["store"];
  readonly contract: Contract;
  readonly spool: Spool;
  readonly isKnown: (device: DeviceId) => boolean;
  /** Tells a sender why its message was not taken. */
  readonly refuse: (device: DeviceId, topic: string, why: string) => void;
}

/** Messages of both kinds since the console started. */
export interface IngestStats {
  messages: number;
  /** Messages that were not taken, by reason. */
  readonly refused: Record<Refusal, number>;
}

/** Why a message was not taken: `invalid` is what passes neither codec nor schema, `no_room` a full spool. */
export type Refusal = "unknown_device" | "size" | "invalid" | "no_room";

/**
 * Metrics from message to store: cap, codec, schema; then rows; then the contract; then the write; then, for a numbered
 * batch, the ack. A write ends in accept (acknowledged), reject (acknowledged too, and counted: to send it again would
 * change nothing) or keep: no ack, so that the agent sends it again, and simple samples stay in the spool.
 */
export class Ingest {
  readonly stats: IngestStats = { messages: 0, refused: { unknown_device: 0, size: 0, invalid: 0, no_room: 0 } };
  readonly batches: Batches;
  readonly samples: SimpleSamples;
  readonly #options: IngestOptions;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { contract } = options;
    this.batches = new Batches({ ...options, admit: (_, series) => contract.admit(series) });
    this.samples = new SimpleSamples({ ...options, admit: (series) => contract.admit(series) });
  }

  /** @throws EnvironmentError when the spool's file cannot be used */
  start(): void {
    this.#options.contract.start();
    this.#options.spool.start();
    this.samples.start();
  }

  /** Tells what has been stored and not yet acknowledged. */
  stop(): void {
    this.samples.stop();
    this.#options.spool.stop();
    this.#options.contract.stop();
    this.batches.stop();
  }

  /** A numbered batch from an agent. */
  batch(device: DeviceId, message: Message): void {
    if (!this.#isWelcome(device, message, batchCap)) return;
    try {
      this.batches.take(device, readBatch(message.payload));
    } catch (thrown) {
      this.#refuse(device, message, thrown, "invalid");
    }
  }

  /** Samples in the simple form, from any client. Resolves once they are kept, or refused. */
  async simple(device: DeviceId, measurement: string, message: Message): Promise<void> {
    if (!this.#isWelcome(device, message, payloadCap)) return;
    try {
      await this.samples.take(device, measurement, message.payload);
    } catch (thrown) {
      this.#refuse(device, message, thrown, thrown instanceof NoRoomError ? "no_room" : "invalid");
    }
  }

  #isWelcome(device: DeviceId, message: Message, cap: number): boolean {
    this.stats.messages += 1;
    if (!this.#options.isKnown(device)) {
      const why = `unknown device "${device}": enroll it first, with: npx muster enroll ${device}`;
      this.#refuse(device, message, new BadInputError(why), "unknown_device");
      return false;
    }
    const large = tooLarge(message.payload, cap);
    if (large) this.#refuse(device, message, large, "size");
    return large === undefined;
  }

  #refuse(device: DeviceId, { topic }: Message, thrown: unknown, reason: Refusal): void {
    if (!(thrown instanceof BadInputError)) throw thrown;
    this.stats.refused[reason] += 1;
    this.#options.refuse(device, topic, thrown.message);
  }
}
