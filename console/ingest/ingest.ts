import type { Message } from "#shared/bus";
import { batchCap, payloadCap, tooLarge } from "#shared/codec";
import { asError, BadInputError, NotTakenError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { judgeBatch, type UnfitBatch } from "#shared/messages/batch-reading";
import { BareValueError, namedValue } from "#shared/messages/simple";
import { forShell } from "#shared/printable";
import { syncOf } from "../database/group-sync.ts";
import { Batches, type BatchesOptions } from "./batches.ts";
import type { Contract } from "./contract/contract.ts";
import { WaitingRoom } from "./waiting-room.ts";
import { Rejections } from "./rejections.ts";
import { SimpleSamples, type SimpleSamplesOptions } from "./spool/simple-samples.ts";
import { NoRoomError, type Spool } from "./spool/spool.ts";

export interface IngestOptions
  extends
    BatchesOptions,
    Omit<SimpleSamplesOptions, "spool" | "admit" | "asideSynced" | "setAside" | "store" | "observe"> {
  readonly store: SimpleSamplesOptions["store"];
  readonly contract: Contract;
  readonly spool: Spool;
  readonly isKnown: (device: DeviceId) => boolean;
  /** Tells a sender why its message was not taken, and what would have been. */
  readonly refuse: (
    device: DeviceId,
    message: Pick<Message, "topic" | "payload">,
    why: string,
    instead?: string,
  ) => void;
  /** What is to be seen beside a device because of its batches; null when it is over. */
  readonly problem?: (device: DeviceId, problem: string | null) => void;
  /** Hands to the database what was found of samples that are about to be acknowledged. @returns whether there was something @throws Error where it takes nothing */
  readonly keepFound?: () => boolean;
  /** Called when {@link WaitingRoom.pressed} has changed, and now and then while it is so. */
  readonly onPressure?: () => void;
  /** Milliseconds for which messages have waited to be read, before they come here. */
  readonly unread?: () => number;
}

/** Simple samples without a moment of their own would be placed wherever the clock stands; and whoever sent them can be told. */
const noTime = "the console's clock is wrong, so that nothing can be placed in time: not taken, send it again later";

/** Messages of both kinds since the console started. */
export interface IngestStats {
  messages: number;
  /** Messages that were not taken, by reason. */
  readonly refused: Record<RefusalCause, number>;
}

/** Why a message was not taken: `invalid` is what passes neither codec nor schema, `no_room` a full spool, `no_clock` a console whose clock is wrong. */
export type RefusalCause = "unknown_device" | "size" | "invalid" | "no_room" | "no_clock";

/**
 * Metrics from message to store: cap, codec, schema; then rows; then the contract; then the write; then, for a numbered
 * batch, the ack. Every batch ends as {@link Verdict} says: stored, rejected (acknowledged too, and kept in the quarantine: to send
 * it again would change nothing) or deferred, without an ack, so that the agent sends it again. Simple samples stay in the spool.
 */
export class Ingest {
  readonly stats: IngestStats = {
    messages: 0,
    refused: { unknown_device: 0, size: 0, invalid: 0, no_room: 0, no_clock: 0 },
  };
  readonly batches: Batches;
  readonly samples: SimpleSamples;
  readonly waiting: WaitingRoom;
  readonly #options: IngestOptions;
  readonly #rejections: Rejections;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { contract, clock, problem = () => {} } = options;
    this.#rejections = new Rejections({ clock, problem, keep: (misfit) => contract.quarantine.add(misfit) });
    const asideSynced = (): Promise<unknown> | undefined => contract.synced();
    const keepAside = (): void => {
      contract.quarantine.keep();
      options.keepFound?.();
    };
    const refusedByStore: BatchesOptions["refusedByStore"] = (one) => {
      if (options.isKnown(one.device)) this.#rejections.ofStore(one);
    };
    this.batches = new Batches({
      ...options,
      refusedByStore,
      onRoom: () => this.waiting.goOn(),
      keepAside,
      asideSynced,
      admit: (_, series) => contract.admitBatch(series),
    });
    this.waiting = new WaitingRoom({
      clock,
      take: (device, message, arrival) => this.#batch(device, message, arrival),
      failed: (device, thrown) =>
        options.log.error({ device, err: asError(thrown) }, "a batch that had waited could not be taken"),
      onTheWay: () => this.batches.onTheWay,
      leave: () => (this.batches.stats.deferred += 1),
      unread: options.unread ?? (() => 0),
      onPressure: options.onPressure ?? (() => {}),
    });
    this.samples = new SimpleSamples({
      ...options,
      refusedByStore,
      asideSynced,
      foundSynced: () => syncOf(options.database).synced(),
      admit: (series) => contract.admit(series),
      setAside: (...noted) => contract.note(...noted),
    });
  }

  /** @throws EnvironmentError when the spool's file cannot be used */
  start(): void {
    this.#options.contract.start();
    this.#options.spool.start();
    this.samples.start();
    this.batches.start();
  }

  /** Tells what has been stored and not yet acknowledged. */
  async stop(): Promise<void> {
    this.waiting.stop();
    this.samples.stop();
    this.#options.spool.stop();
    this.#options.contract.stop();
    await this.batches.stop();
  }

  /** The device is no more. What the spool has of it goes into the store: it was taken. Rows are deleted with {@link erase}. */
  forget(device: DeviceId): void {
    this.waiting.forget(device);
    this.#rejections.forget(device);
    this.batches.forget(device);
    this.#options.contract.budget.forget(device);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.batches.erase(device);
    this.#options.contract.erase(device);
  }

  /** A numbered batch from an agent: taken at once, or when there is time for it. */
  batch(device: DeviceId, message: Message): void {
    if (this.#isWelcome(device, message)) this.waiting.offer(device, message);
  }

  #batch(device: DeviceId, message: Message, at: number): void {
    const reading = judgeBatch(message.payload);
    if (reading.kind === "unfit") return this.#reject(device, message, reading);
    try {
      this.batches.receive(device, reading.batch, { at, bytes: message.payload.length });
      this.#rejections.taken(device);
    } catch (thrown) {
      const { outbox, seq } = reading.batch;
      if (thrown instanceof BadInputError && !(thrown instanceof NoRoomError))
        this.#rejections.add(device, {
          name: { outbox, seq },
          why: thrown.message,
          where: { field: "(payload)" },
          value: undefined,
        });
      this.#refuse(device, message, thrown, thrown instanceof NoRoomError ? "no_room" : "invalid");
    }
  }

  /** What has a name is acknowledged, or it would stand before all others for ever. Without one there is nothing to be done but to say so. */
  #reject(device: DeviceId, message: Message, unfit: UnfitBatch): void {
    const isNews = unfit.name === undefined || this.batches.reject(device, unfit.name, unfit);
    if (!isNews) return;
    this.#rejections.add(device, unfit);
    const reason = message.payload.length > batchCap ? "size" : "invalid";
    this.#refuse(device, message, new BadInputError(unfit.why), reason);
  }

  /**
   * Samples in the simple form, from any client. Resolves once they are kept, or refused for what they are.
   * @throws NotTakenError where they could not be kept, which is told on `refused` as well
   * @param path what the topic says after `metrics/`
   * @param isCopy whether a broker has kept it since nobody knows when
   */
  async simple(device: DeviceId, path: string, message: Message, isCopy = false): Promise<void> {
    if (!this.#isWelcome(device, message)) return;
    const large = tooLarge(message.payload, payloadCap);
    if (large) return this.#refuse(device, message, large, "size");
    if (this.#options.trust?.() === "none") {
      this.#refuse(device, message, new BadInputError(noTime), "no_clock");
      throw new NotTakenError(noTime);
    }
    try {
      if (isCopy) await this.samples.acceptKept(device, path, message.payload);
      else await this.samples.accept(device, path, message.payload);
      this.#rejections.taken(device);
    } catch (thrown) {
      this.#refuse(device, message, thrown, thrown instanceof NoRoomError ? "no_room" : "invalid");
      if (thrown instanceof NoRoomError) throw new NotTakenError(thrown.message, { cause: thrown });
    }
  }

  #isWelcome(device: DeviceId, message: Message): boolean {
    this.stats.messages += 1;
    if (this.#options.isKnown(device)) return true;
    const why = `unknown device "${device}": enroll it first, with: npx muster enroll ${device}`;
    this.#refuse(device, message, new BadInputError(why), "unknown_device");
    return false;
  }

  #refuse(device: DeviceId, message: Message, thrown: unknown, reason: RefusalCause): void {
    if (!(thrown instanceof BadInputError)) throw thrown;
    this.stats.refused[reason] += 1;
    const instead = thrown instanceof BareValueError ? insteadOf(message.topic, thrown) : undefined;
    this.#options.refuse(device, message, thrown.message, instead);
  }
}

/** The line that would have been taken. */
function insteadOf(topic: string, bare: BareValueError): string {
  return `mosquitto_pub -t ${forShell(topic)} -m ${forShell(namedValue(bare))}`;
}
