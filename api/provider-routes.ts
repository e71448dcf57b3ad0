import * as z from "zod/mini";
import { about } from "./document-schema.ts";
import type { Route } from "./route.ts";

/** Characters of each thing that a browser brings back from an identity provider. */
export const maxProviderAnswer = 4_096;

const text = z.string().check(z.maxLength(maxProviderAnswer));
const elsewhere = { 303: z.null() };

/** Logging in by an identity provider: two of these are for browsers, which are led on. */
export const providerRoutes = {
  listLoginWays: {
    summary: "How people log in on the page, besides name and password",
    answers: {
      200: z.object({
        provider: about(z.nullable(z.string()), "the identity provider's host; null where there is none"),
      }),
    },
  },
  beginProviderLogin: {
    summary: "Leads a browser to the identity provider (OpenID Connect)",
    query: z.object({
      here: z.optional(about(z.literal("1"), "that this is the address to which the way back leads")),
    }),
    answers: elsewhere,
    problems: [404],
  },
  endProviderLogin: {
    summary: "Where the identity provider leads a browser back to: sets the session cookie",
    query: z.object({
      code: z.optional(text),
      state: z.optional(text),
      iss: z.optional(text),
      error: z.optional(text),
      error_description: z.optional(text),
    }),
    answers: elsewhere,
    problems: [404],
  },
} as const satisfies Record<string, Route>;
