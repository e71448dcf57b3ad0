import * as z from "zod";
import { asCommandId, asDeviceId } from "#shared/ids";
import { json } from "#shared/messages/schema";
import { explain } from "../desk/explain.ts";
import type { AnswerTimes } from "../desk/answer-times.ts";
import type { Command } from "../desk/command.ts";
import type { Device, Sample } from "../device.ts";

/** The API's documents as schemas: for OpenAPI, and as the one place that says what leaves the console. */
export const time = z.number().describe("milliseconds since 1970-01-01 UTC");

export const deviceId = z.string().transform((text, context) => asDeviceId(text) ?? invalid(context, "a device id"));
export const commandId = z.string().transform((text, context) => asCommandId(text) ?? invalid(context, "a command id"));

function invalid(context: z.RefinementCtx, what: string): never {
  context.addIssue(`expected ${what}`);
  return z.NEVER;
}

export const sampleDocument = z.object({
  measurement: z.string(),
  tags: z.record(z.string(), z.string()),
  ts: time,
  fields: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
});

export const deviceDocument = z.object({
  id: z.string(),
  online: z.boolean(),
  since: time.nullable(),
  lastSeen: time.nullable(),
  reason: z.string().nullable(),
  boot: z.string().nullable(),
  session: z.string().nullable(),
  agent: z.string().nullable(),
  interval: z.number().nullable(),
  paused: z.boolean(),
  collectors: z.record(z.string(), z.boolean()).optional(),
  facts: z.record(z.string(), json),
  commands: z.record(z.string(), z.looseObject({})),
  problem: z.string().nullable(),
  skew: z.number().nullable().describe("milliseconds that its clock is ahead of the console's"),
  missing: z.number().optional().describe("samples that will never come; left out of change events"),
  latest: z.array(sampleDocument).optional(),
});

const failure = z.object({ code: z.string(), message: z.string(), data: z.optional(json) });

export const commandDocument = z.object({
  id: z.string(),
  device: z.string(),
  key: z.string(),
  args: z.record(z.string(), json),
  by: z.string(),
  ts: time,
  timeout: z.number().nullable(),
  expires: time.nullable(),
  state: z.string(),
  progress: z.number().optional(),
  note: z.string().optional(),
  output: z.string().optional(),
  result: z.optional(json),
  error: failure.optional(),
  ended: time.optional(),
  took: z.number().optional().describe("milliseconds until the final reply"),
  usually: z
    .object({ p50: z.number(), p99: z.number(), count: z.number() })
    .optional()
    .describe("how long this device's answers to this key take"),
  late: z
    .array(
      z.object({
        ts: time,
        lateBy: z.number(),
        state: z.string(),
        result: z.optional(json),
        error: failure.optional(),
      }),
    )
    .optional(),
  shown: z.number().optional().describe("how many times it was published again because nothing was heard of it"),
  timeline: z.array(
    z.object({
      ts: time,
      who: z.string(),
      what: z.string(),
      more: z.number().optional().describe("in place of so many events that are not kept"),
    }),
  ),
  explain: z.string(),
  brief: z.boolean().optional().describe("whether what is long in it was left out: GET /api/commands/:id has it"),
  steps: z.number().optional().describe("of one in brief, how many entries its timeline has"),
});

export type DeviceDocument = z.input<typeof deviceDocument>;
export type CommandDocument = z.input<typeof commandDocument>;

export const problemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    command: commandDocument.optional(),
  })
  .describe("what went wrong, as RFC 9457 has it; detail is a sentence");

/** @param latest the newest sample of each series; left out of change events */
export function toDeviceDocument(device: Device, latest?: readonly Sample[]): DeviceDocument {
  const document = { ...device, facts: { ...device.facts }, commands: { ...device.commands } };
  return latest
    ? {
        ...document,
        latest: latest.map((sample) => ({ ...sample, tags: { ...sample.tags }, fields: { ...sample.fields } })),
      }
    : document;
}

/** @param usually how long such answers take, where that is known */
export function toCommandDocument(
  command: Command,
  device: Device | undefined,
  usually?: AnswerTimes,
): CommandDocument {
  const { encoding: _, online: __, answered: ___, timeline, late, ...rest } = command;
  return {
    ...rest,
    timeline: [...timeline],
    ...(late ? { late: [...late] } : {}),
    ...(usually ? { usually } : {}),
    explain: explain(command, device, usually),
  };
}
