import type { CommandOrder } from "#api/command-routes";
import type { JobOrder } from "#api/job-routes";
import { commandStatement, jobStatement } from "#shared/signing/statement";
import { goodFor, jobPatience } from "#shared/signing/times";
import type { BrowserKey } from "./browser-key.ts";
import { targetsOf } from "./target-root.ts";

/** Milliseconds that the console waits where the form says nothing. */
const usualWait = 5_000;
/** And that each of a job's commands may wait for its device. */
const usualJobWait = 3_600_000;

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
  const times = goodFor(wait, now);
  const id = idOf(now, random);
  const value = await key.sign(commandStatement({ device, id, key: order.key, args: order.args ?? {}, ...times }));
  return { ...order, id, signature: { key: key.id, ...times, value } };
}

/** One command for these devices and for no others, signed once, over their list. */
export async function signJobOrder(
  key: BrowserKey,
  devices: readonly string[],
  order: JobOrder,
  now = Date.now(),
  random = randomText(),
): Promise<JobOrder> {
  const times = goodFor(Number(order.ttl ?? usualJobWait) + jobPatience, now);
  const id = idOf(now, random);
  const stated = { id, key: order.key, args: order.args ?? {}, ...times };
  const value = await key.sign(jobStatement(stated, await targetsOf(devices)));
  return { ...order, target: { devices: [...devices] }, id, signature: { key: key.id, ...times, value } };
}

/** Sorted by its time, as those of the console. */
function idOf(now: number, random: string): string {
  return now.toString(36).padStart(9, "0") + random;
}

function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte & 31).toString(32)).join("");
}
