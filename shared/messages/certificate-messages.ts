import * as z from "zod/mini";
import { provenKey } from "#shared/key-proof";
import { epochMs, read } from "#shared/messages/payload-schema";

/** Characters of a certificate of ours: twice what one with the longest device's id has. */
export const maxCertificateText = 2_000;

/** A certificate for a device, as it is told. */
export const toldCertificate = z.object({
  pem: z.string().check(z.maxLength(maxCertificateText)),
  /** From when on, by the console's clock, the device is to ask for another one. */
  renew: epochMs,
});
export type ToldCertificate = z.output<typeof toldCertificate>;

/** What a device publishes on `renew`. */
export const readRenewal = (payload: Buffer): z.output<typeof provenKey> => read(provenKey, payload, "renewal").value;

/** What the console answers on `certificate`. */
export const readCertificate = (payload: Buffer): ToldCertificate =>
  read(toldCertificate, payload, "certificate").value;
