import * as z from "zod/mini";
import { parseDuration } from "#shared/duration";
import { asError, BadInputError } from "#shared/errors";
import type { Args } from "#shared/messages/command-messages";
import { onInterrupt } from "#shared/messages/presence-messages";
import { check, json, type Schema, type Json } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import type { Handler } from "../handler.ts";

/** What an executable says about itself; a misspelled key is refused rather than ignored. */
const described = z.strictObject({
  title: z.optional(z.string().check(z.maxLength(200))),
  args: z.optional(z.record(z.string(), json)),
  onInterrupt: z.optional(onInterrupt),
  harmless: z.optional(z.boolean()),
  concurrent: z.optional(z.boolean()),
  timeout: z.optional(z.union([z.string(), z.number()])),
});

/** The part of a handler that is said about it, and what the running of it needs. */
export interface Description extends Pick<Handler, "title" | "args" | "onInterrupt" | "harmless" | "concurrent"> {
  /** Milliseconds. */
  readonly timeout: number;
}

/** Milliseconds that an executable may take which says nothing about it. */
const defaultTimeout = 60_000;

/** Reads what `--describe` printed. @throws BadInputError that says what is wrong with it */
export async function readDescription(text: string): Promise<Description> {
  const { title, args, onInterrupt, harmless, concurrent, timeout } = check(described, parse(text), "its description");
  const schema = args && (await argsSchema(args));
  return {
    ...(title !== undefined && { title }),
    ...(schema && { args: schema }),
    ...(onInterrupt && { onInterrupt }),
    ...(harmless !== undefined && { harmless }),
    ...(concurrent !== undefined && { concurrent }),
    timeout: timeout === undefined ? defaultTimeout : parseDuration(timeout, "its timeout"),
  };
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new BadInputError(`its description is not one JSON object: ${asError(error).message}`);
  }
}

/** A JSON Schema of arguments as a schema of ours, which can be checked and announced. */
async function argsSchema(args: Record<string, Json>): Promise<Schema<Args>> {
  if (args["type"] !== "object")
    throw new BadInputError(`its args are not a JSON Schema of an object: expected "type": "object"`);
  // Only the full zod reads JSON Schema, and it is five times the small one: agents without executables never load it.
  const { fromJSONSchema } = await import("zod");
  try {
    const schema = fromJSONSchema(args) as unknown as Schema<Args>;
    z.toJSONSchema(schema, { io: "input" });
    return schema;
  } catch (error) {
    throw new BadInputError(`its args are a JSON Schema that cannot be used: ${asError(error).message}`);
  }
}
