import { sign as signBytes, type KeyObject } from "node:crypto";
import { systemClock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { newCommandId } from "#shared/ids";
import type { Signature } from "#shared/messages/command-signature";
import type { PublicKey } from "#shared/signing/public-key";
import { commandStatement } from "#shared/signing/statement";
import { clockAllowance, maxSignedTime } from "#shared/signing/times";
import type { Sign } from "./send-command.ts";

/** A person's key, which no console ever sees. */
export interface Signer {
  readonly public: PublicKey;
  readonly key: KeyObject;
}

/** Signs what is sent to one device. */
export function signing(signer: Signer, clock = systemClock): Sign {
  return (order, device) => {
    const times = goodFor(order.ttl, order.timeout, clock.now());
    const { id = newCommandId(times.ts), key, args = {} } = order;
    const value = signatureBy(signer, commandStatement({ device, id, key, args, ...times }));
    return { ...order, id, signature: { key: signer.public.id, ...times, value } satisfies Signature };
  };
}

/**
 * The console's times end a command to the second, by its own clock. The signature is to be good for no less on a device whose clock
 * differs.
 * @param now epoch ms @throws BadInputError where no device would take it for so long
 */
export function goodFor(
  ttl: string | number | undefined,
  timeout: number,
  now: number,
): Pick<Signature, "ts" | "expires"> {
  const ts = Math.round(now);
  const wait = Math.max(ttl === undefined ? 0 : parseDuration(ttl, "--ttl"), timeout);
  if (wait + clockAllowance <= maxSignedTime) return { ts, expires: ts + wait + clockAllowance };
  throw new BadInputError("a signature is good for 31 days at most: expected a shorter --ttl");
}

export function signatureBy({ key }: Signer, statement: string): string {
  return signBytes(null, Buffer.from(statement), key).toString("base64url");
}
