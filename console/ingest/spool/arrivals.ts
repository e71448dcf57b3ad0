import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";

/** Milliseconds that a device's moments may run ahead of the clock: more is a clock that was set back. */
const farthest = 1_000;

/**
 * Moments for what came without a time of its own: no two messages of a device get the same millisecond, where the
 * second one's samples would overwrite the first one's.
 */
export class Arrivals {
  readonly #clock: Clock;
  readonly #last = new Map<DeviceId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(device: DeviceId): number {
    const now = Math.round(this.#clock.now());
    const last = this.#last.get(device) ?? Number.NEGATIVE_INFINITY;
    const moment = last >= now && last - now < farthest ? last + 1 : now;
    this.#last.set(device, moment);
    return moment;
  }
}
