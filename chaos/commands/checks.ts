import type { Violation } from "../case.ts";
import type { Evidence } from "./evidence.ts";
import { isExcused } from "./excuses.ts";
import { roundOf } from "./orders.ts";
import { rules, type Story } from "./rules.ts";
import { timeline } from "./timeline.ts";

/** Holds the evidence against every promise: a breach is of an order's round, and about its token. */
export function check(evidence: Evidence): Violation[] {
  return stories(evidence).flatMap((story) =>
    Object.entries(rules).flatMap(([rule, broken]) => {
      const text = broken(story);
      if (text === undefined || isExcused(rule, story, evidence.damage)) return [];
      const { token } = story.order;
      const tell = (): string => timeline(token, story.row?.id ?? story.begins[0]?.id, evidence);
      return [{ rule, text, key: `${rule} ${token}`, round: roundOf(token), about: token, story: tell }];
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
