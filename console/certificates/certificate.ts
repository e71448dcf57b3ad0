import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { instant, keptDeviceId, parserOf } from "../database/row-fields.ts";

/**
 * waiting ── the device has connected with it ──► used ── with a newer one ──► replaced;  waiting ── another key is asked for ──► replaced
 * waiting, used ── by an operator's word, a removal, another secret ──► revoked
 */
export type CertificateState = "waiting" | "used" | "replaced" | "revoked";

/** A certificate of a device, as it was issued. Its private key is on the device, and was never here. */
export interface Certificate {
  readonly serial: string;
  readonly device: DeviceId;
  /** SHA-256 of the public key, in hexadecimal digits. */
  readonly key: string;
  readonly pem: string;
  readonly issued: number;
  readonly expires: number;
  readonly state: CertificateState;
  /** The fingerprint of the authority that has signed it; null where nobody has noted it yet: the first one. */
  readonly authority: string | null;
}

export const parseCertificate = parserOf<Certificate>(
  z.object({
    serial: z.string(),
    device: keptDeviceId,
    key: z.string(),
    pem: z.string(),
    issued: instant,
    expires: instant,
    state: z.enum(["waiting", "used", "replaced", "revoked"]),
    authority: z.nullable(z.string()),
  }),
);

/** From when on a device is to ask for another: two thirds of its life. */
export function renewalOf({ issued, expires }: Pick<Certificate, "issued" | "expires">): number {
  return Math.round(issued + ((expires - issued) * 2) / 3);
}
