import { sign as signBytes, type KeyObject } from "node:crypto";
import type { Client } from "#api/client";
import type { JobOrder } from "#api/job-routes";
import { systemClock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import { newCommandId, sortableId } from "#shared/ids";
import type { Signature } from "#shared/messages/command-signature";
import type { PublicKey } from "#shared/signing/public-key";
import { commandStatement, jobStatement } from "#shared/signing/statement";
import { TargetTree } from "#shared/signing/targets";
import { goodFor, jobPatience } from "#shared/signing/times";
import type { Sign } from "./send-command.ts";

/** A person's key, which no console ever sees. */
export interface Signer {
  readonly public: PublicKey;
  readonly key: KeyObject;
}

/** Signs what is sent to one device. */
export function signing(signer: Signer, clock = systemClock): Sign {
  return (order, device) => {
    const ttl = order.ttl === undefined ? 0 : parseDuration(order.ttl, "--ttl");
    const times = goodFor(Math.max(ttl, order.timeout), clock.now());
    const { id = newCommandId(times.ts), key, args = {} } = order;
    const value = signatureBy(signer, commandStatement({ device, id, key, args, ...times }));
    return { ...order, id, signature: { key: signer.public.id, ...times, value } satisfies Signature };
  };
}

/** Lets a person see which devices are signed for. @throws Error where they are not meant */
export type Agree = (devices: readonly string[], target: JobOrder["target"]) => Promise<void>;

/** Signs one command for the devices that the console names now, and for no others: online ones first. */
export async function signJob(
  signer: Signer,
  client: Pick<Client, "selectTargets">,
  order: JobOrder,
  agree: Agree = async () => {},
  clock = systemClock,
): Promise<JobOrder> {
  const devices = await devicesOf(client, order.target);
  await agree(devices, order.target);
  const { targets } = new TargetTree(devices);
  const times = goodFor(parseDuration(order.ttl ?? "1h", "--ttl") + jobPatience, clock.now());
  const { id = sortableId(times.ts), key, args = {} } = order;
  const value = signatureBy(signer, jobStatement({ id, key, args, ...times }, targets));
  return { ...order, target: { devices }, id, signature: { key: signer.public.id, ...times, value } };
}

async function devicesOf(client: Pick<Client, "selectTargets">, target: JobOrder["target"]): Promise<string[]> {
  if ("devices" in target) return target.devices;
  const { devices } = await client.selectTargets("all" in target ? {} : target);
  return devices.map(({ device }) => device);
}

export function signatureBy({ key }: Signer, statement: string): string {
  return signBytes(null, Buffer.from(statement), key).toString("base64url");
}
