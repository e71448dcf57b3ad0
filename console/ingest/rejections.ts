import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { UnfitBatch } from "#shared/messages/batch-reading";
import { refusedByStore, rejectedBatch } from "./contract/advice.ts";
import { sampleOf } from "./contract/column-check.ts";
import type { WriteOutcome } from "../store/store.ts";
import type { Misfit } from "./contract/quarantine.ts";

export interface RejectionsOptions {
  readonly clock: Clock;
  /** Puts it into the quarantine, which bounds what one device and all may have there. */
  readonly keep: (misfit: Misfit) => void;
  /** What is to be seen beside a device; null when it is over. */
  readonly problem: (device: DeviceId, problem: string | null) => void;
}

/** Milliseconds without another one after which a device is well again. */
export const remembered = 3_600_000;
/** Characters of a name, of a reason and of a sample in the quarantine. */
export const maxNoteLength = 200;
// oxlint-disable-next-line no-control-regex -- a row's key has line breaks between its parts, and people read it on a terminal
const control = /[\u0000-\u001f\u007f]/g;

/** Tells of batches that were set aside as a whole: what no console of this version will ever take. */
export class Rejections {
  readonly #options: RejectionsOptions;
  /** When the last one came, on the monotonic clock; of registered devices only. */
  readonly #last = new Map<DeviceId, number>();

  constructor(options: RejectionsOptions) {
    this.#options = options;
  }

  add(device: DeviceId, { name, why, where, value }: Omit<UnfitBatch, "kind" | "samples">): void {
    const { keep } = this.#options;
    const { measurement = "(batch)", field } = where;
    const came = name ? ` in batch ${name.seq} of ${name.outbox}` : "";
    keep({
      device,
      measurement: note(measurement),
      field: note(field),
      got: rejectedBatch,
      wanted: note(why),
      sample: note(sampled(value)) + came,
      count: 1,
    });
    this.#tell(device, `a batch was set aside as a whole: ${note(why)}`);
  }

  /** The store has refused samples for good. One entry for each kind of reason: counts and the lines themselves are in its sample alone. */
  ofStore({ device, measurement, why, count }: WriteOutcome["rejected"][number]): void {
    const kind = why.replaceAll(/'.*'/gs, "'…'").replaceAll(/dropped[ =]\d+/g, "dropped");
    const [name, wanted, sample] = [note(measurement), note(kind), note(why)];
    this.#options.keep({ device, measurement: name, field: "(samples)", got: refusedByStore, wanted, sample, count });
    this.#tell(device, `the store refuses samples of ${name}: ${wanted}`);
  }

  #tell(device: DeviceId, what: string): void {
    const { clock, problem } = this.#options;
    // The first one stays: with another reason in each message the device would be written down as often.
    if (!this.#last.has(device)) problem(device, `${what} (muster quarantine ${device})`);
    this.#last.set(device, clock.monotonic());
  }

  forget(device: DeviceId): void {
    this.#last.delete(device);
  }

  /** A batch of the device was taken. */
  taken(device: DeviceId): void {
    if (this.#last.size === 0) return;
    const last = this.#last.get(device);
    if (last === undefined || this.#options.clock.monotonic() - last < remembered) return;
    this.#last.delete(device);
    this.#options.problem(device, null);
  }
}

function note(text: string): string {
  return text.replaceAll(control, "?").slice(0, maxNoteLength);
}

function sampled(value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return sampleOf(value);
  if (value === undefined || value === null) return "nothing";
  return Array.isArray(value) ? `a list of ${value.length}` : "an object";
}
