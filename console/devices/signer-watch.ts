import type { Clock } from "#shared/clock";
import type { Audit } from "../audit/audit.ts";
import type { Device } from "./device.ts";

export interface SignerWatchOptions {
  readonly audit: Pick<Audit, "note">;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Milliseconds between two entries about one device: one that says other keys with each birth would push all else out of the log. */
export const signersNotedEvery = 60_000;

/**
 * Writes down where a device says that other keys are pinned on it than it said before, or that none are any more: whoever took them off
 * it may send it anything.
 */
export class SignerWatch {
  readonly #options: SignerWatchOptions;
  readonly #noted = new Map<string, { readonly keys: string | undefined; readonly at: number }>();

  constructor(options: SignerWatchOptions) {
    this.#options = options;
  }

  /** To be told of each birth. @param before the device as it was known until then */
  born(before: Device | undefined, { id, signers }: Device): void {
    const { audit, clock } = this.#options;
    const noted = this.#noted.get(id);
    const keys = signers?.join(" ");
    const was = noted ? noted.keys : before?.signers?.join(" ");
    if (keys === was || (noted && clock.monotonic() - noted.at < signersNotedEvery)) return;
    this.#noted.set(id, { keys, at: clock.monotonic() });
    const result = signers ? "ok" : "needs no signature any more";
    audit.note({ who: id, from: "mqtt", what: "signers.changed", on: id, result, detail: { before: was, now: keys } });
  }
}
