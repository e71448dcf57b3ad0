import { createHash } from "node:crypto";

/** Hexadecimal digits that are shown: 128 bits. */
const digits = 32;

/**
 * What a machine that asks to join and the console show to people, who compare: of the machine's hash and of the one authority by which the console is
 * known, as each side sees them. The machine makes its hash anew at every run, and after it has been told the authority: somebody in between, who has
 * another authority, has to find for the console a hash of his own that gives just these 128 bits, and cannot choose on both sides until two agree. Without
 * TLS there is no authority, and it proves nothing.
 * @param authority SHA-256 of its certificate, in hexadecimal digits; null where there is none of the console's own
 */
export function joinFingerprint(hash: string, authority: string | null): string {
  const digest = createHash("sha256")
    .update([hash, ...(authority === null ? [] : [authority])].join("\n"))
    .digest("hex");
  return (digest.slice(0, digits).match(/.{4}/g) ?? []).join("-");
}
