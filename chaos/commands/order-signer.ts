import type { Signature } from "#shared/messages/command-signature";
import { clockAllowance, goodFor } from "#shared/signing/times";
import { person } from "../person.ts";
import { devices } from "../setting.ts";
import { idOf, type PlannedOrder } from "./orders.ts";

/**
 * Milliseconds by which her clock is ahead, nearly as much as is allowed: a device whose ledger was damaged refuses what was signed within five
 * minutes of that, which would be the rest of the run.
 */
const ahead = clockAllowance - 10_000;

/** Her word for an order, as `muster send --sign` gives it. @param now epoch ms */
export function signOrder(order: PlannedOrder, now: number): { readonly id: string; readonly signature: Signature } {
  return { id: idOf(order), signature: person.command({ ...statedOf(order, now), device: order.device }) };
}

/** Her word for an order that is a job, over the list of its devices, as `muster send --all --sign` gives it. */
export function signJob(
  order: PlannedOrder,
  now: number,
): { readonly id: string; readonly signature: Omit<Signature, "job"> } {
  const signed = person.job({ ...statedOf(order, now), devices }, order.device);
  const { job: _, ...signature } = signed;
  return { id: idOf(order), signature };
}

function statedOf(order: PlannedOrder, now: number) {
  const { key, token, before, after, timeout, ttl, signedFor } = order;
  const times =
    signedFor === undefined
      ? goodFor(Math.max(timeout, ttl), now + ahead)
      : { ts: Math.round(now), expires: Math.round(now) + signedFor };
  return { id: idOf(order), key, args: { token, before, after }, ...times };
}
