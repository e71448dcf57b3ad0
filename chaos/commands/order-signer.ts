import type { Signature } from "#shared/messages/command-signature";
import { clockAllowance, goodFor } from "#shared/signing/times";
import { person } from "../person.ts";
import { idOf, type PlannedOrder } from "./orders.ts";

/**
 * Milliseconds by which her clock is ahead, nearly as much as is allowed: a device whose ledger was damaged refuses what was signed within five
 * minutes of that, which would be the rest of the run.
 */
const ahead = clockAllowance - 10_000;

/** Her word for an order, as `muster send --sign` gives it. @param now epoch ms */
export function signOrder(order: PlannedOrder, now: number): { readonly id: string; readonly signature: Signature } {
  const { device, key, token, before, after, timeout, ttl, signedFor } = order;
  const id = idOf(order);
  const times =
    signedFor === undefined
      ? goodFor(Math.max(timeout, ttl), now + ahead)
      : { ts: Math.round(now), expires: Math.round(now) + signedFor };
  return { id, signature: person.command({ device, id, key, args: { token, before, after }, ...times }) };
}
