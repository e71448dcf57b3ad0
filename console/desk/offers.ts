import * as z from "zod";
import type { DeviceId } from "#shared/ids";
import { quoted } from "#shared/ids";
import type { Args, Json } from "#shared/messages/command";
import type { Offer } from "#shared/messages/presence";
import { problems } from "#shared/messages/schema";
import { CommandRefusedError, type RefusedCommand } from "./errors.ts";

type Offers = Readonly<Record<string, Offer>>;
type JsonSchema = Readonly<Record<string, Json>>;

/** Schemas larger than this (characters) are left to the device to check. */
const largestSchema = 16_384;
const compiled = new Map<string, z.ZodType>();
/** Compiled schemas kept: a fleet of one make shares a few. */
const cacheSize = 500;

/**
 * Checks a command against what the device says it offers.
 * @throws CommandRefusedError naming the nearest keys, or each argument that does not fit
 */
export function checkOffered(device: DeviceId, offers: Offers, command: RefusedCommand): void {
  const offer = Object.hasOwn(offers, command.key) ? offers[command.key] : undefined;
  if (!offer) {
    const keys = Object.keys(offers).sort().join(", ");
    throw new CommandRefusedError(
      "unknown-key",
      `${device} does not offer ${quoted(command.key)}; it offers ${keys || "nothing"}`,
      command,
    );
  }
  const result = offer.args && validator(offer.args)?.safeParse(command.args ?? {});
  if (!result || result.success) return;
  const message = `the arguments of "${command.key}" do not fit what ${device} expects: ${problems(result.error)}`;
  throw new CommandRefusedError("bad-arguments", message, command);
}

/** An example of arguments that fit, made from the schema: for the corrected line after a refusal. */
export function exampleArgs(schema: JsonSchema | undefined): Args {
  const properties = schema && isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema?.["required"]) ? schema["required"] : [];
  const entries = Object.entries(properties).filter(([name]) => required.includes(name));
  return Object.fromEntries(entries.map(([name, property]) => [name, exampleValue(property)]));
}

function exampleValue(property: Json): Json {
  if (!isObject(property)) return null;
  if (property["default"] !== undefined) return property["default"];
  if (Array.isArray(property["enum"])) return property["enum"][0] ?? null;
  switch (property["type"]) {
    case "number":
    case "integer":
      return typeof property["minimum"] === "number" ? Math.ceil(property["minimum"]) : 1;
    case "boolean":
      return true;
    case "string":
      return "…";
    default:
      return null;
  }
}

/** The schema as a check; undefined where it is none that we can use: the device checks its arguments again anyway. */
function validator(schema: JsonSchema): z.ZodType | undefined {
  const text = JSON.stringify(schema);
  if (text.length > largestSchema) return undefined;
  const known = compiled.get(text);
  if (known) return known;
  try {
    const made = z.fromJSONSchema(hardened(schema) as Parameters<typeof z.fromJSONSchema>[0]);
    if (compiled.size >= cacheSize) compiled.clear();
    compiled.set(text, made);
    return made;
  } catch {
    return undefined;
  }
}

/**
 * A device's schema is input from outside: its regular expressions are left out (one of them could block the console),
 * and a mistyped argument is refused where the schema does not say otherwise.
 */
function hardened(value: Json): Json {
  if (Array.isArray(value)) return value.map(hardened);
  if (!isObject(value)) return value;
  const { pattern: _, patternProperties: __, ...rest } = value;
  const copy: Record<string, Json> = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, hardened(one)]));
  if (isObject(copy["properties"]) && copy["additionalProperties"] === undefined) copy["additionalProperties"] = false;
  return copy;
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
