import { counted } from "#shared/counted";
import { payloadCap, type Encoding } from "#shared/codec";
import { formatDuration, maxWait } from "#shared/duration";
import { newCommandId, type CommandId, type DeviceId } from "#shared/ids";
import type { Args } from "#shared/messages/command-messages";
import type { Signature } from "#shared/messages/command-signature";
import { onlyPublishes, onlyPublishing, type Device } from "../devices/device.ts";
import { retiredSince } from "../devices/retirements.ts";
import type { Command } from "./command.ts";
import { CommandRefusedError, type RefusedCommand } from "./command-errors.ts";
import { checkOffered } from "./offered.ts";

export interface Order {
  readonly key: string;
  readonly args?: Args | undefined;
  /** Who sends it. */
  readonly by: string;
  /** Where from, for the audit log: an address, `mqtt`. */
  readonly from?: string | undefined;
  /** An id of the sender's own; a new one otherwise. */
  readonly id?: CommandId | undefined;
  /** Milliseconds the caller waits; null when nobody does. */
  readonly timeout: number | null;
  /** Milliseconds it may wait for the device; without it the command is a call, and ends with its caller's patience. */
  readonly ttl?: number | undefined;
  /** The end of that, where its sender has named the moment himself (epoch ms): by whatever clock the console goes. */
  readonly expires?: number | undefined;
  readonly encoding?: Encoding | undefined;
  /** A person's word for it, under its `id`: handed on to the device as it is. */
  readonly signature?: Signature | undefined;
}

/** What an order is checked by. */
export interface OrderLooks {
  /** The device as the registry knows it. */
  readonly device: Device | undefined;
  /** Whether the device has had a command of the order's id already. */
  readonly isTaken: boolean;
  /** How many commands are open: all, and of the device. What waits is kept in memory, in rows and at the broker. */
  readonly open: { readonly all: number; readonly own: number };
  /** Whether the present moment may be any distance from the true one. */
  readonly unsure: boolean;
}

/** Open commands of one device, and of all: hand-typed tasks and queued ones pile up at a device that is away. */
export const maxOpenOfDevice = 1_000;
export const maxOpen = 20_000;

/** @throws CommandRefusedError with the first reason not to take the order */
export function checkOrder(id: DeviceId, order: Order, { device, isTaken, open, unsure }: OrderLooks): Device {
  const refused: RefusedCommand = { device: id, key: order.key, args: order.args };
  if (!device) throw new CommandRefusedError("unknown-device", `there is no device "${id}"`, refused);
  assertInService(device, refused);
  if (device.commands) checkOffered(id, device.commands, refused, device.noUpdate);
  checkSigned(device, order.signature, refused);
  if (isTaken) {
    const why = `${id} has had a command "${order.id}" already: choose another id`;
    throw new CommandRefusedError("id-taken", why, refused);
  }
  checkRoom(id, open, refused);
  const long = whyTooLong(order, unsure);
  if (long !== undefined) throw new CommandRefusedError("bad-arguments", long, refused);
  if (device.online || order.ttl !== undefined) return device;
  if (onlyPublishes(device)) {
    const why = `${onlyPublishing(id)}; give a ttl (--ttl 1h) to have the command wait for one, or for firmware that takes it all the same`;
    throw new CommandRefusedError("offline", why, refused);
  }
  const why = `${id} is offline (${device.reason ?? "never heard"}): give a ttl (--ttl 1h) to have the command wait for it`;
  throw new CommandRefusedError("offline", why, refused);
}

/** @throws CommandRefusedError */
export function assertInService({ id, retired }: Device, refused: RefusedCommand): void {
  if (!retired) return;
  const why = `${retiredSince(id, retired)} and takes no commands: bring it back with muster device return ${id}`;
  throw new CommandRefusedError("retired", why, refused);
}

/**
 * The device judges the signature itself, by keys that it has pinned: what it would certainly refuse is told before it is sent.
 * @throws CommandRefusedError
 */
export function checkSigned(
  { id, signers }: Device,
  signature: Pick<Signature, "key"> | undefined,
  refused: RefusedCommand,
): void {
  if (!signers || (signature && signers.includes(signature.key))) return;
  const what = signature ? `the key ${signature.key} is none of those` : "this one is not signed";
  const keys = signers.length > 0 ? ` (${signers.join(", ")})` : "";
  const why = `${id} takes only commands that are signed by a key that is pinned there${keys}, and ${what}: sign it with muster send --sign KEYFILE, or on the page in a browser that has such a key`;
  throw new CommandRefusedError("unsigned", why, refused);
}

function checkRoom(id: DeviceId, { all, own }: OrderLooks["open"], refused: RefusedCommand): void {
  const full =
    own >= maxOpenOfDevice
      ? `${counted(own, "command")} of ${id}`
      : all >= maxOpen
        ? counted(all, "command")
        : undefined;
  if (full === undefined) return;
  throw new CommandRefusedError("too-many", `${full} are open already: withdraw some, or wait for their end`, refused);
}

/**
 * Why its times are too long; undefined where they are not. A row whose moments no Date can hold would not read again, and nothing be
 * known of its command. How far ahead `expires` is, nobody can say while the present moment is not known.
 */
function whyTooLong({ timeout, ttl, expires }: Order, unsure: boolean): string | undefined {
  const most = `expected ${formatDuration(maxWait)} at most`;
  if (timeout !== null && !(timeout <= maxWait)) return `timeout is ${timeout} ms: ${most}`;
  if (ttl === undefined || ttl <= maxWait || (expires !== undefined && unsure)) return undefined;
  return expires === undefined ? `ttl is ${ttl} ms: ${most}` : `expires is ${Math.round(ttl)} ms ahead: ${most}`;
}

/**
 * The command that an order makes.
 * @param ts the present moment, epoch ms; `unsure` where that may be any distance from the true one
 */
export function commandOf({ id: device, online }: Device, order: Order, ts: number, unsure: boolean): Command {
  return {
    id: order.id ?? newCommandId(ts),
    device,
    key: order.key,
    args: order.args ?? {},
    by: order.by,
    ts,
    timeout: order.timeout,
    expires: order.expires ?? (order.ttl === undefined ? null : ts + order.ttl),
    ...(unsure && order.expires === undefined ? { unsure: true } : {}),
    state: "queued",
    timeline: [{ ts, who: "console", what: `taken from ${order.by}` }],
    online,
    encoding: order.encoding ?? "json",
    ...(order.signature ? { signature: order.signature } : {}),
  };
}

/** What no device would take is not sent. @param bytes of its task @throws CommandRefusedError */
export function checkSize(command: Command, bytes: number): void {
  if (bytes <= payloadCap) return;
  const why = `the command has ${counted(bytes, "byte")}: expected ${payloadCap} at most, which is what devices take`;
  throw new CommandRefusedError("bad-arguments", why, command);
}
