import { createHash } from "node:crypto";
import { certificatesIn, fingerprintOf } from "#shared/pinned-ca";

/**
 * What a machine that asks to join and the console show to people, who compare: of the machine's hash and of the authorities by which the console is
 * known, as each side sees them. Somebody in between has other authorities, and cannot find a hash that makes up for it: 80 bits.
 * @param ca as PEM; null without TLS
 */
export function joinFingerprint(hash: string, ca: string | null): string {
  const authorities = ca === null ? [] : certificatesIn(ca).map(fingerprintOf).sort();
  const digest = createHash("sha256")
    .update([hash, ...authorities].join("\n"))
    .digest("hex");
  return (digest.slice(0, 20).match(/.{4}/g) ?? []).join("-");
}
