import type { Bus, Message } from "#shared/bus";
import { encode } from "#shared/codec";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { readRenewal } from "#shared/messages/certificate-messages";
import type { Birth } from "#shared/messages/presence-messages";
import type { Topics } from "#shared/topics";
import type { Certificates } from "./certificates.ts";
import type { Certifying } from "./certifying.ts";

export interface RenewalsOptions {
  readonly certificates: Pick<Certificates, "confirm">;
  readonly certifying: Pick<Certifying, "renewed">;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly log: Log;
  /** A device has come in by a certificate. */
  readonly cameIn: (device: DeviceId) => void;
  /** Tells a device why something was not taken. */
  readonly refuse: (device: DeviceId, topic: string, why: string) => void;
}

/** Devices that ask for another certificate over the connection that they have by the one of before. */
export class Renewals {
  readonly #options: RenewalsOptions;
  /** One at a time of each device: making one takes a moment, in which many could be asked for. */
  readonly #busy = new Set<DeviceId>();

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /** What is not answered is asked for again. */
  asked(device: DeviceId, message: Message): void {
    const asked = readRenewal(message.payload);
    if (this.#busy.has(device)) return;
    this.#busy.add(device);
    void this.#answer(device, message.topic, asked).finally(() => this.#busy.delete(device));
  }

  /** A device says by which certificate it is connected. */
  heard(device: DeviceId, { certificate }: Birth): void {
    if (certificate === undefined) return;
    const { certificates, log, cameIn } = this.#options;
    if (certificates.confirm(device, certificate))
      log.info({ device, serial: certificate }, `${device} has renewed its certificate`);
    cameIn(device);
  }

  async #answer(device: DeviceId, topic: string, asked: ReturnType<typeof readRenewal>): Promise<void> {
    const { certifying, bus, topics, log, refuse } = this.#options;
    try {
      const told = await certifying.renewed(device, asked);
      await bus.publish(topics.build({ kind: "certificate", device }), encode(told, "json"));
    } catch (thrown) {
      if (thrown instanceof BadInputError) refuse(device, topic, thrown.message);
      else if (!(thrown instanceof DisconnectedError))
        log.error({ device, err: asError(thrown) }, "a certificate could not be renewed");
    }
  }
}
