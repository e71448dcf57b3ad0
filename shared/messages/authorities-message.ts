import * as z from "zod/mini";
import { atMost, read } from "#shared/messages/payload-schema";

/** Authorities that are trusted at once: the present one, and in a rotation the next; room for one that was forgotten. */
export const maxAuthorities = 4;
/** Characters of one certificate: of elliptic keys some 600, with RSA of 8,192 bits and many words 4,000. */
export const maxCertificateCharacters = 6_000;

const certificates = atMost(maxAuthorities, z.array(z.string().check(z.maxLength(maxCertificateCharacters))));

const authorities = z.object({
  v: z.literal(1),
  /** The certificates of all that are trusted, as PEM. */
  trusted: certificates,
  /** Certificates in which one of them vouches for another: the other's name and key, with the one's signature. */
  vouched: certificates,
});
/** Whom agents are to trust: the retained word of the console on `console/ca`. */
export type Authorities = z.infer<typeof authorities>;

export const readAuthorities = (payload: Buffer): Authorities => read(authorities, payload, "authorities").value;

/** SHA-256 of a certificate, in small hexadecimal digits. */
export const fingerprint = z.string().check(z.regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"));
