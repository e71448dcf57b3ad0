import type { CommandDocument } from "#api/command-document";
import type { PresenceDocument, SampleDocument } from "#api/device-routes";
import type { AccountDocument } from "#api/session-routes";
import type { Principal } from "#shared/principal";
import { explainCommand } from "../desk/explain-command.ts";
import type { AnswerTimes } from "../desk/answer-times.ts";
import type { Command } from "../desk/command.ts";
import type { Device } from "../devices/device.ts";
import type { Sample } from "../devices/latest-values.ts";
import { HttpError } from "./problem.ts";

/** What leaves the console of its own objects, as the API's documents have it. */
export function toPresenceDocument(device: Device): PresenceDocument {
  // What it says of its measurements is long, and told of one device alone.
  const { signers, tags, groups, measurements: _, ...rest } = device;
  return {
    ...rest,
    ...(tags ? { tags: [...tags] } : {}),
    ...(groups ? { groups: [...groups] } : {}),
    ...(signers ? { signers: [...signers] } : {}),
    facts: { ...device.facts },
    // What was taken of a device's schemas is JSON, of which the compiler knows more than the document says.
    commands: { ...device.commands } as PresenceDocument["commands"],
  };
}

/** @param latest the newest sample of each series */
export function toSampleDocuments(latest: readonly Sample[]): SampleDocument[] {
  return latest.map(({ times, ...sample }) => ({
    ...sample,
    tags: { ...sample.tags },
    fields: { ...sample.fields },
    ...(times && { times: { ...times } }),
  }));
}

/** @param usually how long such answers take, where that is known */
export function toCommandDocument(
  command: Command,
  device: Device | undefined,
  usually?: AnswerTimes,
): CommandDocument {
  const { encoding: _, online: __, answered: ___, timeline, late, ...rest } = command;
  return {
    ...rest,
    timeline: [...timeline],
    ...(late ? { late: [...late] } : {}),
    ...(usually ? { usually } : {}),
    explain: explainCommand(command, device, usually),
  };
}

/** Devices and the console itself are let in nowhere here. @throws HttpError */
export function toAccount({ name, role, groups }: Principal): AccountDocument {
  if (role === "device" || role === "console")
    throw new HttpError(403, `"${name}" is ${role}, and no account of a person`);
  return { name, role, ...(groups ? { groups: [...groups] } : {}) };
}
