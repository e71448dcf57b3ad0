import * as z from "zod/mini";
import { keyId } from "#shared/messages/command-signature";
import { fingerprint, maxAuthorities } from "#shared/messages/authorities-message";
import { descriptions } from "#shared/messages/descriptions";
import { atMost, count, epochMs, json, jsonObject, read, payloadText, token } from "#shared/messages/payload-schema";

/** A command's key: `ping`, `set-interval`, `exec:backup`. */
export const commandKey = z
  .string()
  .check(z.regex(/^[a-z][a-z0-9:._-]{0,63}$/, "expected a command key such as set-interval"));

/** What a handler says about an interruption: run again, answer `interrupted`, or ask its `verify`. */
export const onInterrupt = z.enum(["rerun", "fail", "verify"]);

/** A command that a device offers, as it announces it: `args` is a JSON Schema. */
export const offer = z.object({
  title: z.optional(payloadText),
  args: z.optional(jsonObject),
  onInterrupt: z.optional(onInterrupt),
  concurrent: z.optional(z.boolean()),
  /** The command that takes back what this one did. */
  undo: z.optional(commandKey),
});
export type Offer = z.infer<typeof offer>;

/** Commands that a device offers at most: its executables' descriptions together have 16 KiB. */
export const maxOffers = 256;
/** Things that it measures by itself, each switched on or off: we have a dozen. */
export const maxCollectors = 64;
/** Keys that an agent pins at most: a fleet has a few operators. */
export const maxSigners = 32;
/** What it tells of itself: facts are for looking at and for choosing devices by. */
export const maxFacts = 64;

const mark = { version: count, hash: z.string().check(z.maxLength(64)) };
const config = z.object({ ...mark, failed: z.optional(z.object({ ...mark, why: payloadText })) });

const birth = z.object({
  v: z.literal(1),
  online: z.literal(true),
  boot: token,
  session: token,
  instance: z.optional(token),
  agent: z.optional(payloadText),
  /** The beginning of the SHA-256 of the agent's file, by which it is known from others of the same version. */
  build: z.optional(token),
  /** Why it offers no `update`, as the rest of a sentence. */
  noUpdate: z.optional(payloadText),
  ts: z.optional(epochMs),
  /** The newest moment (`ts`) that this run had heard of a console before this one came: what that must know. */
  heard: z.optional(epochMs),
  interval: z.optional(count),
  paused: z.optional(z.boolean()),
  /** What the device measures by itself, by name, and whether it is switched on. */
  collectors: z.optional(atMost(maxCollectors, z.record(z.string().check(z.maxLength(64)), z.boolean()))),
  /** What it says of what it measures: titles, units, between which values a field lies. */
  measurements: z.optional(descriptions),
  commands: z.optional(atMost(maxOffers, z.record(commandKey, offer))),
  facts: z.optional(atMost(maxFacts, z.record(z.string().check(z.maxLength(64)), json))),
  /** The ids of the keys by which its commands have to be signed; left out where they need not be. */
  signers: z.optional(z.array(keyId).check(z.maxLength(maxSigners))),
  /** With TLS: the authorities that the agent trusts alone, by the SHA-256 of their certificates. */
  trusts: z.optional(atMost(maxAuthorities, z.array(fingerprint))),
  /** The serial number of the certificate by which it is connected; those that it had before are over then. */
  certificate: z.optional(
    z.string().check(z.regex(/^[0-9A-F]{1,40}$/, "expected a serial number in hexadecimal digits")),
  ),
  /** Which settings of the console's hold, by their number and hash; and those that were tried last and did not. */
  config: z.optional(config),
  /** What a person should look at, as a sentence. */
  problem: z.optional(payloadText),
});
/** The retained presence of a device that is there. */
export type Birth = z.infer<typeof birth>;

const death = z.object({
  v: z.literal(1),
  online: z.literal(false),
  boot: token,
  session: token,
  reason: z.optional(payloadText),
  ts: z.optional(epochMs),
});
/** The same of one that is gone: published by itself when it stops, by the broker (the will) when it vanishes. */
export type Death = z.infer<typeof death>;

export const status = z.discriminatedUnion("online", [birth, death]);
export type Status = Birth | Death;

export const readStatus = (payload: Buffer): Status => read(status, payload, "status").value;

const port = z.int().check(z.gte(1), z.lte(65_535));

/** Where the broker takes devices with a certificate, at the host that they know: Muster's own, and a Mosquitto with Muster's settings. */
export const certificatePorts = z.object({ muster: port, mosquitto: port });
export type CertificatePorts = z.infer<typeof certificatePorts>;

/** The console's own presence. `taking` tells agents whether the store takes writes: while it does not, sending is in vain.
 * `fleet` is how many devices there are: what a broker has to take when it comes back; `names`, by how many known names batches may count. */
export const consoleStatus = z.object({
  v: z.literal(1),
  online: z.boolean(),
  session: token,
  taking: z.optional(z.boolean()),
  fleet: z.optional(count),
  names: z.optional(count),
  /** For devices with a certificate, which have to find a broker of the other kind when it takes this one's place. */
  certificatePorts: z.optional(certificatePorts),
  version: z.optional(payloadText),
  ts: z.optional(epochMs),
});
export type ConsoleStatus = z.infer<typeof consoleStatus>;

export const readConsoleStatus = (payload: Buffer): ConsoleStatus =>
  read(consoleStatus, payload, "console status").value;
