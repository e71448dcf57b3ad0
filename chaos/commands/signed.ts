import type { Violation } from "../case.ts";
import type { Begin, Evidence, Row } from "./evidence.ts";
import { nameOf, type Forgery } from "../hostile/hostile-bus.ts";
import { idOf, roundOf, type PlannedOrder } from "./orders.ts";

/** Milliseconds around a forgery in which what befalls its device or the way to the watcher may keep its refusal from being heard. */
const around = { before: 1_500, behind: 3_000 };

/** The rules of a run in which every command is signed, over a bus that is hostile: nothing else takes effect, and it is told. */
export function checkSigned(evidence: Evidence): Violation[] {
  if (!evidence.hostilities) return [];
  return [...unsignedEffects(evidence), ...untoldForgeries(evidence), ...causelessRefusals(evidence)];
}

/** Rows of what people have sent: the console takes also what somebody publishes under another id, or for another device. */
export function ownRows({ hostilities, orders, rows }: Evidence): readonly Row[] {
  if (!hostilities) return rows;
  const signed = byName(orders);
  return rows.filter(({ device, id }) => signed.has(nameOf(device, id)));
}

/** Of what this is no sign: those that a hostile bus may break, for one command that it has meddled with. */
export const hostileCosts: ReadonlySet<string> = new Set([
  // The console, or its caller, has given up on it, and it stays signed: the bus brings it later.
  "nothing expired or rejected has begun",
  "nothing begins once it was withdrawn",
  "nothing of a backup begins once it is restored",
  // What it puts in the place of the task after a death of the agent is not what was signed: that is not begun again, and it is told why.
  "what can be run again is not interrupted",
  // The console's word on the time is not signed.
  "nothing begins after its expiry",
]);

/** What was put before devices, and of what had to be refused how much was heard to be, in words. */
export function countForgeries(evidence: Evidence): string {
  const forgeries = evidence.hostilities?.forgeries ?? [];
  const told = forgeries.filter((forgery) => forgery.refusal !== undefined && isTold(forgery, evidence));
  return `${forgeries.length} forgeries (${told.length} heard to be refused)`;
}

function unsignedEffects({ orders, begins, effects }: Evidence): Violation[] {
  const rule = "nothing takes effect that was not signed";
  const signed = byName(orders);
  const foreign = [...begins, ...effects].filter((one) => !isOf(signed.get(nameOf(one.who, one.id)), one));
  return foreign.map(({ who, id, key, before, after, token }) => ({
    rule,
    text: `${who} began ${key} as ${id}, with ${JSON.stringify({ token, before, after })}`,
    key: `${rule} ${nameOf(who, id)}`,
  }));
}

function isOf(order: PlannedOrder | undefined, { key, token, before, after }: Begin): boolean {
  return order?.token === token && order.key === key && order.before === before && order.after === after;
}

function untoldForgeries(evidence: Evidence): Violation[] {
  const rule = "what was not signed is refused, and told";
  const { hostilities, seen, until } = evidence;
  const from = seen[0]?.at ?? Infinity;
  const due = (hostilities?.forgeries ?? []).filter(
    ({ at, refusal }) => refusal !== undefined && at > from && at + around.behind < until,
  );
  return due.flatMap((forgery) => {
    const { what, device, id, refusal } = forgery;
    if (isTold(forgery, evidence) || isDisturbed(forgery, evidence)) return [];
    const text = `${what}, as ${nameOf(device, id)}: no answer "${refusal}"`;
    return [{ rule, text, key: `${rule} ${nameOf(device, id)} ${forgery.at}` }];
  });
}

function isTold({ device, id, refusal, at }: Forgery, { seen }: Evidence): boolean {
  return seen.some(
    (one) =>
      one.at >= at - 50 &&
      one.topic.endsWith(`/${device}/reply/${id}`) &&
      one.text.includes('"state":"rejected"') &&
      one.text.includes(`"code":"${refusal}"`),
  );
}

function isDisturbed({ device, at }: Forgery, { incidents }: Evidence): boolean {
  const concerned = new Set<string>([device, "server", "broker"]);
  return incidents.some(
    (one) =>
      concerned.has(one.who) &&
      !one.what.startsWith("its bus is") &&
      one.at >= at - around.before &&
      one.at <= at + around.behind,
  );
}

/** What a person has signed is refused where the bus has meddled with it, its signature is over, or the ledger was damaged; and else not. */
function causelessRefusals(evidence: Evidence): Violation[] {
  const rule = "what was signed is refused for a cause alone";
  const rowOf = new Map(ownRows(evidence).map((row) => [nameOf(row.device, row.id), row]));
  return evidence.orders.flatMap((order) => {
    const row = rowOf.get(nameOf(order.device, idOf(order)));
    const code = row?.state === "rejected" ? refusalIn(row) : undefined;
    if (row === undefined || code === undefined || isRefusedFairly(order, row, code, evidence)) return [];
    const round = roundOf(order.token);
    return [{ rule, text: `${order.token} was refused as ${code}`, key: `${rule} ${order.token}`, round }];
  });
}

function isRefusedFairly(order: PlannedOrder, row: Row, code: string, evidence: Evidence): boolean {
  const { hostilities, costs, told, versions } = evidence;
  switch (code) {
    case "unsigned":
    case "unknown-signer":
    case "bad-signature":
    case "id-taken":
      return hostilities?.touched.has(nameOf(row.device, row.id)) ?? false;
    case "signature-expired": {
      const signed = told.find(({ token, what }) => token === order.token && what === "asked")?.at ?? Infinity;
      const refused =
        versions.find(({ device, id, state }) => device === row.device && id === row.id && state === "rejected")?.at ??
        0;
      return refused >= signed + (order.signedFor ?? Infinity);
    }
    case "replayed":
      return costs.some(({ who, what }) => who === row.device && what === "turned");
    case "signature-time":
      return false;
    default:
      return true;
  }
}

function refusalIn({ document }: Row): string | undefined {
  return (JSON.parse(document) as { error?: { code?: string } }).error?.code;
}

function byName(orders: readonly PlannedOrder[]): ReadonlyMap<string, PlannedOrder> {
  return new Map(orders.map((order) => [nameOf(order.device, idOf(order)), order]));
}
