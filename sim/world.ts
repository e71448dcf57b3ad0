import type { Clock } from "#shared/clock";
import { readConsoleStatus } from "#shared/messages/presence-messages";
import type { Topics } from "#shared/topics";
import type { SecureContext } from "node:tls";
import type { Entrance } from "./entrance.ts";
import type { SimTally } from "./sim-tally.ts";
import type { SimulatedReleases } from "./simulated-releases.ts";
import type { Wheel } from "./wheel.ts";
import type { Wire } from "./wire.ts";

/** What all devices of a simulation share. */
export interface World {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly wire: Wire;
  readonly entrance: Entrance;
  readonly tally: SimTally;
  readonly topics: Topics;
  readonly console: HeardConsole;
  readonly host: string;
  readonly port: number;
  /** With TLS: whom the broker's certificate has to come from. */
  readonly secure: SecureContext | undefined;
  readonly secret: string;
  readonly seed: number;
  /** Milliseconds between samples, and samples in a batch. */
  readonly interval: number;
  readonly batchSize: number;
  /** Seconds within which the broker hears of a device that is well. */
  readonly keepalive: number;
  /** What devices update to; undefined where they offer no `update`. */
  readonly releases: SimulatedReleases | undefined;
  /** Mean milliseconds between two dropped connections of a device that drops them. */
  readonly flapEvery: number;
  /** The simulation's start: on the monotonic clock, and in epoch ms. */
  readonly began: number;
  readonly started: number;
  /** A connection could not be made; `refused` where the broker does not let the device in, which has ended by it. */
  readonly failed: (id: string, error: Error, refused: boolean) => void;
}

/** The console's presence as it was told last. */
export interface Heard {
  readonly session: string;
  readonly online: boolean;
  readonly taking: boolean;
}

/** Whether the console, or its store, has come back, so that everything is to be sent anew; another size of the fleet is no reason. */
export function hasReturned(before: Heard, { session, online, taking }: Heard): boolean {
  return online && taking && (before.session !== session || !before.online || !before.taking);
}

/** What the console says to everybody, read once for all devices. */
export class HeardConsole {
  readonly #clock: Clock;
  #payload = Buffer.alloc(0);
  #heard: Heard = { session: "", online: false, taking: true };
  #fleet = 0;
  #learned: { readonly ts: number; readonly at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The presence in `payload`: the same object for the same bytes. @throws BadInputError */
  read(payload: Buffer): Heard {
    if (!this.#payload.equals(payload)) {
      const { session, online, taking = true, fleet = this.#fleet } = readConsoleStatus(payload);
      this.#fleet = fleet;
      this.#heard = { session, online, taking };
      this.#payload = Buffer.from(payload);
    }
    return this.#heard;
  }

  /** How many devices there are, by its last word. */
  get fleet(): number {
    return this.#fleet;
  }

  /** Takes the console's present moment (epoch ms). */
  learn(ts: number): void {
    this.#learned = { ts, at: this.#clock.monotonic() };
  }

  /** Epoch ms at the console; undefined before anything was heard of it. */
  now(): number | undefined {
    return this.#learned && this.#learned.ts + this.#clock.monotonic() - this.#learned.at;
  }
}
