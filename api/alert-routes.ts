import * as z from "zod/mini";
import { alertRule } from "#shared/alerts/alert-rule";
import {
  about,
  deviceId,
  duration,
  limit,
  named,
  nextPlace,
  placeInList,
  time,
  timeOrNull,
} from "./document-schema.ts";
import type { Route } from "./route.ts";

const value = z.nullable(z.union([z.number(), z.string(), z.boolean()]));
const words = z.record(z.string(), z.string());

const alertEvent = z.object({
  ts: time,
  what: z.enum([
    "fired",
    "told",
    "reminded",
    "ran",
    "spared",
    "held",
    "folded",
    "acknowledged",
    "silenced",
    "resolved",
  ]),
  by: z.optional(z.string()),
  text: z.optional(z.string()),
});

/** One time that a rule fired. */
export const alertDocument = named(
  z.object({
    id: z.string(),
    rule: z.string(),
    severity: z.string(),
    state: about(
      z.enum(["firing", "acknowledged", "silenced", "resolved"]),
      "firing, unless somebody has seen to it, nobody is to be told of it now, or it is over",
    ),
    device: about(z.nullable(z.string()), "null where it is about no single device"),
    series: about(z.string(), "which of the device's series: path=/home; a command's key; a job's id"),
    tags: about(z.nullable(words), "the series' tags, where it is about measured values"),
    since: about(time, "since when the condition held, by the samples"),
    fired: about(time, "when it had held for its time"),
    resolved: about(timeOrNull, "when it was over; null while it lasts"),
    why: about(z.nullable(z.string()), "what has ended it, where that was no sample"),
    value: about(value, "as it fired"),
    unit: about(z.optional(z.string()), "what the value is measured in: %, bytes; empty for a plain number"),
    title: z.string(),
    text: z.string(),
    parent: about(z.nullable(z.string()), "the alert with which it was told as one"),
    acknowledged: z.nullable(z.object({ by: z.string(), ts: time, note: z.string() })),
    labels: words,
    command: about(
      z.optional(z.object({ id: z.string(), key: z.string(), state: z.nullable(z.string()) })),
      "what its rule has had sent to the device, and how that stands; null where it is known no more",
    ),
    history: about(z.array(alertEvent), "the oldest first, the newest fifty"),
  }),
  "Alert",
);
export type AlertDocument = z.output<typeof alertDocument>;

/** What holds, and not for its time yet. */
const pendingAlert = z.object({ rule: z.string(), device: z.nullable(z.string()), series: z.string(), since: time });

const warnings = about(
  z.optional(z.array(z.string())),
  "of rules that people have made: a value or fact that no device tells so far, and channels that there are not",
);

const shownRule = named(
  z.object({
    rule: alertRule,
    shipped: about(z.boolean(), "whether it is as Muster has it, and nobody has changed it"),
    by: z.nullable(z.string()),
    ts: timeOrNull,
    firing: about(z.number(), "alerts of it that fire"),
    warnings,
  }),
  "AlertRule",
);
export type ShownRuleDocument = z.output<typeof shownRule>;

const maintenance = named(
  z.object({
    id: z.string(),
    rule: about(z.nullable(z.string()), "of this rule, with *; of all where it is null"),
    where: about(z.nullable(z.string()), "of these devices, in the filter language; of all where it is null"),
    device: about(z.nullable(z.string()), "of this device"),
    from: time,
    until: about(timeOrNull, "null where it recurs for good"),
    cron: about(z.nullable(z.string()), "when it begins again"),
    zone: z.string(),
    lasts: about(z.number(), "milliseconds that each time lasts, where it recurs"),
    note: z.string(),
    by: z.string(),
    ts: time,
    active: about(z.boolean(), "whether it is at work now"),
  }),
  "Maintenance",
);
export type MaintenanceDocument = z.output<typeof maintenance>;

const note = z.optional(z.string().check(z.maxLength(300)));
const params = z.object({ id: z.string().check(z.maxLength(64)) });
const place = about(
  z.union([z.number(), z.string().check(z.maxLength(60))]),
  "epoch milliseconds, ISO 8601, now, or a duration ago such as -7d",
);

const maintenanceOrder = z.strictObject({
  rule: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
  where: z.optional(z.string().check(z.minLength(1), z.maxLength(2_000))),
  device: z.optional(deviceId),
  from: z.optional(about(place, "now without it")),
  until: z.optional(place),
  for: z.optional(about(duration, "how long it lasts; each time, where it recurs")),
  cron: z.optional(
    about(
      z.string().check(z.maxLength(1_000)),
      "when it begins: minute, hour, day of the month, month, day of the week",
    ),
  ),
  zone: z._default(z.string().check(z.maxLength(100)), "UTC"),
  note,
});
export type MaintenanceOrder = z.input<typeof maintenanceOrder>;
export type TakenMaintenance = z.output<typeof maintenanceOrder>;

const episode = z.object({ since: time, fired: time, resolved: timeOrNull, value });

/** Rules on what devices measure and are, and what they have found. Whoever is limited to groups sees the alerts of the devices in reach alone. */
export const alertRoutes = {
  listAlerts: {
    summary:
      "Alerts: those that fire, the gravest first, and what is about to; or those that are over, the newest first",
    role: "viewer",
    query: z.object({
      state: z._default(z.enum(["open", "over"]), "open"),
      device: z.optional(deviceId),
      rule: z.optional(z.string().check(z.maxLength(100))),
      limit: limit(1_000, 200),
      after: placeInList("alerts that are over, from before this one"),
    }),
    answers: {
      200: z.object({
        alerts: z.array(alertDocument),
        pending: about(z.array(pendingAlert), "what holds, and not for its time yet"),
        next: nextPlace,
        warnings,
      }),
    },
  },
  getAlert: {
    summary: "An alert with its history",
    role: "viewer",
    params,
    answers: { 200: alertDocument },
    problems: [404],
  },
  acknowledgeAlert: {
    summary: "Say that somebody sees to an alert",
    role: "operator",
    params,
    body: z.strictObject({ note }),
    answers: { 200: alertDocument },
    problems: [404, 409],
  },
  silenceAlert: {
    summary: "Have nobody told of this rule on this device for a while",
    role: "operator",
    params,
    body: z.strictObject({ for: duration, note }),
    answers: { 200: alertDocument },
    problems: [404],
  },
  listAlertRules: {
    summary: "The rules: those that are shipped, and people's own",
    role: "viewer",
    fleet: true,
    answers: { 200: z.object({ rules: z.array(shownRule) }) },
  },
  applyAlertRules: {
    summary: "Make rules, or put them in the place of those of the same name; all or none",
    role: "admin",
    fleet: true,
    body: z.strictObject({
      rules: z.array(alertRule).check(z.maxLength(1_000)),
      prune: z._default(
        about(z.boolean(), "whether people's rules that are not among them go; what is shipped is then as it was"),
        false,
      ),
    }),
    answers: { 200: z.object({ rules: z.array(shownRule), warnings }) },
  },
  removeAlertRule: {
    summary: "Take a rule away; one that is shipped is then as it was",
    role: "admin",
    fleet: true,
    params: z.object({ name: z.string().check(z.maxLength(64)) }),
    answers: { 204: z.null() },
    problems: [404],
  },
  previewAlertRule: {
    summary: "When a rule would have fired on a device, by what the store has of it",
    role: "viewer",
    body: z.strictObject({
      rule: alertRule,
      device: deviceId,
      from: z._default(place, "-7d"),
      to: z._default(place, "now"),
    }),
    answers: {
      200: z.object({
        from: time,
        to: time,
        every: about(z.number(), "the mean of as many milliseconds was looked at; each sample where it is 0"),
        series: z.array(z.object({ series: z.string(), episodes: z.array(episode) })),
      }),
    },
    problems: [404],
  },
  listMaintenance: {
    summary: "Silences and maintenance windows; of who is limited to groups their own",
    role: "viewer",
    answers: { 200: z.object({ maintenance: z.array(maintenance) }) },
  },
  addMaintenance: {
    summary: "Have nobody told of some alerts for a while: once, or again and again",
    role: "operator",
    fleet: true,
    body: maintenanceOrder,
    answers: { 201: maintenance },
  },
  removeMaintenance: {
    summary: "End a silence or a maintenance window; of who is limited to groups their own",
    role: "operator",
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
