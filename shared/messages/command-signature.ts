import * as z from "zod/mini";
import { count } from "#shared/messages/payload-schema";

/** Devices of a signed job at most, which is as many as a job may name. */
export const maxSignedTargets = 10_000;
/** Hashes on the way from one of them to the root of their tree. */
export const maxPathLength = Math.ceil(Math.log2(maxSignedTargets));

/** A key's, by which a signature names it. */
export const keyId = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_-]{16}$/, "expected a key's id, as muster keygen prints it"));

const hash = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/, "expected a SHA-256 in base64url"));

/** That a device is among a signed job's: its place in the list, and the hashes from there to the root of the tree. */
const place = z.object({
  count: z.int().check(z.gte(1), z.lte(maxSignedTargets)),
  index: count,
  path: z.array(hash).check(z.maxLength(maxPathLength)),
});

/**
 * A person's word for a command, beside it in its task: `value` is the signature of the key `key` over device, id, key, args and these `ts`
 * and `expires`, which are epoch ms by the signer's clock; docs/signing.md has the bytes.
 */
export const signature = z.object({
  key: keyId,
  ts: count,
  expires: count,
  value: z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/, "expected an Ed25519 signature in base64url")),
  job: z.optional(place),
});
export type Signature = z.infer<typeof signature>;
