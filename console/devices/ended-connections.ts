import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Death } from "#shared/messages/presence-messages";
import type { TellEnded } from "../accounts/broker-copy.ts";
import type { Registry } from "./registry.ts";

export interface EndedConnectionsOptions {
  readonly registry: Pick<Registry, "birthOf" | "shutOut">;
  readonly clock: Clock;
  /** Whether there is anything by which the device could come in again. */
  readonly comesIn: (device: DeviceId) => boolean;
  /** Says a device's death in its place. */
  readonly publish: (device: DeviceId, death: Death) => void;
}

/** Milliseconds in which a will is heard, once the broker has ended its connection. */
export const willGrace = 300;

const reasons = {
  shutOut: "let in no more",
  ended: "its connection was ended: what it logs in with has changed",
} as const;

/**
 * Devices whose connections were ended because what they log in with has changed or is over. By their wills they are offline; but a broker
 * may refuse a will (Mosquitto, when its rules deny the device everything by then), and a device may have none.
 */
export class EndedConnections {
  readonly #options: EndedConnectionsOptions;
  readonly #cancel = new Set<() => void>();

  constructor(options: EndedConnectionsOptions) {
    this.#options = options;
  }

  stop(): void {
    for (const cancel of this.#cancel) cancel();
  }

  /** Connections under these names are being ended. @returns to be called when they have */
  ending(names: readonly string[]): TellEnded {
    const { registry, clock } = this.#options;
    const births = new Map(names.map((name) => [name, registry.birthOf(name)]));
    return (ended) => {
      const cancel = clock.after(willGrace, () => {
        this.#cancel.delete(cancel);
        for (const name of ended) this.#settle(name as DeviceId, births.get(name)?.session);
      });
      this.#cancel.add(cancel);
    };
  }

  /** @param session the one that was there before its connection was ended */
  #settle(device: DeviceId, session: string | undefined): void {
    const { registry, comesIn, publish } = this.#options;
    const birth = registry.birthOf(device);
    if (!birth) return;
    const isForGood = !comesIn(device);
    // Whoever can come in may have done so: of another session than that of before nothing is known.
    if (!isForGood && birth.session !== session) return;
    const reason = isForGood ? reasons.shutOut : reasons.ended;
    // What stands at the broker is the birth; who can come in says another one himself, which is not to be overwritten.
    if (registry.shutOut(device, reason, !isForGood) && isForGood)
      publish(device, { v: 1, online: false, boot: birth.boot, session: birth.session, reason });
  }
}
