import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import type { Json } from "#shared/messages/payload-schema";
import type { Device } from "../devices/device.ts";

/** One condition on a device: `os=linux`, `id!=lab-*`. */
export interface Condition {
  readonly name: string;
  readonly equal: boolean;
  readonly value: string;
}

const expected =
  "expected conditions with commas between them: FACT=VALUE or FACT!=VALUE, id=NAME (with * for any text), online=true, agent=VERSION";

/**
 * Reads `os=linux,id!=lab-*,online=true`.
 * @throws BadInputError naming the part that is no condition
 */
export function parseWhere(text: string): readonly Condition[] {
  if (text.trim() === "") throw new BadInputError(`the condition is empty: ${expected}`);
  return text.split(",").map(parseCondition);
}

function parseCondition(text: string): Condition {
  const [, name = "", operator, value = ""] = /^\s*([^\s=!<>~]+)\s*(!?=)\s*([^=<>]*?)\s*$/.exec(text) ?? [];
  if (operator === undefined) throw new BadInputError(`${quoted(text.trim())} is no condition: ${expected}`);
  if (name === "online" && !/^(true|false)$/i.test(value))
    throw new BadInputError(`online=${value} is no condition: expected online=true or online=false`);
  if (value === "") throw new BadInputError(`${quoted(text.trim())} has no value: ${expected}`);
  return { name, equal: operator === "=", value };
}

/** Whether the device fits all conditions. A fact that it does not tell equals nothing. */
export function matches(device: Device, conditions: readonly Condition[]): boolean {
  return conditions.every(({ name, equal, value }) => equal === (test(device, name, value) ?? false));
}

/** @throws BadInputError when a condition names what no device tells: a slip of the pen would otherwise select nothing, or with `!=` everything */
export function assertKnownNames(conditions: readonly Condition[], devices: readonly Device[]): void {
  const known = new Set([...Object.keys(own), ...devices.flatMap(({ facts }) => Object.keys(facts))]);
  const unknown = conditions.find(({ name }) => !known.has(name));
  if (unknown)
    throw new BadInputError(`no device tells ${quoted(unknown.name)}; there are ${[...known].sort().join(", ")}`);
}

/** What every device has, beside its facts. */
const own: Readonly<Record<string, (device: Device, value: string) => boolean>> = {
  id: (device, value) => fits(device.id, value),
  online: (device, value) => String(device.online) === value.toLowerCase(),
  agent: (device, value) => device.agent?.toLowerCase() === value.toLowerCase(),
};

function test(device: Device, name: string, value: string): boolean | undefined {
  const built = Object.hasOwn(own, name) ? own[name] : undefined;
  if (built) return built(device, value);
  const fact = Object.hasOwn(device.facts, name) ? device.facts[name] : undefined;
  return fact === undefined ? undefined : textOf(fact).toLowerCase() === value.toLowerCase();
}

function textOf(fact: Json): string {
  return typeof fact === "string" ? fact : JSON.stringify(fact);
}

/** Whether `text` fits a pattern with `*` for any text. Piece by piece, because as a regular expression many `*` would take for ever. */
function fits(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.toLowerCase().split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
