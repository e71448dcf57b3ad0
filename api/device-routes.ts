import * as z from "zod/mini";
import { signature } from "#shared/messages/command-signature";
import { livenesses } from "#shared/liveness";
import { fieldShape } from "#shared/messages/descriptions";
import { json, jsonObject } from "#shared/messages/payload-schema";
import { whereText } from "./where-text.ts";
import type { Route } from "./route.ts";
import {
  about,
  commandId,
  deviceId,
  limit,
  named,
  nextPlace,
  noByDefault,
  placeInList,
  time,
  timeOrNull,
} from "./document-schema.ts";

const fieldValue = z.union([z.number(), z.string(), z.boolean()]);
const tags = z.record(z.string(), z.string());
export type SampleValue = z.output<typeof fieldValue>;
export type SampleTags = z.output<typeof tags>;

/** One measurement's values at one instant. */
export const sampleDocument = named(
  z.object({
    measurement: z.string(),
    tags: about(tags, "without host: the device is known"),
    ts: time,
    fields: z.record(z.string(), fieldValue),
    times: about(
      z.optional(z.record(z.string(), time)),
      "of a newest sample: when those fields were taken that an earlier one has told, left out of the others",
    ),
  }),
  "Sample",
);
export type SampleDocument = z.output<typeof sampleDocument>;

/** A command that a device offers. */
const offerDocument = z.object({
  title: z.optional(z.string()),
  args: z.optional(about(jsonObject, "the JSON Schema by which the console checks its arguments")),
  onInterrupt: z.optional(z.enum(["rerun", "fail", "verify"])),
  concurrent: z.optional(z.boolean()),
  undo: z.optional(z.string()),
  unchecked: z.optional(about(z.string(), "why its arguments are checked by the device alone")),
});
export type OfferDocument = z.output<typeof offerDocument>;

/** How a device is and what it says about itself: what the `presence` event carries. */
export const presenceDocument = named(
  z.object({
    id: z.string(),
    name: z.optional(about(z.string(), "what people call it; left out where it has no name but its id")),
    note: z.optional(about(z.string(), "what people have written down about it")),
    tags: z.optional(about(z.array(z.string()), "words by which people find it")),
    groups: z.optional(about(z.array(z.string()), "the groups that it is in")),
    retired: z.optional(
      about(
        z.object({ by: z.string(), ts: time }),
        "that it is out of service: let in no more, and kept with its history",
      ),
    ),
    online: z.boolean(),
    since: about(timeOrNull, "when it came online or went offline, in milliseconds since 1970-01-01 UTC"),
    lastSeen: timeOrNull,
    silentAfter: z.optional(
      about(
        z.nullable(z.number()),
        "of a device without an agent: milliseconds without a word after which it is silent, by its own rhythm; null of others",
      ),
    ),
    reason: about(z.nullable(z.string()), "why it is offline"),
    boot: z.nullable(z.string()),
    session: z.nullable(z.string()),
    agent: z.nullable(z.string()),
    /** The beginning of the SHA-256 of its agent's file, where it tells it. */
    build: z.optional(z.nullable(z.string())),
    noUpdate: z.optional(about(z.string(), "why it offers no update, as the rest of a sentence")),
    interval: about(z.nullable(z.number()), "milliseconds between its samples"),
    paused: z.boolean(),
    collectors: z.optional(
      about(z.record(z.string(), z.boolean()), "what it measures by itself, and whether that is switched on"),
    ),
    facts: z.record(z.string(), json),
    commands: about(z.record(z.string(), offerDocument), "what it offers, by key"),
    signers: z.optional(
      about(
        z.array(z.string()),
        "ids of the keys by which its commands have to be signed; left out where they need not be",
      ),
    ),
    problem: about(z.nullable(z.string()), "something that a person should look at"),
    skew: about(z.nullable(z.number()), "milliseconds that its clock is ahead of the console's"),
  }),
  "Presence",
);
export type PresenceDocument = z.output<typeof presenceDocument>;

/** How a device shows who it is. */
const identityDocument = z.object({
  by: about(z.enum(["secret", "certificate", "none"]), "none: it has no account, or its certificate has ended"),
  until: about(timeOrNull, "when its certificate ends"),
  authority: about(z.nullable(z.string()), "the name of the authority that has signed it"),
});
export type IdentityDocument = z.output<typeof identityDocument>;

const knownField = z.object({
  ...fieldShape,
  by: z.optional(about(z.string(), "who has said its unit or title here; left out where the device has")),
});
const knownMeasurement = z.object({
  title: fieldShape.title,
  description: fieldShape.description,
  fields: z.record(z.string(), knownField),
});

export const deviceDocument = named(
  z.extend(presenceDocument, {
    state: z.optional(
      about(
        z.enum(livenesses),
        "online and offline are of agents, reporting and silent (since lastSeen) of devices that only publish",
      ),
    ),
    identity: z.optional(about(identityDocument, "how it shows who it is")),
    missing: about(z.number(), "samples that will never come"),
    latest: about(z.array(sampleDocument), "the newest sample of each series; in lists, only what tells how it is"),
    measurements: z.optional(
      about(
        z.record(z.string(), knownMeasurement),
        "what people, and before them the device, have said of what it measures; in lists left out",
      ),
    ),
  }),
  "Device",
);
export type DeviceDocument = z.output<typeof deviceDocument>;

const ends = (which: string) =>
  z.optional(about(z.array(z.number()), `with extremes: the ${which} value behind each point's mean, in their order`));
const seriesDocument = z.object({
  tags,
  points: z.array(z.tuple([z.number(), fieldValue])),
  lows: ends("least"),
  highs: ends("greatest"),
  thinned: z.optional(
    about(
      z.array(z.object({ from: time, to: time, step: about(z.number(), "milliseconds") })),
      "the times of which the embedded store has no more than what each step comes to: a point is its mean, or the last state",
    ),
  ),
});
const historyDocument = z.object({
  device: z.string(),
  measurement: z.string(),
  field: z.string(),
  from: time,
  to: time,
  every: about(z.number(), "milliseconds; 0 for raw values"),
  series: z.array(seriesDocument),
});
export type SeriesDocument = z.output<typeof seriesDocument>;
export type HistoryDocument = z.output<typeof historyDocument>;

const moment = about(z.string(), "epoch milliseconds, ISO 8601, now, or a duration ago such as -15m");
const name = z.string().check(z.minLength(1), z.maxLength(128));
const params = z.object({ id: deviceId });

export const deviceRoutes = {
  listDevices: {
    summary: "The fleet, in pages, with the few newest values that tell how each device is",
    role: "viewer",
    query: z.object({
      limit: limit(10_000, 10_000),
      after: placeInList("devices behind this one"),
      where: z.optional(whereText),
    }),
    answers: {
      200: z.object({
        devices: about(z.array(deviceDocument), "by their ids; fewer than the limit where there is no more room"),
        next: nextPlace,
      }),
    },
  },
  getDevice: {
    summary: "One device",
    role: "viewer",
    params,
    answers: { 200: deviceDocument },
    problems: [404],
  },
  removeDevice: {
    summary:
      "Take a device away: account, connections, open commands, groups, what is known of it; its samples stay in the store",
    role: "admin",
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
  rotateSecret: {
    summary: "Have a device that has joined make itself another secret; its old one ends when it has come in with that",
    role: "operator",
    params,
    body: z.strictObject({
      id: z.optional(about(commandId, "the command's, which its signature is for")),
      signature: z.optional(
        about(
          signature,
          "a person's word for it, on {} as its arguments: for devices that take no command without one",
        ),
      ),
    }),
    answers: { 204: z.null() },
    problems: [404, 409, 422, 502, 504],
  },
  revokeCertificate: {
    summary:
      "End a device's certificate, and at once what it has open with it; its secret, where it has one, stays as it is",
    role: "operator",
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
  listSeries: {
    summary: "What a device has sent in a time: its series with their fields, and of each the last value then",
    role: "viewer",
    params,
    query: z.object({ from: z._default(moment, "-15m"), to: z._default(moment, "now") }),
    answers: {
      200: z.object({
        device: z.string(),
        from: time,
        to: time,
        series: about(
          z.array(sampleDocument),
          "as the newest samples of a device are told; the first 500 series of it, and of the embedded store the fields of the last rows and of some before them",
        ),
      }),
    },
    problems: [404],
  },
  getHistory: {
    summary: "One field's history",
    role: "viewer",
    params,
    query: z.object({
      measurement: name,
      field: name,
      from: z._default(moment, "-15m"),
      to: z._default(moment, "now"),
      every: z.optional(
        about(
          z.string(),
          "the mean of each such interval, as 10s or 500ms; 0 for raw values; fitting the range by default",
        ),
      ),
      extremes: about(noByDefault, "with each mean the least and the greatest value of its interval"),
    }),
    answers: { 200: historyDocument },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
