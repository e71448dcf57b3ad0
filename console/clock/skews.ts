import type { DeviceId } from "#shared/ids";
import type { Batch } from "#shared/messages/metrics";
import type { SeriesColumns } from "../store/store.ts";
import { tolerated, type Placed } from "./placing.ts";

/** What a device's clock is like. */
export interface ClockState {
  /** Milliseconds that it is ahead of the console's; null where that is not known. */
  readonly skew: number | null;
  /** What a person should know about it, as a sentence; null when it is right. */
  readonly problem: string | null;
}

interface Known {
  epoch: string | undefined;
  mono: number;
  /** When the store was told last, epoch ms. */
  written: number;
  /** The skew of the sentence that was told; undefined where there was none. */
  flagged: number | undefined;
}

/** The measurement that tells how the console sees a device. */
export const deviceMeasurement = "muster_device";
/** Milliseconds between two points of one device. */
const writeEvery = 60_000;

/** Follows how far each device's clock is off, by its newest batches. */
export class Skews {
  readonly #tell: (device: DeviceId, state: ClockState) => void;
  readonly #known = new Map<DeviceId, Known>();

  /** @param tell is given each change of a device's state */
  constructor(tell: (device: DeviceId, state: ClockState) => void) {
    this.#tell = tell;
  }

  /** @returns the skew as a point to write, at most once a minute for each device */
  note(device: DeviceId, { epoch, mono = 0 }: Batch, { skew }: Placed, arrival: number): SeriesColumns | undefined {
    if (skew === undefined) return undefined;
    const known = this.#of(device);
    // A batch that was made earlier has the clock of then.
    if (known.epoch === epoch && mono < known.mono) return undefined;
    known.epoch = epoch;
    known.mono = mono;
    this.#flag(device, known, skew);
    if (skew === null || arrival - known.written < writeEvery) return undefined;
    known.written = arrival;
    const fields = { clock_skew_ms: Math.round(skew) };
    return { device, measurement: deviceMeasurement, tags: {}, times: [Math.round(arrival)], fields };
  }

  forget(device: DeviceId): void {
    this.#known.delete(device);
  }

  #flag(device: DeviceId, known: Known, skew: number | null): void {
    const wrong = skew !== null && Math.abs(skew) > tolerated ? skew : undefined;
    const { flagged } = known;
    // A sentence that changed with every batch would be news to everybody who watches.
    if (wrong === undefined || flagged === undefined || Math.abs(wrong - flagged) > tolerated) known.flagged = wrong;
    const problem = known.flagged === undefined ? null : clockProblem(known.flagged);
    this.#tell(device, { skew: skew === null ? null : Math.round(skew), problem });
  }

  #of(device: DeviceId): Known {
    let known = this.#known.get(device);
    if (!known)
      this.#known.set(device, (known = { epoch: undefined, mono: 0, written: -Infinity, flagged: undefined }));
    return known;
  }
}

/** What a person should know of a clock that is so many milliseconds ahead. */
export function clockProblem(skew: number): string {
  return `its clock is ${span(Math.abs(skew))} ${skew > 0 ? "ahead" : "behind"}: its samples are placed by their arrival`;
}

const units = [
  { letter: "y", ms: 31_557_600_000 },
  { letter: "d", ms: 86_400_000 },
  { letter: "h", ms: 3_600_000 },
  { letter: "m", ms: 60_000 },
] as const;

/** Milliseconds in their two largest units: "9 y 40 d". */
export function span(ms: number): string {
  const at = Math.max(
    0,
    units.findIndex((unit) => ms >= unit.ms),
  );
  const [large, small] = [units[at], units[at + 1]];
  if (!large) return `${ms} ms`;
  const whole = Math.floor(ms / large.ms);
  const rest = small ? Math.floor((ms - whole * large.ms) / small.ms) : 0;
  return small && rest > 0 ? `${whole} ${large.letter} ${rest} ${small.letter}` : `${whole} ${large.letter}`;
}
