import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { asError, DisconnectedError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { proveKey } from "#shared/key-proof";
import type { Log } from "#shared/log";
import { readCertificate } from "#shared/messages/certificate-messages";
import type { CertificatePorts } from "#shared/messages/presence-messages";
import type { KeptCertificates } from "./kept-certificates.ts";

export interface RenewalOptions {
  readonly certificates: KeptCertificates;
  readonly device: DeviceId;
  readonly bus: Pick<Bus, "publish">;
  /** Where a certificate is asked for. */
  readonly topic: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Epoch ms at the console; undefined where it has not told: this machine's own clock may be wrong, and renews nothing. */
  readonly consoleNow: () => number | undefined;
  /** Leaves the broker and comes again. */
  readonly reconnect: () => void;
}

/** Milliseconds between two looks at whether a certificate is due; also after which an answer that did not come is asked for again. */
export const renewalLookedEvery = 600_000;

/** Gets this device another certificate in time, over the connection that it has by the one of before. */
export class Renewal {
  readonly #options: RenewalOptions;
  #cancelLook: () => void = () => {};
  #asked: number | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancelLook = this.#options.clock.after(renewalLookedEvery, () => {
      this.start();
      const { certificates, reconnect } = this.#options;
      if (certificates.isBehind) {
        certificates.retry();
        reconnect();
      } else this.look();
    });
  }

  stop(): void {
    this.#cancelLook();
  }

  /** The broker has let this device in. */
  connected(): void {
    this.#asked = undefined;
    try {
      this.#options.certificates.connected();
    } catch (thrown) {
      this.#failed(thrown, "the one of before could not be let go of yet");
    }
  }

  /** The console has told where brokers take certificates. */
  ports(told: CertificatePorts | undefined): void {
    try {
      if (told) this.#options.certificates.learnPorts(told);
    } catch (thrown) {
      this.#options.log.warn({ err: asError(thrown) }, "where brokers take certificates could not be kept");
    }
  }

  /** Asks where it is time to. To be called whenever the console has told its time. */
  look(): void {
    const { certificates, clock, consoleNow } = this.#options;
    const now = consoleNow();
    if (now === undefined || !certificates.isDue(now)) return;
    if (this.#asked !== undefined && clock.monotonic() - this.#asked < renewalLookedEvery) return;
    this.#asked = clock.monotonic();
    this.#ask();
  }

  #ask(): void {
    const { certificates, device, bus, topic } = this.#options;
    try {
      const asked = proveKey(device, certificates.prepare());
      bus.publish(topic, encode(asked, "json")).catch((thrown: unknown) => {
        this.#asked = undefined;
        if (!(thrown instanceof DisconnectedError)) this.#failed(thrown, "another could not be asked for");
      });
    } catch (thrown) {
      this.#failed(thrown, "another could not be asked for");
    }
  }

  /** The console has issued one. */
  heard({ payload }: Message): void {
    const { certificates, log, reconnect } = this.#options;
    try {
      const told = readCertificate(payload);
      if (certificates.hasten(told.pem)) {
        this.#asked = undefined;
        return this.look();
      }
      if (!certificates.accept(told)) return;
      log.info({}, "this device has a new certificate, and connects with it");
      reconnect();
    } catch (thrown) {
      this.#failed(thrown, "the new one is not taken");
    }
  }

  #failed(thrown: unknown, what: string): void {
    const { certificates, log } = this.#options;
    const until = new Date(certificates.expires ?? 0).toISOString();
    log.error({ err: asError(thrown), until }, `the renewal of this device's certificate has failed: ${what}`);
  }
}
