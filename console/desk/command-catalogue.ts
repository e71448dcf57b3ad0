import type { DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import { asError } from "#shared/errors";
import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { Offer } from "#shared/messages/presence-messages";
import { misfit } from "./argument-check.ts";
import { CommandRefusedError, type RefusedCommand } from "./command-errors.ts";
import { flatSchemaOf, type FlatSchema } from "./schemas.ts";

/** What a device offers under one key, as the console took it: `args` is no more than it checks itself. */
export type CatalogueEntry = Omit<Offer, "args"> & {
  readonly args?: FlatSchema;
  /** Why the console does not check the arguments: the device does, and answers `rejected`. */
  readonly unchecked?: string;
};
export type CommandCatalogue = Readonly<Record<string, CatalogueEntry>>;

/** What a birth offers, as the console takes it: every schema is looked through once, here, and never compiled. */
export function toCatalogue(offers: Readonly<Record<string, Offer>>): CommandCatalogue {
  return Object.fromEntries(Object.entries(offers).map(([key, offer]) => [key, toEntry(offer)]));
}

function toEntry({ args, ...offer }: Offer): CatalogueEntry {
  if (args === undefined) return offer;
  try {
    return { ...offer, args: flatSchemaOf(args) };
  } catch (error) {
    return {
      ...offer,
      unchecked: `its arguments are checked by the device alone: in their schema ${asError(error).message}`,
    };
  }
}

/** The keys whose arguments the console leaves to the device, and why: a sentence for a person; undefined where there are none. */
export function uncheckedIn(offers: CommandCatalogue | null): string | undefined {
  const found = Object.entries(offers ?? {}).filter(([, { unchecked }]) => unchecked !== undefined);
  const [first] = found;
  if (!first) return undefined;
  const others = found.length > 1 ? `; so are those of ${found.length - 1} more` : "";
  return `${quoted(first[0])}: ${first[1].unchecked}${others}`;
}

/**
 * Checks a command against what the device says it offers.
 * @throws CommandRefusedError naming the nearest keys, or each argument that does not fit
 */
export function checkOffered(device: DeviceId, offers: CommandCatalogue, command: RefusedCommand): void {
  const offer = Object.hasOwn(offers, command.key) ? offers[command.key] : undefined;
  if (!offer) {
    const keys = Object.keys(offers).sort().join(", ");
    throw new CommandRefusedError(
      "unknown-key",
      `${device} does not offer ${quoted(command.key)}; it offers ${keys || "nothing"}`,
      command,
    );
  }
  const wrong = offer.args && misfit(offer.args, command.args ?? {});
  if (wrong === undefined) return;
  const message = `the arguments of "${command.key}" do not fit what ${device} expects: ${wrong}`;
  throw new CommandRefusedError("bad-arguments", message, command);
}

/**
 * An example of arguments that fit, for the corrected line after a refusal, which people paste into a shell. Nothing of it is a
 * text that the device chose: numbers are written anew, texts are a placeholder, a name is there only if it is a plain word.
 */
export function exampleArgs(schema: FlatSchema | undefined): Args {
  const { properties = {}, required = [] } = schema ?? {};
  const names = required.filter((name) => plainWord.test(name) && Object.hasOwn(properties, name));
  return Object.fromEntries(
    names.slice(0, maxExampleArguments).map((name) => [name, exampleValue(properties[name] ?? {})]),
  );
}

const plainWord = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
/** Arguments in an example: a line stays a line. */
const maxExampleArguments = 8;

function exampleValue({ type, default: given, enum: choices, minimum }: FlatSchema): Json {
  const known = [given, ...(choices ?? [])].find((one) => typeof one === "number" || typeof one === "boolean");
  if (known !== undefined) return known;
  if (type === "number" || type === "integer") return minimum === undefined ? 1 : Math.ceil(minimum);
  if (type === "boolean") return true;
  return type === "string" || choices ? "…" : null;
}
