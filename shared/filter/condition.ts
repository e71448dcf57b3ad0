import type { FilterToken } from "./filter-tokens.ts";

export type Comparator = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** What a name is compared with: the text as it was written, and what number that is, where it is one. */
export interface Operand {
  readonly text: string;
  /** A duration's milliseconds, a share's percents, or the number itself. */
  readonly number: number | undefined;
}

export interface Comparison {
  readonly kind: "compare";
  /** `mem.used_percent`, `group`, `version`. */
  readonly name: string;
  readonly by: Comparator;
  readonly operand: Operand;
  readonly at: FilterToken["at"];
}

/** What is to hold of a device, as a tree. */
export type FilterCondition =
  | Comparison
  | { readonly kind: "and" | "or"; readonly of: readonly FilterCondition[] }
  | { readonly kind: "not"; readonly of: FilterCondition };

/** What a plain word is compared with: whatever a device is called by. */
export const plainName = "";

export function comparisonText({ name, by, operand }: Comparison): string {
  if (name === plainName) return operand.text.slice(1, -1);
  return `${name} ${by} ${operand.text}`;
}

/** Every comparison in it, from left to right. */
export function comparisonsOf(condition: FilterCondition): readonly Comparison[] {
  if (condition.kind === "compare") return [condition];
  return condition.kind === "not" ? comparisonsOf(condition.of) : condition.of.flatMap(comparisonsOf);
}
