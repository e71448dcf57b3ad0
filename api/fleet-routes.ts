import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { whereText } from "./where-text.ts";
import { about, limit, nextPlace, placeInList } from "./document-schema.ts";

const value = z.union([z.number(), z.string(), z.boolean()]);
const cell = z.union([value, z.null(), z.array(value)]);

/** A device's cells, in the order of the columns that were asked for; the first one is its id. */
const fleetRow = z.array(cell);
export type FleetCells = z.output<typeof fleetRow>;

/** Columns as they are asked for. */
export const columnsText = about(
  z.string().check(z.maxLength(2_000)),
  "columns with commas between: names of the filter language (state, group, version, mem.used_percent), and seen, since, silentAfter, reason, boot, interval, signers, sampled, missing",
);
const revision = about(z.string(), "up to where it tells: `since` of the next question");

const fleetDocument = z.object({
  columns: z.array(z.string()),
  rows: about(z.array(fleetRow), "by their ids; fewer than the limit where there is no more room"),
  whole: about(
    z.boolean(),
    "whether these are all; false: only what has changed since the revision that was asked for",
  ),
  gone: about(z.array(z.string()), "devices that are no more, or fit no more, since that revision"),
  revision,
  next: nextPlace,
});
export type FleetDocument = z.output<typeof fleetDocument>;

/** What the `fleet` event carries. */
export const fleetChanges = z.object({ rows: z.array(fleetRow), revision });
export type FleetChanges = z.output<typeof fleetChanges>;

const filterNames = z.object({
  names: z.array(
    z.object({ name: z.string(), values: about(z.array(z.string()), "some that it has, the most frequent first") }),
  ),
});

export const fleetRoutes = {
  getFleet: {
    summary: "The fleet as a table of the columns asked for, in pages; later only what has changed",
    role: "viewer",
    query: z.object({
      columns: z._default(columnsText, "state,version"),
      where: z.optional(whereText),
      since: z.optional(
        about(z.string().check(z.maxLength(64)), "`revision` of an answer before, to the same columns"),
      ),
      limit: limit(10_000, 10_000),
      after: placeInList("devices behind this one"),
    }),
    answers: { 200: fleetDocument },
  },
  listFilterNames: {
    summary: "What filters and columns can name, with some values, for completion",
    role: "viewer",
    answers: { 200: filterNames },
  },
} as const satisfies Record<string, Route>;
