import type { DeviceId } from "#shared/ids";
import type { Batch } from "#shared/messages/metrics";
import { StoreUnavailableError } from "../store/store.ts";
import type { ClockOffsets } from "./clock-offsets.ts";

export interface Placed {
  /** Milliseconds to add to the batch's moments; 0 where its clock is believed. */
  readonly shift: number;
  /** The last instant, epoch ms, after the shift; null where the batch has none. */
  readonly end: number | null;
  /**
   * Milliseconds that the device's clock is ahead; null where it cannot be told and nothing speaks against the clock,
   * undefined where the batch says nothing about the present, because it is of an earlier run of the machine.
   */
  readonly skew: number | null | undefined;
}

/** What the console knows of the moment at which a batch comes. */
export interface Arrival {
  /** Epoch ms. */
  readonly arrival: number;
  /** The last instant of what came before in the same outbox, epoch ms; null where nothing is known. */
  readonly watermark: number | null;
  /** The console's own clock may be the wrong one of the two: the device's stands. */
  readonly unsure?: boolean;
}

/** Milliseconds that a device's clock may be off and is believed. */
export const tolerated = 300_000;
/** Before that, Muster did not exist: the clock begins at 1970, or at the day its system was built. */
export const earliest = Date.UTC(2020, 0, 1);
/** Milliseconds that an epoch's clock may drift against the console's before later instants get an offset of their own. */
const maxDrift = 60_000;
/** Milliseconds: an age or uptime beyond thirty years is no measured one. */
const maxAge = 1e12;
/** Devices without any clock that are remembered. */
const maxEnds = 10_000;

/**
 * Places batches in time. A wall clock that is off by more than {@link tolerated} is not believed: then the batch's epoch
 * began at the moment of arrival, less `age`, less `mono`, and every instant of that epoch is placed by the first such
 * offset, so that a batch that comes again gets the same times.
 */
export class Placing {
  readonly #offsets: ClockOffsets;
  readonly #ends = new Map<DeviceId, number>();
  /** Where the epoch of each device began by its own clock, when that was last right. */
  readonly #right = new Map<DeviceId, { readonly epoch: string; readonly zero: number }>();

  constructor(offsets: ClockOffsets) {
    this.#offsets = offsets;
  }

  /**
   * @throws StoreUnavailableError when neither clock is known to be right, or Error when an offset cannot be written down: the batch must
   *   come again
   */
  place(device: DeviceId, batch: Batch, { arrival, watermark, unsure = false }: Arrival): Placed {
    const { t, dt } = batch;
    const last = dt.reduce((most, one) => Math.max(most, one), 0);
    const placed = (start: number, skew: Placed["skew"]): Placed => ({
      shift: start - t,
      end: dt.length === 0 ? null : Math.round(start + last),
      skew,
    });
    if (batch.age !== undefined && batch.age <= maxAge) {
      const start = arrival - Math.max(batch.age, last);
      const skew = t - start;
      if (Math.abs(skew) <= tolerated) {
        if (isOwn(batch)) this.#right.set(device, { epoch: batch.epoch, zero: t - batch.mono });
        return placed(t, skew);
      }
      if (skew < 0 && this.#wasRight(device, batch)) return placed(t, undefined);
      if (unsure) return placed(this.#byTheDevice(device, batch), undefined);
      return placed(this.#byUptime(device, batch, start, arrival), skew);
    }
    if (t >= earliest && t + last <= arrival + tolerated) return placed(t, isOwn(batch) ? undefined : null);
    if (unsure) return placed(this.#byTheDevice(device, batch), undefined);
    if (isOwn(batch)) return placed(this.#ofEarlierRun(device, batch, arrival - last, watermark, arrival), undefined);
    return placed(this.#freeEnd(device, arrival) - last, t + last - arrival);
  }

  forget(device: DeviceId): void {
    this.#ends.delete(device);
    this.#right.delete(device);
    this.#offsets.forget(device);
  }

  /**
   * A clock that was right and has not been set since is right. It is the batch that was late: it waited in a buffer while
   * this machine slept.
   */
  #wasRight(device: DeviceId, batch: Batch): boolean {
    const right = this.#right.get(device);
    if (!right || !isOwn(batch) || right.epoch !== batch.epoch) return false;
    return Math.abs(batch.t - batch.mono - right.zero) <= maxDrift;
  }

  /**
   * Without a word of the console's clock: what was found wrong when that was known to be right is placed as it was then.
   * @throws StoreUnavailableError where the device's clock cannot be right either
   */
  #byTheDevice(device: DeviceId, batch: Batch): number {
    const known = isOwn(batch) ? this.#offsets.find(device, batch.epoch, batch.mono) : undefined;
    if (known) return known.zero + (batch.mono ?? 0);
    if (batch.t >= earliest) return batch.t;
    throw new StoreUnavailableError("neither the device's clock nor the console's is known to be right");
  }

  /** @param start where the first instant was, by the batch's age */
  #byUptime(device: DeviceId, batch: Batch, start: number, arrival: number): number {
    if (!isOwn(batch)) return start;
    const { epoch, mono } = batch;
    const zero = start - mono;
    const known = this.#offsets.find(device, epoch, mono);
    if (!known) this.#offsets.keep(device, epoch, { mono, zero }, arrival);
    // Nothing of the device's present or past may move: what has been placed so far could come again.
    else if (Math.abs(zero - known.zero) > maxDrift)
      this.#offsets.keep(device, epoch, { mono: mono + arrival - start, zero }, arrival);
    return (known?.zero ?? zero) + mono;
  }

  /**
   * Nobody knows when a run of the machine was that ended before the console heard its uptime. It began after what
   * came before it in the outbox: placed there, it keeps its order and its distances, and does not reach into the future.
   */
  #ofEarlierRun(device: DeviceId, batch: Own, latest: number, watermark: number | null, arrival: number): number {
    const { epoch, mono } = batch;
    const known = this.#offsets.find(device, epoch, mono);
    if (known) return known.zero + mono;
    const zero = Math.min(latest, watermark === null ? latest : watermark + 1) - mono;
    this.#offsets.keep(device, epoch, { mono, zero }, arrival);
    return zero + mono;
  }

  /** Two batches of one device that arrive in the same millisecond must not overwrite each other. */
  #freeEnd(device: DeviceId, arrival: number): number {
    const end = Math.max(arrival, (this.#ends.get(device) ?? 0) + 1);
    this.#ends.delete(device);
    this.#ends.set(device, end);
    for (const oldest of this.#ends.keys()) {
      if (this.#ends.size <= maxEnds) break;
      this.#ends.delete(oldest);
    }
    return end;
  }
}

type Own = Batch & { readonly epoch: string; readonly mono: number };

/** Whether the batch tells the device's own time. */
function isOwn(batch: Batch): batch is Own {
  return batch.epoch !== undefined && batch.mono !== undefined && Math.abs(batch.mono) <= maxAge;
}
