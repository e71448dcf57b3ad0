import type { Clock } from "#shared/clock";
import type { Departure, Stored } from "./record.ts";
import type { WallOffset } from "./wall-offset.ts";

/** What instants are counted from at present: the machine's boot where that is known, else this run. */
export interface Epoch {
  readonly id: string;
  /** Whether it is the machine's boot: what is of another epoch is older than the machine's uptime then. */
  readonly machine: boolean;
}

export interface EpochClockOptions {
  readonly epoch: Epoch;
  readonly clock: Clock;
  readonly wall: WallOffset;
}

/** Gives batches their place in time when they are sent, and judges how old they are: by the clock that only grows. */
export class EpochClock {
  readonly #options: EpochClockOptions;
  #epoch: string;
  #began: number;

  constructor(options: EpochClockOptions) {
    this.#options = options;
    this.#epoch = options.epoch.id;
    this.#began = options.epoch.machine ? 0 : options.clock.uptime();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Instants are counted from the present run on: the uptime has gone back within what was taken for one boot. */
  beginAnew(epoch: string): void {
    this.#epoch = epoch;
    this.#began = this.#options.clock.uptime();
  }

  /** The present instant. */
  now(): { t: number; mono: number } {
    const { clock } = this.#options;
    return { t: Math.max(0, Math.round(clock.now())), mono: clock.uptime() };
  }

  /** A batch that goes out now: its age, and the time it has since the clock was set. */
  departure({ t, mono }: Pick<Stored, "t" | "mono">, epoch: string): Departure {
    const { clock, wall } = this.#options;
    if (epoch !== this.epoch) return { t };
    return { t: wall.corrected(t, mono), age: Math.max(0, Math.round(clock.uptime() - mono)) };
  }

  /** Wall clock (epoch ms) of an instant: `at` is on the clock of its epoch where that is the present one, else the wall's. */
  time(at: number, epoch: string): number {
    return epoch === this.epoch ? this.#options.wall.at(at) : at;
  }

  /**
   * Milliseconds that an instant is old, at least. The wall clock alone has no say, because one that stepped to 2036 must not
   * cost anything: of what an earlier epoch has left it is only sure that it is older than the present one. Nor has the uptime, which
   * in a container may count from anywhere.
   * @param wall the same instant by the wall clock then, epoch ms
   */
  age(at: number, epoch: string, wall = -Infinity): number {
    const { clock } = this.#options;
    return Math.min(clock.uptime() - (epoch === this.epoch ? at : this.#began), clock.now() - wall);
  }
}
