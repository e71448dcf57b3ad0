import { randomBytes } from "node:crypto";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { Probe } from "#shared/probe";

export interface TakeoverOptions {
  /** Where Mosquitto takes passwords, without user and password. */
  readonly url: string;
  readonly ca?: string | undefined;
  readonly clock: Clock;
  /** Whether the secret can have been taken out of Mosquitto's files meanwhile, so that there is nothing to wait for. */
  readonly isOutdated?: () => boolean;
}

/** Milliseconds for which a place is tried to be taken: Mosquitto reads its files at once, or after what it is just at. */
export const takeoverPatience = 3_000;
/** Milliseconds between two tries. */
const triedEvery = 20;

/** A secret that is in the password file for a moment, and known to this process alone. */
export function momentarySecret(): string {
  return randomBytes(20).toString("base64url");
}

/**
 * Ends what a client has open, on any broker: whoever connects with its id closes its connection (MQTT 3.1.1 §3.1.4, 5.0 §3.1.4), its will is
 * published, and with a clean session nothing of its own is left.
 * @param secret with which `name` may come in as soon as the broker has read its files
 * @returns why it did not come about; undefined where it did
 */
export async function takePlace(
  { url, ca, clock, isOutdated = () => false }: TakeoverOptions,
  name: string,
  secret: string,
): Promise<string | undefined> {
  const end = clock.monotonic() + takeoverPatience;
  for (;;) {
    try {
      const probe = await Probe.open({ url, ca, clientId: name, username: name, password: secret, version: 4 });
      await probe.end();
      return undefined;
    } catch (thrown) {
      if (clock.monotonic() >= end || isOutdated()) return asError(thrown).message;
      await new Promise<void>((resolve) => clock.after(triedEvery, resolve));
    }
  }
}
