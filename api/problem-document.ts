import * as z from "zod/mini";
import { commandDocument } from "./command-document.ts";
import { about, named } from "./document-schema.ts";

/** Why something was refused, for programs. Consoles of later versions may know further reasons. */
export const refusalReasons = [
  "unknown-device",
  "retired",
  "offline",
  "unknown-key",
  "bad-arguments",
  "id-taken",
  "too-many",
  "unsigned",
  "unknown-group",
  "unknown-job",
  "no-devices",
  "no-takers",
  "wrong-state",
  "not-yours",
] as const;

/** Every error of the API, as `application/problem+json`. */
export const problemDocument = named(
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: about(z.string(), "a sentence for people"),
    reason: z.optional(about(z.enum(refusalReasons), "why a command or job was refused, for programs")),
    secondFactor: z.optional(
      about(z.literal(true), "the password is right, and a code of the second factor is needed"),
    ),
    command: z.optional(about(commandDocument, "of a caller whose time ran out, the command as it stands")),
    devices: z.optional(about(z.array(z.string()), "of an id that several devices have had, these")),
  }),
  "Problem",
  "what went wrong, as RFC 9457 has it; detail is a sentence",
);
export type ProblemDocument = z.output<typeof problemDocument>;
