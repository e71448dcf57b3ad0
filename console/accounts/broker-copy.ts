/** Told of whom the connections have ended. */
export type TellEnded = (devices: readonly string[]) => void;

/** Whoever follows what becomes of connections at the broker. */
export interface BrokerFollower {
  /** Connections under these names are being ended. @returns to be called when they have */
  readonly ending: (names: readonly string[]) => TellEnded;
  /** Whether a device is there by a certificate that is good. */
  readonly isIn: (device: string) => boolean;
}

const nobody: BrokerFollower = { ending: () => () => {}, isIn: () => false };

/**
 * The accounts as a broker has them, and what it ends by them. Muster's own asks at each login; Mosquitto has files, and knows of a change a
 * moment later.
 */
export class BrokerCopy {
  #follower = nobody;
  #written: () => Promise<void> = async () => {};

  /** @returns undoes it */
  follow(follower: BrokerFollower): () => void {
    this.#follower = follower;
    return () => {
      if (this.#follower === follower) this.#follower = nobody;
    };
  }

  /** @param written waits until the broker has what has changed by now @returns undoes it */
  keptBy(written: () => Promise<void>): () => void {
    this.#written = written;
    return () => {
      if (this.#written === written) this.#written = async () => {};
    };
  }

  /** Waits until the broker has what has changed by now, and what ends by that has ended. */
  settled(): Promise<void> {
    return this.#written();
  }

  ending(names: readonly string[]): TellEnded {
    return this.#follower.ending(names);
  }

  isIn(device: string): boolean {
    return this.#follower.isIn(device);
  }
}
