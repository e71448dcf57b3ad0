import { BadInputError } from "#shared/errors";
import { parseDuration } from "#shared/duration";
import { quoted } from "#shared/printable";

/** What goes wrong in a simulation, in devices. */
export interface Faults {
  /** Devices that drop their connection without a word, each every so many ms on average, and come back. */
  readonly flap: { readonly devices: number; readonly every: number };
  /** Devices whose wall clock is wrong. */
  readonly skew: number;
  /** Devices that exist twice, as after a copied disk. */
  readonly clone: number;
}

export const noFaults: Faults = { flap: { devices: 0, every: 0 }, skew: 0, clone: 0 };

const defaultEvery = 30_000;

/**
 * Faults as they are asked for: `flap` is a share of the devices, or a number of them, with an optional mean time, as in
 * `10%/30s`; `skew` a share or number; `clone` a number of pairs.
 * @throws BadInputError that shows how to write it
 */
export function parseFaults(asked: { flap?: string; skew?: string; clone?: string }, devices: number): Faults {
  const [share = "0", every] = (asked.flap ?? "0").split("/");
  return {
    flap: {
      devices: count("--flap", share, devices),
      every: every === undefined ? defaultEvery : parseDuration(every, "--flap's mean time"),
    },
    skew: count("--skew", asked.skew ?? "0", devices),
    clone: count("--clone", asked.clone ?? "0", devices),
  };
}

/** A share is rounded up: a tenth of five devices is one. */
function count(flag: string, text: string, devices: number): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const number = percent ? Math.ceil((Number(digits) * devices) / 100) : Number(digits);
  if (Number.isInteger(number) && number >= 0 && number <= devices) return number;
  throw new BadInputError(
    `${flag} is ${quoted(text)}: expected a share such as 5%, or a number from 0 to ${devices}, the devices`,
  );
}
