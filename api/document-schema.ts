import * as z from "zod/mini";
import { asCommandId, asDeviceId, type CommandId, type DeviceId } from "#shared/ids";

/** The same schema with a description, which is told in the OpenAPI document. */
export function about<S extends z.core.$ZodType>(schema: S, description: string): S {
  const described = z.core.clone(schema);
  z.globalRegistry.add(described, { description });
  return described;
}

/** The same schema with a name of its own: the OpenAPI document has it once, and refers to it. */
export function named<S extends z.core.$ZodType>(schema: S, id: string, description?: string): S {
  z.globalRegistry.add(schema, description === undefined ? { id } : { id, description });
  return schema;
}

export const time = about(z.number(), "milliseconds since 1970-01-01 UTC");
export const timeOrNull = about(z.nullable(z.number()), "milliseconds since 1970-01-01 UTC");
export const duration = about(
  z.union([z.number(), z.string()]),
  'a number of milliseconds, or text with its unit: "5s", "1h30m"',
);

export const deviceId = z.pipe(
  z.string(),
  z.transform((text: string, context): DeviceId => asDeviceId(text) ?? invalid(context, text, "a device id")),
);
export const commandId = z.pipe(
  z.string(),
  z.transform((text: string, context): CommandId => asCommandId(text) ?? invalid(context, text, "a command id")),
);

function invalid(context: z.core.ParsePayload, input: string, what: string): never {
  context.issues.push({ code: "custom", message: `expected ${what}`, input });
  return z.NEVER;
}

/** How many items one answer has at most: a whole number of a query, where everything is text. */
export const limit = (most: number, otherwise: number) => {
  const whole = z.coerce.number().check(z.int(), z.gte(1), z.lte(most));
  return z._default(whole as z.ZodMiniType<number, number>, otherwise);
};

/** A yes or no of a query, where everything is text: the client writes a boolean out. */
const yesOrNo = z.enum(["true", "false"]) as unknown as z.ZodMiniType<"true" | "false", boolean>;
export const yesByDefault = z._default(yesOrNo, "true");
export const noByDefault = z._default(yesOrNo, "false");

/** Where a page begins: `next` of the answer before. */
export const placeInList = (description: string, longest = 64) =>
  z.optional(about(z.string().check(z.maxLength(longest)), `only ${description}: \`next\` of the answer before`));

export const nextPlace = about(z.nullable(z.string()), "where the next page begins; null where there is none");
