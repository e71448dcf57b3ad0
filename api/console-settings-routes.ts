import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";

const consoleSettingDocument = z.object({
  name: about(z.string(), "as a flag without its dashes, and as a key of the file: log-level"),
  env: about(z.string(), "the variable"),
  help: z.string(),
  value: about(z.nullable(z.string()), "what counts at present; null where it is or may hold a secret"),
  default: z.string(),
  source: about(
    z.string(),
    'where that comes from: "console" (set while Muster runs), a flag, a variable, a key of the file, or "default"; in this order they count',
  ),
  changeable: about(z.boolean(), "whether it can be changed while Muster runs"),
  why: z.optional(about(z.string(), "why not")),
  idle: z.optional(about(z.string(), "why it has no effect at present, whatever its value is")),
  range: z.optional(about(z.string(), "from where to where it goes")),
  set: z.optional(
    about(
      z.object({ by: z.string(), ts: time, over: about(z.string(), "what counts when it is reset") }),
      "who has set it while Muster runs",
    ),
  ),
});
/** A setting of the console, as it counts. */
export type ConsoleSettingDocument = z.output<typeof consoleSettingDocument>;

const named = z.object({ name: z.string().check(z.maxLength(100)) });

/** The console's own settings. */
export const consoleSettingsRoutes = {
  listConsoleSettings: {
    summary: "The console's own settings: what counts, where it comes from, and which can be changed while it runs",
    role: "admin",
    fleet: true,
    answers: { 200: z.object({ settings: z.array(consoleSettingDocument) }) },
  },
  setConsoleSetting: {
    summary:
      "Change a setting of the console while it runs; it counts over flag, variable and file, also after a restart",
    role: "admin",
    fleet: true,
    params: named,
    body: z.strictObject({ value: z.string().check(z.maxLength(1_000)) }),
    answers: { 200: consoleSettingDocument },
    problems: [404, 409],
  },
  resetConsoleSetting: {
    summary: "Forget what was set while the console ran: flag, variable, file or default count again",
    role: "admin",
    fleet: true,
    params: named,
    answers: { 200: consoleSettingDocument },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
