import type { DeviceId } from "#shared/ids";
import { isSameBoot } from "#shared/machine-boot";
import type { Batch } from "#shared/messages/metrics";
import { earliest, tolerated } from "./placing.ts";

/** Devices whose clocks are remembered: enough for a majority; whoever has been heard first goes first. */
export const maxWitnesses = 64;
/** Milliseconds for which a device's word about the time counts. */
const fresh = 600_000;
/** Milliseconds: an age beyond thirty years is no measured one. */
const longest = 1e12;

/** What the devices' clocks say about the console's. */
export interface Testimony {
  /** Devices whose clocks are within {@link tolerated} of it. */
  readonly agree: number;
  /** Devices that agree with one another, and not with it: the largest such group. */
  readonly against: number;
  /** Milliseconds to add to the console's clock to have theirs. */
  readonly shift: number;
}

interface Word {
  /** The device's wall clock less the console's monotonic one. */
  zero: number;
  at: number;
}

/** The clocks of the devices, each as its newest batch has told it. They are kept against the monotonic clock: no step of the console's moves them. */
export class Witnesses {
  readonly #own: string | undefined;
  readonly #words = new Map<DeviceId, Word>();

  /** @param own the epoch of agents on the console's own machine: they read the very clock that is in doubt */
  constructor(own: string | undefined) {
    this.#own = own;
  }

  /** @param mono the moment of arrival on the console's monotonic clock @returns whether it tells anything */
  note(device: DeviceId, { t, dt, age, epoch }: Batch, mono: number): boolean {
    if (
      age === undefined ||
      age > longest ||
      (epoch !== undefined && this.#own !== undefined && isSameBoot(epoch, this.#own))
    )
      return false;
    const wall = t + Math.max(age, dt.at(-1) ?? 0);
    if (wall < earliest) return false;
    const known = this.#words.get(device);
    if (known) {
      known.zero = wall - mono;
      known.at = mono;
      return true;
    }
    this.#words.set(device, { zero: wall - mono, at: mono });
    if (this.#words.size <= maxWitnesses) return true;
    for (const [first] of this.#words) {
      this.#words.delete(first);
      break;
    }
    return true;
  }

  /** To be called when the monotonic clock has stood still, as in a machine that slept. */
  forget(): void {
    this.#words.clear();
  }

  about(wall: number, mono: number): Testimony {
    const skews: number[] = [];
    for (const { zero, at } of this.#words.values()) if (mono - at <= fresh) skews.push(zero - (wall - mono));
    const others = skews.filter((skew) => Math.abs(skew) > tolerated).toSorted((a, b) => a - b);
    const { against, shift } = largestGroup(others);
    return { agree: skews.length - others.length, against, shift };
  }
}

/** The most that lie within {@link tolerated} of one another, and their middle. @param sorted ascending */
function largestGroup(sorted: readonly number[]): Pick<Testimony, "against" | "shift"> {
  let best = { against: 0, shift: 0 };
  let first = 0;
  for (const [last, skew] of sorted.entries()) {
    while (skew - (sorted[first] ?? skew) > tolerated) first += 1;
    const against = last - first + 1;
    if (against > best.against) best = { against, shift: sorted[first + Math.floor(against / 2)] ?? skew };
  }
  return best;
}
