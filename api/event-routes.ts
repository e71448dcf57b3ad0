import * as z from "zod/mini";
import { alertDocument } from "./alert-routes.ts";
import { commandDocument } from "./command-document.ts";
import { presenceDocument, sampleDocument } from "./device-routes.ts";
import { about } from "./document-schema.ts";
import { columnsText, fleetChanges } from "./fleet-routes.ts";
import { spoolDocument, storeDocument } from "./health-routes.ts";
import { jobSummaryDocument } from "./job-routes.ts";
import type { Route } from "./route.ts";

/** What each event of the stream carries, by its name. Consoles of later versions may tell further ones. */
export const eventDocuments = {
  presence: presenceDocument,
  removed: z.object({ device: z.string() }),
  fleet: fleetChanges,
  sample: z.object({ device: z.string(), samples: z.array(sampleDocument) }),
  command: commandDocument,
  job: jobSummaryDocument,
  alert: alertDocument,
  store: z.extend(storeDocument, { spool: spoolDocument }),
  // Of what, is asked for by who may know.
  refused: z.object({}),
} as const;

type Documents = typeof eventDocuments;
export type EventName = keyof Documents;

/** One event of the console's stream. */
export type ConsoleEvent = {
  [N in EventName]: { readonly event: N; readonly data: z.output<Documents[N]> };
}[EventName];

const query = z.object({
  device: z.optional(
    about(z.string(), "of this one alone; with `fleet`: of this one presence and samples as they come"),
  ),
  fleet: z.optional(
    about(
      columnsText,
      "in place of presence and samples of all, once a second what has changed, in these columns: the event `fleet`",
    ),
  ),
  /** Names of events with commas between them, and `store` once at the beginning; all events without it. */
  only: z.optional(z.string().check(z.maxLength(200))),
});
export type EventQuery = z.input<typeof query>;

export const eventRoutes = {
  events: {
    summary: `Server-sent events: ${Object.keys(eventDocuments).join(", ")}`,
    role: "viewer",
    query,
    // A stream has no end to be checked as a whole: each event is, by `eventDocuments`.
    answers: { 200: z.string() },
  },
} as const satisfies Record<string, Route>;
