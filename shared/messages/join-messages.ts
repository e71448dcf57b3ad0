import * as z from "zod/mini";
import { maxReleaseKeys } from "#shared/release/release-manifest";
import { provenKey } from "#shared/key-proof";
import { toldCertificate } from "#shared/messages/certificate-messages";
import { rounds } from "#shared/password";

/** Characters of what a machine says of itself. */
const maxFactLength = 128;
const fact = z.string().check(z.maxLength(maxFactLength));

/** As in Mosquitto's password file, with as few rounds as a generated secret needs. */
const hash = z
  .string()
  .check(z.regex(new RegExp(`^\\$7\\$${rounds.generated}\\$[A-Za-z0-9+/]{16}\\$[A-Za-z0-9+/]{86}==$`)));

/** What a device answers to `rotate-secret`. */
export const rotated = z.object({ hash });

/**
 * What a machine shows to be let in. Its secret it makes itself, and keeps: only the hash leaves it, so that nobody in between and no
 * log has it, and a line that is pasted twice says the same twice.
 */
export const joinQuestion = z.object({
  /** Which machine asks, made by it for this code: the same one is the same device, however often it asks. */
  machine: z.string().check(z.regex(/^[\w-]{22,64}$/)),
  hash,
  /** A key for which it is given a certificate, where the code is for one; proven for {@link machine}. */
  certificate: z.optional(provenKey),
  hostname: z.optional(fact),
  serial: z.optional(fact),
  mac: z.optional(fact),
});
export type JoinQuestion = z.output<typeof joinQuestion>;

/** The same by a code: its id and secret, with a dot between. */
export const claim = z.extend(joinQuestion, { code: z.string().check(z.maxLength(64)) });
export type Claim = z.output<typeof claim>;

/** What a machine is told that was let in. */
export const admission = z.object({
  device: z.string(),
  /** The broker, without a login. */
  broker: z.string(),
  /** The first levels of every topic. */
  root: z.string(),
  /** The certificate authorities that it is to trust, as PEM. */
  ca: z.nullable(z.string()),
  /** By which it logs in, in place of the secret. */
  certificate: z.optional(toldCertificate),
  /** Public keys that say which keys count for releases of the agent. */
  releaseRoots: z.optional(z.array(z.string().check(z.maxLength(200))).check(z.maxLength(maxReleaseKeys))),
});

export type Admission = z.output<typeof admission>;

/** What a machine is told that asks without a code. */
export const joinVerdict = z.object({
  state: z.enum(["waiting", "denied", "approved"]),
  admission: z.nullable(admission),
});
