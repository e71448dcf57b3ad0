import { createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";

/** Characters of a public key of the one kind that is taken: 124, as base64 of 91 bytes. */
export const maxKeyCharacters = 200;
/** And of a signature by it: 96. */
export const maxProofCharacters = 150;
const base64 = z.string().check(z.regex(/^[A-Za-z0-9+/]+={0,2}$/, "expected base64"));

/**
 * A public key for which a certificate is asked, and the proof that whoever asks has the private one. A certificate request (PKCS #10) says
 * no more, but for a name that the console knows better; and a device would need a writer of ASN.1 for it, the console a reader.
 */
export const provenKey = z.object({
  /** SubjectPublicKeyInfo of a P-256 key, DER in base64. */
  key: base64.check(z.maxLength(maxKeyCharacters)),
  /** ECDSA with SHA-256 over {@link statement}, DER in base64. */
  proof: base64.check(z.maxLength(maxProofCharacters)),
});
export type ProvenKey = z.output<typeof provenKey>;

/** @param subject who asks: the device's id, or of a machine that joins what it calls itself for that */
function statement(subject: string, key: string): Buffer {
  return Buffer.from(`muster certificate 1\n${subject}\n${key}`);
}

export function proveKey(subject: string, privateKey: KeyObject): ProvenKey {
  const key = createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64");
  return { key, proof: sign("sha256", statement(subject, key), privateKey).toString("base64") };
}

/** @returns the key @throws BadInputError where it is none of ours, or whoever sent it has not shown that it is his */
export function checkKey(subject: string, { key, proof }: ProvenKey): KeyObject {
  const publicKey = readKey(key);
  if (!verify("sha256", statement(subject, key), publicKey, Buffer.from(proof, "base64")))
    throw new BadInputError("the proof is not that of the key, or of somebody else's request");
  return publicKey;
}

function readKey(key: string): KeyObject {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" });
  } catch (cause) {
    throw new BadInputError("the key does not read: expected SubjectPublicKeyInfo, DER in base64", { cause });
  }
  if (publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1") return publicKey;
  throw new BadInputError(`the key is of another kind: expected one on the curve P-256`);
}
