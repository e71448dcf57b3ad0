import type { DeviceId } from "#shared/ids";
import { forTerminal, quoted } from "#shared/printable";
import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { CommandCatalogue } from "../devices/command-catalogue.ts";
import type { FlatSchema } from "../devices/flat-schema.ts";
import { misfit } from "./argument-check.ts";
import { CommandRefusedError, type RefusedCommand } from "./command-errors.ts";

/**
 * Checks a command against what the device says it offers.
 * @param noUpdate why it says that it offers no `update`
 * @throws CommandRefusedError naming the nearest keys, or each argument that does not fit
 */
export function checkOffered(
  device: DeviceId,
  offers: CommandCatalogue,
  command: RefusedCommand,
  noUpdate?: string,
): void {
  const offer = Object.hasOwn(offers, command.key) ? offers[command.key] : undefined;
  if (!offer) {
    const keys = Object.keys(offers).sort().join(", ");
    const why = noUpdate !== undefined && isUpdate(command.key) ? ` (${forTerminal(noUpdate, 200)})` : "";
    throw new CommandRefusedError(
      "unknown-key",
      `${device} does not offer ${quoted(command.key)}${why}; it offers ${keys || "nothing"}`,
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

function isUpdate(key: string): boolean {
  return key === "update" || key === "update-undo";
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
