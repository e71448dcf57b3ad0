import type { CommandOrder } from "#api/command-routes";
import { commandStatement } from "#shared/signing/statement";
import { clockAllowance } from "#shared/signing/times";
import type { BrowserKey } from "./browser-key.ts";

/** Milliseconds that the console waits where the form says nothing. */
const usualWait = 5_000;

/**
 * The order with an id and a person's word for it, which is good for as long as it may wait and a clock may differ.
 * @param now epoch ms by this machine's clock @param random characters that nobody can guess
 */
export async function signOrder(
  key: BrowserKey,
  device: string,
  order: CommandOrder,
  now = Date.now(),
  random = randomText(),
): Promise<CommandOrder> {
  const wait = Math.max(Number(order.timeout ?? usualWait), Number(order.ttl ?? 0));
  const times = { ts: now, expires: now + wait + clockAllowance };
  const id = now.toString(36).padStart(9, "0") + random;
  const value = await key.sign(commandStatement({ device, id, key: order.key, args: order.args ?? {}, ...times }));
  return { ...order, id, signature: { key: key.id, ...times, value } };
}

function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte & 31).toString(32)).join("");
}
