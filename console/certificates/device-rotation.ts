import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { BadInputError, DisconnectedError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { AuthorityFacts, DevicesAuthority } from "#shared/private-authority";
import type { Topics } from "#shared/topics";
import type { Audit } from "../audit/audit.ts";
import { assertNobodyLacking, RotationByItself } from "../rotation-by-itself.ts";
import type { Certificates } from "./certificates.ts";

export interface DeviceRotationOptions {
  readonly authority: DevicesAuthority | undefined;
  readonly certificates: Certificates;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly isOnline: (device: DeviceId) => boolean;
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
  readonly log: Log;
}

/** How far a rotation of the devices' authority has come. */
export interface DeviceRotationState {
  readonly present: AuthorityFacts;
  /** The one before, which is trusted still. */
  readonly before: (AuthorityFacts & { readonly since: number }) | undefined;
  /** Devices that have come in with a certificate of the present one; and outside a rotation all that have one. */
  readonly have: number;
  /** Devices whose certificate is of the one before. */
  readonly lacking: readonly string[];
}

/** Milliseconds after a rotation has begun until devices are told: Mosquitto reads a moment later whom to trust. A device that it does not let in goes on with what it has, and tries again after ten minutes. */
export const toldAfter = 2_000;
/** Devices that are told within a second: each asks for a certificate, and connects again. */
export const toldASecond = 20;
/** Milliseconds after which those that have not renewed are told once more. */
export const toldAgainAfter = 600_000;

/**
 * Brings the devices' certificates to another authority. That one signs from the beginning on, and the broker's doors trust both: what is
 * left is that each device renews before the old one ends, for which it is given a hint.
 */
export class DeviceRotation {
  readonly #options: DeviceRotationOptions;
  readonly #byItself: RotationByItself;
  #undo: (() => void)[] = [];
  #cancelTelling: () => void = () => {};

  constructor(options: DeviceRotationOptions) {
    this.#options = options;
    this.#byItself = new RotationByItself({
      ...options,
      stand: () => {
        const { present, before, lacking } = this.state;
        return { until: (before ?? present).until, since: before?.since, lacking };
      },
      begin: () => this.rotate(),
      end: () => this.finish(true),
      audited: { begun: "tls.devices-rotated", ended: "tls.devices-rotation-ended" },
      words: {
        begun: "the devices' authority ends within a year: a rotation begins",
        leftBehind: "the devices' old authority ends: these cannot connect any more",
        failed: "the devices' authority cannot be rotated",
      },
    });
  }

  start(): void {
    const { authority } = this.#options;
    if (!authority) return;
    this.#undo = [authority.changes.on(() => this.#tellLater(toldAfter))];
    this.#tellLater(toldAfter);
    this.#byItself.start();
  }

  stop(): void {
    this.#byItself.stop();
    this.#cancelTelling();
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** @throws BadInputError where there is no authority */
  get state(): DeviceRotationState {
    const { present, before } = this.#authority;
    const { certificates } = this.#options;
    const lacking = before ? certificates.lacking(present.fingerprint) : [];
    return { present, before, lacking, have: certificates.holders() - lacking.length };
  }

  /** @throws BadInputError where there is none, or one has begun already */
  async rotate(): Promise<void> {
    await this.#authority.rotate();
  }

  /**
   * What the old one has signed ends, and what is open with it. The books first: a kill between the two leaves a rotation that can be ended again.
   * @param leaveBehind ends it also where devices have not renewed: they have to be enrolled again @throws BadInputError
   */
  finish(leaveBehind = false): void {
    const { before, present, lacking } = this.state;
    if (before && !leaveBehind)
      assertNobodyLacking(lacking, {
        one: "device has",
        several: "devices have",
        why: "a certificate of the old authority",
        verb: "muster tls rotate --devices --finish",
      });
    if (before) this.#options.certificates.endOthers(present.fingerprint);
    this.#authority.finish();
  }

  /** A device has come in with this certificate: where that is of the old authority it is told to ask for another. */
  heard(device: DeviceId): void {
    const { authority } = this.#options;
    if (!authority?.before || this.#options.clock.now() < authority.before.since + toldAfter) return;
    this.#tell(device);
  }

  get #authority(): DevicesAuthority {
    const { authority } = this.#options;
    if (authority) return authority;
    throw new BadInputError(
      "there is no authority for devices' certificates here: Muster makes one when it listens beyond loopback (--listen 0.0.0.0)",
    );
  }

  #tellLater(after: number): void {
    this.#cancelTelling();
    this.#cancelTelling = this.#options.clock.after(after, () => {
      const { authority, certificates, isOnline } = this.#options;
      if (!authority?.before) return;
      const lacking = certificates.lacking(authority.present.fingerprint) as DeviceId[];
      this.#tellSome(lacking.filter((device) => isOnline(device)));
    });
  }

  #tellSome(waiting: readonly DeviceId[]): void {
    for (const device of waiting.slice(0, toldASecond)) this.#tell(device);
    const rest = waiting.slice(toldASecond);
    if (rest.length === 0) return this.#tellLater(toldAgainAfter);
    this.#cancelTelling = this.#options.clock.after(1_000, () => this.#tellSome(rest));
  }

  /** The certificate that it has once more, to be renewed at once; an agent that does not know this passes it over, and renews in its time. */
  #tell(device: DeviceId): void {
    const { authority, certificates, bus, topics, clock } = this.#options;
    const own = certificates.present(device);
    if (!own || own.authority === authority?.present.fingerprint || !bus.connected) return;
    const told = encode({ pem: own.pem, renew: Math.round(clock.now()) }, "json");
    bus.publish(topics.build({ kind: "certificate", device }), told).catch((thrown: unknown) => {
      // It is told again when it connects.
      if (!(thrown instanceof DisconnectedError)) throw thrown;
    });
  }

  /** Begins or ends a rotation where that is due by itself, by the same rules as with the authority of servers. */
  look(): Promise<void> {
    return this.#byItself.look();
  }
}
