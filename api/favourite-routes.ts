import * as z from "zod/mini";
import { commandArgs, orderedKey } from "./command-routes.ts";
import { about, duration } from "./document-schema.ts";
import type { Route } from "./route.ts";

const keptCommand = z.object({
  name: z.string(),
  key: z.string(),
  args: commandArgs,
  timeout: z.optional(about(z.number(), "milliseconds that its caller waits")),
  ttl: z.optional(about(z.number(), "milliseconds that it may wait for its device to begin it")),
});
export type KeptCommandDocument = z.output<typeof keptCommand>;

const keptView = z.object({
  name: z.string(),
  query: about(z.string(), "the query of the fleet's address on the page; empty for the usual view"),
});
export type KeptViewDocument = z.output<typeof keptView>;

/** What somebody has kept. */
export interface FavouritesDocument {
  readonly commands: readonly KeptCommandDocument[];
  readonly views: readonly KeptViewDocument[];
}

/** The longest texts that are looked at: what they may be is said in a sentence. */
const params = z.object({ name: z.string().check(z.minLength(1), z.maxLength(1_000)) });
const query = z.string().check(z.maxLength(10_000));
const forget = { params, answers: { 204: z.null() }, problems: [404] };

/** What people keep for themselves, by names of their own: commands to be sent again, views of the fleet. Everybody has his own. */
export const favouriteRoutes = {
  listFavourites: {
    summary: "Commands and views of the fleet that you have kept, by their names",
    role: "viewer",
    answers: { 200: z.object({ commands: z.array(keptCommand), views: z.array(keptView) }) },
  },
  keepCommand: {
    summary: "Keep a command under a name, in the place of one of the same; it is sent by whoever sends it",
    role: "operator",
    params,
    body: z.strictObject({
      key: orderedKey,
      args: z.optional(commandArgs),
      timeout: z.optional(duration),
      ttl: z.optional(duration),
    }),
    answers: { 200: keptCommand },
  },
  forgetCommand: { summary: "Keep a command no longer", role: "operator", ...forget },
  keepView: {
    summary: "Keep a view of the fleet under a name, in the place of one of the same",
    role: "viewer",
    params,
    body: z.strictObject({ query }),
    answers: { 200: keptView },
  },
  forgetView: { summary: "Keep a view no longer", role: "viewer", ...forget },
} as const satisfies Record<string, Route>;
