import type { Evidence } from "./evidence.ts";
import { isExcused } from "./excuses.ts";
import { roundOf } from "./plan.ts";
import { rules, type Story } from "./rules.ts";

/** A broken promise: of which command, and in what way. */
export interface Violation {
  readonly rule: string;
  readonly token: string;
  readonly id?: string;
  readonly text: string;
}

/** Holds the evidence against every promise. */
export function check(evidence: Evidence): Violation[] {
  return stories(evidence).flatMap((story) =>
    Object.entries(rules).flatMap(([rule, broken]) => {
      const text = broken(story);
      if (text === undefined || isExcused(rule, story, evidence.damage)) return [];
      const id = story.row?.id ?? story.begins[0]?.id;
      return [{ rule, token: story.order.token, text, ...(id === undefined ? {} : { id }) }];
    }),
  );
}

function stories({ orders, rows, versions, begins, effects, told, incidents, healed, costs }: Evidence): Story[] {
  const rowOf = new Map(rows.map((row) => [row.token, row]));
  const versionsOf = groupBy(versions, ({ id }) => id);
  const beginsOf = groupBy(begins, ({ token }) => token);
  const effectsOf = groupBy(effects, ({ token }) => token);
  const toldOf = groupBy(told, ({ token }) => token);
  return orders.map((order) => {
    const row = rowOf.get(order.token);
    const heard = toldOf.get(order.token) ?? [];
    const from = (heard[0]?.at ?? 0) - 1_000;
    const end = healed.get(roundOf(order.token)) ?? Infinity;
    return {
      order,
      row,
      versions: row ? (versionsOf.get(row.id) ?? []) : [],
      begins: beginsOf.get(order.token) ?? [],
      effects: effectsOf.get(order.token) ?? [],
      told: heard,
      incidents: incidents.filter(({ at }) => at >= from && at <= end),
      healed: end === Infinity ? 0 : end,
      costs,
    };
  });
}

function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
