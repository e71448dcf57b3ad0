import type { Client } from "#api/client";
import { BadInputError } from "#shared/errors";
import { enroll, type EnrollFlags } from "./show-enrollments.ts";

/** What `muster device` does to a device as a whole. */
export const serviceActions = ["retire", "return", "replace"] as const;
export type ServiceAction = (typeof serviceActions)[number];

interface ServiceOrder {
  readonly words: readonly string[];
  readonly flags: EnrollFlags;
  /** By which a verb finds the same console. */
  readonly ofVerbs: readonly string[];
}

/** Takes a device out of service or into it again, or has another machine take its place. @returns what to print */
export async function deviceService(client: Client, action: ServiceAction, given: ServiceOrder): Promise<string> {
  const [device, ...more] = given.words;
  if (device === undefined || more.length > 0)
    throw new BadInputError(`${action} is for one device: expected muster device ${action} DEVICE`);
  if (action === "retire") {
    await client.retireDevice(device);
    return `${device} is retired: it is let in no more, its open commands are cancelled, and its history stays; muster device return ${device} brings it back`;
  }
  if (action === "return") {
    const { comesIn } = await client.bringBack(device);
    const how = comesIn
      ? "its agent comes in as before"
      : `what it came in by has ended: muster device replace ${device}`;
    return `${device} is in service again; ${how}`;
  }
  const certificate = (await client.getDevice(device)).identity?.by === "certificate";
  const { flags, ofVerbs } = given;
  const order = { ...flags, again: true, ...(certificate ? { certificate } : {}) };
  const line = await enroll(client, device, order, { now: Date.now(), flags: ofVerbs });
  return `${line}\nwhen the new machine has joined, the old secret ends, and the old machine with it; name, groups, settings and history stay. What the old one has not sent is missing then, and devices --gaps says why; what it had begun ends as interrupted`;
}
