import { sign as signBytes, type KeyObject } from "node:crypto";
import type { Client } from "#api/client";
import type { DeviceDocument } from "#api/device-routes";
import type { JobOrder } from "#api/job-routes";
import { pages } from "#api/pages";
import { systemClock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { newCommandId, sortableId } from "#shared/ids";
import type { Signature } from "#shared/messages/command-signature";
import type { PublicKey } from "#shared/signing/public-key";
import { commandStatement, jobStatement } from "#shared/signing/statement";
import { TargetTree } from "#shared/signing/targets";
import { clockAllowance, maxSignedTime } from "#shared/signing/times";
import type { Sign } from "./send-command.ts";

/** A person's key, which no console ever sees. */
export interface Signer {
  readonly public: PublicKey;
  readonly key: KeyObject;
}

/** Milliseconds that a job may take until the last of its devices is sent to: with a low rate, canaries, and pauses. */
const jobPatience = 86_400_000;

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
 * @param now epoch ms @param more milliseconds until the last one may be sent @throws BadInputError where no device would take it for so long
 */
export function goodFor(
  ttl: string | number | undefined,
  timeout: number,
  now: number,
  more = 0,
): Pick<Signature, "ts" | "expires"> {
  const ts = Math.round(now);
  const wait = Math.max(ttl === undefined ? 0 : parseDuration(ttl, "--ttl"), timeout) + more;
  if (wait + clockAllowance <= maxSignedTime) return { ts, expires: ts + wait + clockAllowance };
  throw new BadInputError("a signature is good for 31 days at most: expected a shorter --ttl");
}

/**
 * Signs one command for the devices that the console names now, and for no others: online ones first.
 * @throws BadInputError where they cannot be listed here
 */
export async function signJob(signer: Signer, client: Client, order: JobOrder, clock = systemClock): Promise<JobOrder> {
  const devices = await devicesOf(client, order.target);
  const { targets } = new TargetTree(devices);
  const times = goodFor(order.ttl ?? "1h", 0, clock.now(), jobPatience);
  const { id = sortableId(times.ts), key, args = {} } = order;
  const value = signatureBy(signer, jobStatement({ id, key, args, ...times }, targets));
  return { ...order, target: { devices }, id, signature: { key: signer.public.id, ...times, value } };
}

async function devicesOf(client: Client, target: JobOrder["target"]): Promise<string[]> {
  if ("devices" in target) return target.devices;
  if ("where" in target)
    throw new BadInputError("--where cannot be signed, since the console says what fits it: expected --all or --group");
  const members = "group" in target ? new Set((await client.listGroups()).groups[target.group]) : undefined;
  const found: DeviceDocument[] = [];
  for await (const { devices } of pages((after) => client.listDevices(after === undefined ? {} : { after })))
    found.push(...devices.filter(({ id }) => !members || members.has(id)));
  if (found.length === 0) throw new BadInputError("there is no such device: nothing was signed");
  return found.sort((a, b) => Number(b.online) - Number(a.online)).map(({ id }) => id);
}

export function signatureBy({ key }: Signer, statement: string): string {
  return signBytes(null, Buffer.from(statement), key).toString("base64url");
}
