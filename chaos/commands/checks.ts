import type { Violation } from "../case.ts";
import type { Begin, Evidence } from "./evidence.ts";
import { nameOf } from "../hostile/hostile-bus.ts";
import { isExcused } from "./excuses.ts";
import { idOf, orderName, roundOf, type PlannedOrder } from "./orders.ts";
import { harms, rules, type Story } from "./rules.ts";
import { checkSigned } from "./signed.ts";
import { timeline } from "./timeline.ts";

/** Holds the evidence against every promise: a breach is of an order's round, and about its token. */
export function check(evidence: Evidence): Violation[] {
  const broken = stories(evidence).flatMap((story) =>
    Object.entries(rules).flatMap(([rule, broken]) => {
      const text = broken(story);
      if (text === undefined || isExcused(rule, story, evidence.damage)) return [];
      const { token } = story.order;
      const tell = (): string => timeline(token, story.row?.id ?? story.begins[0]?.id, evidence);
      return [
        { rule, text, key: `${rule} ${orderName(story.order)}`, round: roundOf(token), about: token, story: tell },
      ];
    }),
  );
  return [...broken, ...checkSigned(evidence)];
}

/**
 * Milliseconds that a device, its console and their broker serve without a blow until it has told what it found begun and withdrawn: by the
 * agents' hasty clock it waits 400 ms for the rest of the greeting, and on a busy machine as much again goes by. A blow in it makes it wait anew.
 */
export const telling = 1_500;

function stories(evidence: Evidence): Story[] {
  const { orders, rows, versions, begins, effects, told, incidents, healed, costs, hostilities } = evidence;
  const rowOf = new Map(rows.map((row) => [orderName(row), row]));
  const versionsOf = groupBy(versions, ({ device, id }) => nameOf(device, id));
  const beginsOf = groupBy(begins, nameOfRun);
  const effectsOf = groupBy(effects, nameOfRun);
  const toldOf = groupBy(told, orderName);
  const withdrawals = withdrawalsIn(evidence);
  return orders.map((order) => {
    const name = orderName(order);
    const row = rowOf.get(name);
    const heard = toldOf.get(name) ?? [];
    const from = (heard[0]?.at ?? 0) - 1_000;
    const end = healed.get(roundOf(order.token)) ?? Infinity;
    return {
      order,
      row,
      versions: row ? (versionsOf.get(nameOf(row.device, row.id)) ?? []) : [],
      begins: beginsOf.get(name) ?? [],
      effects: effectsOf.get(name) ?? [],
      told: heard,
      incidents: [...lasting(incidents, from), ...incidents.filter(({ at }) => at >= from && at <= end)],
      healed: end === Infinity ? 0 : end,
      due: dueAt(order, evidence),
      costs,
      withdrawnAt: withdrawals.get(nameOf(order.device, idOf(order))),
      isMeddledWith: hostilities?.touched.has(nameOf(order.device, idOf(order))) ?? false,
    };
  });
}

/** What had befallen console and broker before, and went on. */
function lasting(incidents: Evidence["incidents"], from: number): Evidence["incidents"] {
  const last = ["server", "broker"].flatMap(
    (role) => incidents.findLast(({ who, at }) => who === role && at < from) ?? [],
  );
  return harms(last);
}

/** When each task was first seen to be withdrawn, by {@link nameOf}. */
function withdrawalsIn({ seen }: Evidence): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { topic, text, at } of seen) {
    const [, device, id] = /\/([^/]+)\/cmd\/([^/]+)$/.exec(topic) ?? [];
    if (device === undefined || id === undefined || text !== "") continue;
    const name = nameOf(device, id);
    if (!found.has(name)) found.set(name, at);
  }
  return found;
}

/** The end of the first stretch of {@link telling} that begins when a round is healed, its own or a later one. */
function dueAt({ token, device }: PlannedOrder, { healed, incidents, until }: Evidence): number {
  const concerned = new Set<string>([device, "server", "broker"]);
  const blows = harms(incidents).filter(({ who }) => concerned.has(who));
  const begins = [...healed].flatMap(([round, at]) => (round >= roundOf(token) ? [at] : []));
  const undisturbed = begins.filter((from) => {
    const next = blows.find(({ at }) => at > from);
    return Math.min(next?.at ?? Infinity, until) >= from + telling;
  });
  return Math.min(Infinity, ...undisturbed) + telling;
}

function nameOfRun({ who, token }: Begin): string {
  return `${who} ${token}`;
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
