import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { comparisonsOf, plainName, type Comparator, type Comparison } from "./condition.ts";
import { deviceNames, readerOf, type DeviceValues } from "./filter-values.ts";
import { aVersion, evaluateFilter, type LookUp, type Valued } from "./evaluate-filter.ts";
import { pointing } from "./filter-tokens.ts";
import { parseFilter } from "./parse-filter.ts";

/** Names that an error lists: a fleet may tell thousands. */
const maxListed = 40;

/** Which devices somebody means. */
export interface DeviceChoice {
  /** As it was written. */
  readonly source: string;
  /** What it looks at, each with its place. */
  readonly comparisons: readonly Comparison[];
  /** @param lookUp what names stand for of a device */
  readonly fits: (lookUp: LookUp) => boolean;
}

/**
 * Reads what devices are chosen by: `camera group=lab cpu.usage_idle<20`. A plain word stands in a device's id, name, groups or tags; what a device does not
 * tell equals nothing.
 * @throws BadInputError that points at the place
 */
export function parseChoice(source: string): DeviceChoice {
  const { condition, hold } = parseFilter(source, { words: true });
  const comparisons = comparisonsOf(condition);
  if (hold > 0) throw new BadInputError(`"for" is of gates and rules: devices are chosen by how they are now`);
  for (const one of comparisons) assertYesOrNo(source, one);
  const fits = (lookUp: LookUp): boolean =>
    evaluateFilter(condition, lookUp, { several: "any", missing: "differs" }).holds === true;
  return { source, comparisons, fits };
}

/** `online!=yes` would be everything. */
function assertYesOrNo(source: string, { name, operand, at }: Comparison): void {
  if (["online", "paused", "retired"].includes(name) && !/^(true|false)$/i.test(operand.text))
    throw pointing(source, at, `expected ${name}=true or ${name}=false`);
}

/**
 * @param devices all that may be chosen; a fleet without devices tells nothing, and is asked for nothing
 * @throws BadInputError where it names what no device tells: a slip of the pen would otherwise choose nothing, or with `!=` everything; and
 *   where it orders by `<` or `>` what is text on every device
 */
export function assertTold({ source, comparisons }: DeviceChoice, devices: () => Iterable<DeviceValues>): void {
  for (const { name, by, at } of comparisons) {
    if (name === plainName || deviceNames.includes(name)) continue;
    const read = readerOf(name);
    let any = false;
    let told: Valued;
    let example: DeviceValues | undefined;
    for (const device of devices()) {
      any = true;
      const value = read(device);
      if (value === undefined) continue;
      [told, example] = [value, device];
      if (!isOrder(by) || isOrdered(value)) break;
    }
    if (!any) continue;
    if (told === undefined || example === undefined)
      throw pointing(source, at, `no device tells ${quoted(name)}; there are ${namesOf(devices())}`);
    if (isOrder(by) && !isOrdered(told)) throw pointing(source, at, textFault(name, by, told, example));
  }
}

function isOrder(by: Comparator): boolean {
  return by !== "=" && by !== "!=";
}

/** Whether it can be less or more than something: numbers and versions can. */
function isOrdered(value: Exclude<Valued, undefined>): boolean {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return (
    values.length === 0 ||
    values.some((one) => typeof one === "number" || (typeof one === "string" && aVersion.test(one)))
  );
}

/** Measured values that people mean where they name a fact alone. */
const meant = ["usage_idle", "used_percent", "load1"];

function textFault(name: string, by: Comparator, told: Valued, { metric }: DeviceValues): string {
  const field = meant.find((one) => metric(name, one) !== undefined);
  const hint = field === undefined ? "compare it with = or !=" : `did you mean ${name}.${field}?`;
  return `${quoted(name)} is text, such as ${quoted(String(told))}, and nothing is ${by} of that: ${hint}`;
}

function namesOf(devices: Iterable<DeviceValues>): string {
  const facts = new Set<string>();
  for (const { device } of devices) for (const fact of Object.keys(device.facts)) facts.add(fact);
  const names = [...deviceNames, ...facts].sort();
  const more = names.length > maxListed ? ", …" : "";
  return `${names.slice(0, maxListed).join(", ")}${more}, and values such as mem.used_percent`;
}
