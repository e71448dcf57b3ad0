import { BadInputError } from "#shared/errors";

/**
 * Milliseconds that a signer's clock may be ahead of the device's: what a machine without NTP drifts in some months. Beyond it a command
 * would be taken again by a device whose ledger was lost meanwhile.
 */
export const clockAllowance = 300_000;
/** Milliseconds that a signature may be good for: so long the device has to remember what it has carried out. */
export const maxSignedTime = 31 * 86_400_000;
/** Milliseconds that a job may take until the last of its devices is sent to: with a low rate, canaries, and pauses. */
export const jobPatience = 86_400_000;

/**
 * From when to when what is signed now is good. The console's times end a command to the second, by its own clock; the signature is to be
 * good for no less on a device whose clock differs.
 * @param wait milliseconds that it may wait until a device begins it @param now epoch ms
 * @throws BadInputError where no device would take it for so long
 */
export function goodFor(wait: number, now: number): { readonly ts: number; readonly expires: number } {
  const ts = Math.round(now);
  if (wait + clockAllowance <= maxSignedTime) return { ts, expires: ts + wait + clockAllowance };
  throw new BadInputError("a signature is good for 31 days at most: expected less time to wait for a device");
}
