import { compareReleases } from "#shared/release/compare-releases";
import { comparisonText, type Comparison, type FilterCondition } from "./condition.ts";

/** What a name stands for of one device: one value, or those of several series and groups; undefined where there is none. */
export type Valued = string | number | boolean | readonly (string | number | boolean)[] | undefined;
export type LookUp = (name: string) => Valued;

export interface EvaluateOptions {
  /** Whether a comparison has to hold of one of several values, as a filter has it, or of all, as a rule has it. */
  readonly several: "any" | "all";
  /** Whether what is not told decides nothing, or is equal to nothing. */
  readonly missing?: "unknown" | "differs";
}

/** Why something does not hold: a comparison, and what there was. */
export interface Culprit {
  readonly comparison: Comparison;
  readonly actual: Valued;
}

export interface FilterVerdict {
  /** Undefined: not known, for want of a value. */
  readonly holds: boolean | undefined;
  /** What has decided that it does not hold, or that it is not known. */
  readonly culprits: readonly Culprit[];
}

/** Whether a condition holds, by Kleene's logic: what is not known decides nothing that is decided without it. */
export function evaluateFilter(condition: FilterCondition, lookUp: LookUp, options: EvaluateOptions): FilterVerdict {
  switch (condition.kind) {
    case "compare": {
      const actual = lookUp(condition.name);
      const holds = compareAll(condition, actual, options);
      return { holds, culprits: holds ? [] : [{ comparison: condition, actual }] };
    }
    case "not": {
      const { holds, culprits } = evaluateFilter(condition.of, lookUp, options);
      if (holds === undefined) return { holds, culprits };
      if (!holds) return { holds: true, culprits: [] };
      const all = valuesIn(condition.of, lookUp);
      return { holds: false, culprits: all };
    }
    default: {
      const verdicts = condition.of.map((one) => evaluateFilter(one, lookUp, options));
      const decisive = condition.kind === "or";
      if (verdicts.some(({ holds }) => holds === decisive)) {
        const told = decisive ? [] : verdicts.filter(({ holds }) => holds === false);
        return { holds: decisive, culprits: told.flatMap(({ culprits }) => culprits) };
      }
      const unknown = verdicts.filter(({ holds }) => holds === undefined);
      const deciding = unknown.length > 0 ? unknown : decisive ? verdicts : [];
      return {
        holds: unknown.length > 0 ? undefined : !decisive,
        culprits: deciding.flatMap(({ culprits }) => culprits),
      };
    }
  }
}

/** `mem.used_percent < 80, and it is 91.2`. */
export function culpritText({ comparison, actual }: Culprit): string {
  const text = comparisonText(comparison);
  if (actual === undefined) return `${text}, and there is no value`;
  const values = Array.isArray(actual) ? actual.slice(0, 5).join(", ") : String(actual);
  return `${text}, and it is ${values === "" ? "empty" : values}`;
}

function valuesIn(condition: FilterCondition, lookUp: LookUp): readonly Culprit[] {
  if (condition.kind === "compare") return [{ comparison: condition, actual: lookUp(condition.name) }];
  if (condition.kind === "not") return valuesIn(condition.of, lookUp);
  return condition.of.flatMap((one) => valuesIn(one, lookUp));
}

function compareAll(
  comparison: Comparison,
  actual: Valued,
  { several, missing = "unknown" }: EvaluateOptions,
): boolean | undefined {
  if (actual === undefined) return missing === "unknown" ? undefined : comparison.by === "!=";
  if (!Array.isArray(actual)) return compareOne(comparison, actual as string | number | boolean);
  const values = actual as readonly (string | number | boolean)[];
  // What is in none of the groups is not in this one.
  if (comparison.by === "!=") return values.every((value) => compareOne(comparison, value) === true);
  if (comparison.by === "=") return values.some((value) => compareOne(comparison, value) === true);
  if (values.length === 0) return undefined;
  const verdicts = new Set(values.map((value) => compareOne(comparison, value)));
  const decisive = several === "any";
  if (verdicts.has(decisive)) return decisive;
  return verdicts.has(undefined) ? undefined : !decisive;
}

function compareOne({ by, operand }: Comparison, actual: string | number | boolean): boolean | undefined {
  if (by === "=" || by === "!=") return isSame(operand, actual) === (by === "=");
  const order = orderOf(operand, actual);
  if (order === undefined) return undefined;
  return by === "<" ? order < 0 : by === "<=" ? order <= 0 : by === ">" ? order > 0 : order >= 0;
}

function isSame({ text, number }: Comparison["operand"], actual: string | number | boolean): boolean {
  if (typeof actual === "number") return number !== undefined && actual === number;
  const [own, wanted] = [String(actual).toLowerCase(), text.toLowerCase()];
  return wanted.includes("*") ? fitsPattern(wanted, own) : own === wanted;
}

/** Text with `*` for any characters, without a regular expression that somebody else has written. */
export function fitsPattern(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** What text has an order. */
export const aVersion = /^\d+(\.\d+)*([-+].*)?$/;

function orderOf({ text, number }: Comparison["operand"], actual: string | number | boolean): number | undefined {
  if (typeof actual === "number") return number === undefined ? undefined : actual - number;
  if (typeof actual === "boolean") return undefined;
  return aVersion.test(actual) && aVersion.test(text) ? compareReleases(actual, text) : undefined;
}
