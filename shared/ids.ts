import { randomBytes } from "node:crypto";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

/** A device's id: its MQTT client id and user name. Comes into being only by {@link parseDeviceId}. */
export type DeviceId = string & { readonly brand: "DeviceId" };
/** A command's id: the last level of its task's and its replies' topics. Comes into being only by parsing or {@link newCommandId}. */
export type CommandId = string & { readonly brand: "CommandId" };

const devicePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const commandPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Ids that mean something else in the topic tree. */
const reservedDevices = new Set(["console"]);

/** The device id in `text`, or undefined where it is none. */
export function asDeviceId(text: string): DeviceId | undefined {
  return devicePattern.test(text) && !reservedDevices.has(text) ? (text as DeviceId) : undefined;
}

/** The device id in `text`. @throws BadInputError naming the rule. */
export function parseDeviceId(text: string): DeviceId {
  const id = asDeviceId(text);
  if (id) return id;
  if (reservedDevices.has(text)) throw new BadInputError(`"${text}" is reserved and cannot be a device's id`);
  throw new BadInputError(
    `device id ${quoted(text)} is not valid: expected 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit`,
  );
}

/** The command id in `text`, or undefined where it is none. */
export function asCommandId(text: string): CommandId | undefined {
  return commandPattern.test(text) ? (text as CommandId) : undefined;
}

/** The command id in `text`. @throws BadInputError naming the rule. */
export function parseCommandId(text: string): CommandId {
  const id = asCommandId(text);
  if (id) return id;
  throw new BadInputError(
    `command id ${quoted(text)} is not valid: expected 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
  );
}

/**
 * A new command id that sorts by time: 9 characters of milliseconds in base 36, then 5 of a counter, then 13 random ones. Those
 * are 65 bits: who may publish but not read must not be able to guess the id of a command that is under way.
 */
export function newCommandId(now: number): CommandId {
  return sortableId(now, 13) as CommandId;
}

let lastMillisecond = 0;
let counter = 0;

/** An id that sorts after every earlier one of this process, and by time between processes. */
export function sortableId(now: number, random = 5): string {
  if (now > lastMillisecond) {
    lastMillisecond = now;
    counter = 0;
  }
  counter += 1;
  return lastMillisecond.toString(36).padStart(9, "0") + counter.toString(36).padStart(5, "0") + shortId(random);
}

const alphabet = "0123456789abcdefghijklmnopqrstuv";

/** `length` random characters of 5 bits each: for boot, session and instance ids. */
export function shortId(length = 10): string {
  let id = "";
  for (const byte of randomBytes(length)) id += alphabet[byte & 31];
  return id;
}

/** The nearest valid device id to a machine's host name. */
export function deviceIdFromHostname(hostname: string): DeviceId {
  const cleaned = hostname
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 63);
  return asDeviceId(cleaned) ?? parseDeviceId("device");
}
