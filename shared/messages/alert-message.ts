import * as z from "zod/mini";
import { epochMs, payloadText, read } from "#shared/messages/payload-schema";

/** An alert as it stands at the broker, as long as it is there. */
const alertMessage = z.object({
  v: z.literal(1),
  alert: z.string(),
  kind: z.enum(["firing", "reminder", "test", "report"]),
  rule: z.string(),
  severity: z.string(),
  /** Where it is about a single one. */
  device: z.optional(z.nullable(z.string())),
  at: epochMs,
  since: epochMs,
  title: payloadText,
  text: z.optional(z.string()),
  value: z.optional(z.nullable(z.union([z.number(), z.string(), z.boolean()]))),
  url: z.optional(z.nullable(z.string())),
  labels: z.optional(z.record(z.string(), z.string())),
});
type AlertMessage = z.infer<typeof alertMessage>;

export const readAlert = (payload: Buffer): AlertMessage => read(alertMessage, payload, "alert").value;
