import * as z from "zod/mini";
import { about } from "./document-schema.ts";
import type { Route } from "./route.ts";
import { accountName, secondFactorCode } from "./session-routes.ts";

/** The second factor of one's own account, and taking away somebody's. */
export const secondFactorRoutes = {
  beginSecondFactor: {
    summary: "Make a key for one's authenticator; it counts once it is confirmed",
    role: "viewer",
    person: true,
    answers: {
      201: z.object({
        secret: about(z.string(), "the key in base 32, told this once"),
        uri: about(z.string(), "the same as an otpauth address"),
        qr: about(z.array(z.string()), "that as a QR code: rows of 1 for dark and 0 for light"),
      }),
    },
    problems: [409],
  },
  confirmSecondFactor: {
    summary: "Show by a code that the authenticator has the key: it is asked for at each login from now on",
    role: "viewer",
    person: true,
    body: z.strictObject({ code: secondFactorCode }),
    answers: {
      200: z.object({ recovery: about(z.array(z.string()), "codes that are good once each, told this once") }),
    },
    problems: [409, 422],
  },
  resetSecondFactor: {
    summary: "Take somebody's second factor away: the password is enough again",
    role: "admin",
    fleet: true,
    person: true,
    params: z.object({ name: accountName }),
    answers: { 204: z.null() },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
