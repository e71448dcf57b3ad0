import * as z from "zod/mini";
import { about, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const authorityDocument = z.object({
  fingerprint: about(z.string(), "SHA-256 of its certificate, in hexadecimal digits"),
  name: z.string(),
  until: about(z.number(), "when it ends, in milliseconds since 1970"),
});

const tlsDocument = z.object({
  present: about(authorityDocument, "the private authority that signs"),
  next: about(
    z.nullable(z.object({ ...authorityDocument.shape, since: time })),
    "the one that takes over, in a rotation",
  ),
  bundle: about(z.string(), "the certificates of all that are trusted, as PEM: what devices and tools are given"),
  have: about(z.number(), "agents that trust the one that is to sign"),
  lacking: about(z.array(z.string()), "agents that do not, 100 of them at most"),
  lackingCount: z.number(),
  silent: about(z.number(), "devices that do not say whom they trust, as those without an agent"),
});
export type TlsDocument = z.output<typeof tlsDocument>;

const devicesTlsDocument = z.object({
  present: about(authorityDocument, "the authority that signs devices' certificates"),
  before: about(
    z.nullable(z.object({ ...authorityDocument.shape, since: time })),
    "in a rotation the one that has signed before, and is trusted still",
  ),
  have: about(z.number(), "devices with a certificate of the present one"),
  lacking: about(z.array(z.string()), "devices whose certificate is of the one before, 100 of them at most"),
  lackingCount: z.number(),
});
export type DevicesTlsDocument = z.output<typeof devicesTlsDocument>;

/** The private authorities of the installation. */
export const tlsRoutes = {
  getTls: {
    summary: "The private authority, and how far its rotation has come",
    role: "viewer",
    fleet: true,
    answers: { 200: tlsDocument },
    problems: [400],
  },
  rotateTls: {
    summary: "Begin a rotation: a new authority is made, or the given one taken, and both are trusted",
    role: "admin",
    fleet: true,
    body: z.strictObject({
      authority: about(
        z.union([z.literal("new"), z.strictObject({ cert: z.string(), key: z.string() })]),
        "new for one that is made, or one of your own: its certificate and private key, as PEM",
      ),
    }),
    answers: { 200: tlsDocument },
  },
  finishTls: {
    summary: "End a rotation: the new authority signs, and the old one is trusted no more",
    role: "admin",
    fleet: true,
    body: z.strictObject({
      leaveBehind: about(z.boolean(), "also where agents lack the new one, which cannot connect any more"),
    }),
    answers: { 200: tlsDocument },
  },
  getDevicesTls: {
    summary: "The authority of devices' certificates, and how far its rotation has come",
    role: "viewer",
    fleet: true,
    answers: { 200: devicesTlsDocument },
    problems: [400],
  },
  rotateDevicesTls: {
    summary:
      "Begin a rotation of the devices' authority: a new one is made and signs, both are trusted, and devices renew",
    role: "admin",
    fleet: true,
    answers: { 200: devicesTlsDocument },
    problems: [400],
  },
  finishDevicesTls: {
    summary:
      "End that rotation: what the old authority has signed lets nobody in any more, and what is open with it ends",
    role: "admin",
    fleet: true,
    body: z.strictObject({
      leaveBehind: about(z.boolean(), "also where devices have not renewed, which have to be enrolled again"),
    }),
    answers: { 200: devicesTlsDocument },
  },
} as const satisfies Record<string, Route>;
