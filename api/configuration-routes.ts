import * as z from "zod/mini";
import { about, deviceId, named, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const settings = z.record(z.string(), z.string());
const scope = about(
  z.string().check(z.maxLength(80)),
  "whose: `default` (every device's), `group:NAME` or `device:NAME`",
);

const saidDocument = named(
  z.object({
    version: about(z.number(), "grows by one with each change at this console; 0 where nobody has said any"),
    settings: about(settings, "by their keys in muster.toml, as text"),
    by: z.string(),
    ts: time,
  }),
  "SaidSettings",
);
export type SaidDocument = z.output<typeof saidDocument>;

const scopeDocument = z.object({ scope, ...saidDocument.shape });
export type ScopeDocument = z.output<typeof scopeDocument>;

const mark = { version: z.number(), hash: z.string() };
const driftState = z.enum([
  "none",
  "in-step",
  "sent",
  "waiting",
  "refused",
  "rolled-back",
  "unsigned",
  "unable",
  "foreign",
]);
const driftDocument = z.object({ device: z.string(), state: driftState, why: z.string() });
export type DriftDocument = z.output<typeof driftDocument>;

const deviceSettings = named(
  z.object({
    ...driftDocument.shape,
    desired: z.object({
      ...mark,
      settings,
      from: about(z.record(z.string(), z.string()), "whose word each of them is"),
    }),
    reported: about(
      z.nullable(z.object({ ...mark, failed: z.optional(z.object({ ...mark, why: z.string() })) })),
      "what the device says that it has; null where it has never said",
    ),
  }),
  "DeviceSettings",
);
export type DeviceSettingsDocument = z.output<typeof deviceSettings>;

const settingKey = z.object({
  key: z.string(),
  help: z.string(),
  default: about(z.string(), "what holds where nobody has said anything"),
  range: z.optional(about(z.string(), "of a number, from where to where it goes")),
});
export type SettingKeyDocument = z.output<typeof settingKey>;

const params = z.object({ scope });
const device = z.object({ id: deviceId });

/** Settings of agents: what people want them to be, and what they are. */
export const configurationRoutes = {
  listConfigurations: {
    summary: "Who has settings from here, and the devices that do not have what is wanted of them",
    role: "viewer",
    answers: { 200: z.object({ scopes: z.array(scopeDocument), drift: z.array(driftDocument), more: z.number() }) },
  },
  listSettingKeys: {
    summary: "Which settings are changed from here, and what each is",
    role: "viewer",
    answers: { 200: z.object({ keys: z.array(settingKey) }) },
  },
  getConfiguration: {
    summary: "The settings of every device, of a group or of one device, as they were said",
    role: "viewer",
    params,
    answers: { 200: scopeDocument },
    problems: [404],
  },
  setConfiguration: {
    summary: "Want these settings and no others; devices that are there get them at once",
    role: "operator",
    params,
    body: z.strictObject({
      settings,
      version: z.optional(about(z.number(), "refused with 409 where the present one is another")),
    }),
    answers: { 200: scopeDocument },
    problems: [404, 409],
  },
  getConfigurationHistory: {
    summary: "What was said before, the newest first",
    role: "viewer",
    params,
    answers: { 200: z.object({ history: z.array(saidDocument) }) },
    problems: [404],
  },
  getDeviceSettings: {
    summary: "What is wanted of a device, what it has, and why that differs",
    role: "viewer",
    params: device,
    answers: { 200: deviceSettings },
    problems: [404],
  },
  applySettings: {
    summary: "Send a device what is wanted of it, also where it has refused that before",
    role: "operator",
    params: device,
    answers: { 202: z.object({ command: z.string() }) },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
