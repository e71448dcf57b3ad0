import { knownNames, type ReadRule } from "#shared/alerts/read-rule";
import { BadInputError } from "#shared/errors";
import { assertTold, parseChoice } from "#shared/filter/choose-devices";
import { comparisonsOf } from "#shared/filter/condition";
import { deviceNames, readerOf, type DeviceValues } from "#shared/filter/filter-values";
import { quoted } from "#shared/printable";
import type { ShownRule } from "./rule-book.ts";

/** What rules are held against: a fleet without devices tells nothing, and is asked for nothing. */
export interface RuleSurroundings {
  readonly devices: () => Iterable<DeviceValues>;
  readonly isChannel: (name: string) => boolean;
  /** Whether a measured value that no device tells is told by none, and not only unknown as yet. */
  readonly knowsValues: () => boolean;
}

/**
 * What is wrong where a rule is for devices by a name that no device tells: it would count for none, or with `!=` for all. A rule that stands as it
 * is goes through: what is exported can be applied again, also where a fact of it has gone meanwhile.
 * @param where one that reads
 */
export function untoldScope(
  name: string,
  where: string,
  before: (name: string) => ShownRule | undefined,
  { devices }: RuleSurroundings,
): string | undefined {
  if (before(name)?.rule.where === where) return undefined;
  try {
    assertTold(parseChoice(where), devices);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof BadInputError)) throw thrown;
    return thrown.message;
  }
}

/** What may be a slip of the pen, or come yet, rule by rule. One walk through the fleet, which ends once all names are found. */
export function warningsOf(
  rules: readonly ReadRule[],
  { devices, isChannel, knowsValues }: RuleSurroundings,
): Map<string, string[]> {
  const known = knowsValues();
  const names = new Map(rules.map((read) => [read.rule.name, read.kind === "value" && !known ? [] : namesIn(read)]));
  const missing = new Set([...names.values()].flat());
  let any = false;
  for (const device of missing.size === 0 ? [] : devices()) {
    any = true;
    for (const name of missing) if (readerOf(name)(device) !== undefined) missing.delete(name);
    if (missing.size === 0) break;
  }
  return new Map(
    rules.map(({ rule: { name, channels = [] } }) => [
      name,
      [
        ...(names.get(name) ?? [])
          .filter((one) => any && missing.has(one))
          .map(
            (one) =>
              `the rule ${quoted(name)}: no device tells ${quoted(one)} so far, and until then it finds nothing by it`,
          ),
        ...channels
          .filter((one) => !isChannel(one))
          .map((one) => `the rule ${quoted(name)}: there is no channel ${quoted(one)}; muster notify lists them`),
      ],
    ]),
  );
}

/** What it looks at of devices, by the names of filters. */
function namesIn({ kind, base, overrides }: ReadRule): readonly string[] {
  const all = [base, ...overrides];
  if (kind === "value")
    return [...new Set(all.flatMap(({ inputs }) => inputs.map(({ measurement, field }) => `${measurement}.${field}`)))];
  if (kind !== "device") return [];
  const named = all.flatMap(({ when, stays }) => [...comparisonsOf(when), ...comparisonsOf(stays)]);
  return [...new Set(named.map(({ name }) => name))].filter(
    (name) => !deviceNames.includes(name) && !knownNames.some((one) => one === name),
  );
}
