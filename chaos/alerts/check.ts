import type { AlertDocument } from "#api/alert-routes";
import type { Violation } from "../case.ts";
import type { Acked, Kept, Stored } from "../samples/check.ts";
import type { Span } from "../samples/deaf.ts";
import type { Received } from "./receiver.ts";
import { wordOf } from "./wave.ts";

export type SeenAlert = Pick<AlertDocument, "id" | "since" | "resolved" | "why" | "history">;

/** All about one device. Moments are epoch ms. */
export interface AlertEvidence {
  readonly device: string;
  readonly kept: readonly Kept[];
  readonly acked: readonly Acked[];
  readonly stored: readonly Stored[];
  readonly alerts: readonly SeenAlert[];
  readonly received: readonly Received[];
  /** Alerts that stand for others, beyond ten in a minute. */
  readonly ofMany: ReadonlySet<string>;
  /** Since when the rule has been there. */
  readonly from: number;
  readonly now: number;
  /** In which the console's directory may have lost what it knew of alerts: what touches one is not judged. */
  readonly clouds: readonly Span[];
  /** In which somebody who has to do with the device's samples was struck. */
  readonly struck: readonly Span[];
}

/** Samples that are high one after the other, as the store has them. */
interface Run {
  readonly first: number;
  last: number;
  /** The low one behind them. */
  end: number | undefined;
}

/** Milliseconds within which a batch was acknowledged that came in its turn, and in which what was struck may still be felt. */
const prompt = 500;
const aftermath = 5_000;

type Rule =
  | "each crossing fires"
  | "each crossing fires once"
  | "each end is told"
  | "an alert is of what was measured"
  | "two crossings are two alerts"
  | "each alert is delivered"
  | "nothing is told of what did not happen";

/** Holds what was measured against what the console has as alerts, and these against what has come to people. */
export function checkAlerts(evidence: AlertEvidence): Violation[] {
  const { device, alerts, from, now } = evidence;
  const violations: Violation[] = [];
  const found = (rule: Rule, key: string | number, text: string): void =>
    void violations.push({ rule, key: `${rule} ${device} ${key}`, text: `${device}: ${text}` });
  const stored = evidence.stored.filter(({ n }) => wordOf(n) !== "nothing").sort((one, other) => one.at - other.at);
  const runs = runsIn(stored);
  const times = timesOf(evidence);
  const lost = lostOf(evidence);
  for (const run of runs) {
    const { first, last, end } = run;
    if (first < from || isIn(evidence.clouds, [first, ackedBy(evidence, end ?? last) + aftermath])) continue;
    const its = alerts.filter((one) => touches(one, run));
    const what = `${span(first, last)}, low again at ${end ?? "no time yet"}`;
    if (its.length === 0) found("each crossing fires", first, `no alert of ${what}`);
    const isSplit = lost.some((at) => first < at && at < last);
    if (its.length > 1 && !isSplit)
      found("each crossing fires once", first, `${its.length} alerts (${its.map(shown).join("; ")}) of ${what}`);
  }
  const judged = alerts.filter(({ since, resolved }) => {
    const until = resolved === null ? now : ackedBy(evidence, resolved) + aftermath;
    return since >= from && !isIn(evidence.clouds, [since, until]);
  });
  for (const alert of judged) {
    const { id, since, resolved, why } = alert;
    if (!times.high.has(since)) found("an alert is of what was measured", id, `nothing was high at ${shown(alert)}`);
    if (resolved !== null && (why !== null || !times.low.has(resolved)))
      found("an alert is of what was measured", `${id} end`, `nothing was low at the end of ${shown(alert)}: ${why}`);
    const newest = stored.at(-1);
    if (resolved === null && newest && newest.at > since && wordOf(newest.n) === "low")
      found("each end is told", id, `${shown(alert)} still fires, and it was low at ${newest.at}`);
    const its = runs.filter((run) => touches(alert, run));
    const [one, other] = its;
    if (one && other && isPrompt(evidence, [one.first, other.last]))
      found("two crossings are two alerts", id, `${shown(alert)} is ${span(one.first, one.last)} and ${other.first}`);
    const kinds = new Set(evidence.received.filter((notice) => notice.alert === id).map(({ kind }) => kind));
    const isOneOfMany = alert.history.some(({ what }) => what === "folded" || what === "held");
    const owed = ["firing", ...(resolved === null ? [] : ["resolved"])].filter((kind) => !kinds.has(kind));
    if (owed.length > 0 && !isOneOfMany)
      found("each alert is delivered", id, `nobody was told that it is ${owed.join(" and ")}: ${shown(alert)}`);
  }
  for (const { alert: id, kind, since, on } of evidence.received) {
    if (since < from || evidence.ofMany.has(id) || isIn(evidence.clouds, [since, on + aftermath])) continue;
    const alert = alerts.find((one) => one.id === id);
    if (!alert || (kind === "resolved" && alert.resolved === null))
      found("nothing is told of what did not happen", `${id} ${kind}`, `"${kind}" of ${alert ? shown(alert) : id}`);
  }
  return violations;
}

function runsIn(stored: readonly Stored[]): Run[] {
  const runs: Run[] = [];
  let open: Run | undefined;
  for (const { at, n } of stored) {
    if (wordOf(n) === "high") {
      if (open) open.last = at;
      else runs.push((open = { first: at, last: at, end: undefined }));
    } else if (open) {
      open.end = at;
      open = undefined;
    }
  }
  return runs;
}

/** Also of what is in no store any more: it was looked at before. */
function timesOf({ kept, stored }: AlertEvidence): Readonly<Record<"high" | "low", ReadonlySet<number>>> {
  const times = { high: new Set<number>(), low: new Set<number>(), nothing: new Set<number>() };
  const add = (n: number, at: number): void => void times[wordOf(n)].add(at);
  for (const { n, at } of kept) for (const [place, value] of n.entries()) add(value, at[place] ?? 0);
  for (const { n, at } of stored) add(n, at);
  return times;
}

/** Low samples that an agent had on its disk, and no store has any more. */
function lostOf({ kept, stored }: AlertEvidence): number[] {
  const values = new Set(stored.map(({ n }) => n));
  return kept.flatMap(({ n, at }) =>
    n.flatMap((value, place) => (values.has(value) || wordOf(value) !== "low" ? [] : [at[place] ?? 0])),
  );
}

/** When the console had said that it has the sample of this instant; as late as can be where nobody heard that. */
function ackedBy({ kept, acked, now }: AlertEvidence, at: number): number {
  const batch = kept.find((one) => one.at.includes(at));
  const on = batch && ackOf(acked, batch);
  return on ?? now;
}

function ackOf(acked: readonly Acked[], { outbox, seq }: Kept): number | undefined {
  return acked.find((one) => one.outbox === outbox && one.ranges.some(([from, to]) => from <= seq && seq <= to))?.on;
}

/** Whether every batch of this time came at once, and nobody was struck: then the console has heard all in their order. */
function isPrompt({ kept, acked, struck }: AlertEvidence, [from, to]: Span): boolean {
  if (isIn(struck, [from - aftermath, to + aftermath])) return false;
  const its = kept.filter(({ at }) => at.some((one) => from <= one && one <= to));
  return its.every((batch) => (ackOf(acked, batch) ?? Infinity) - batch.on <= prompt);
}

function touches({ since, resolved }: SeenAlert, { first, last }: Run): boolean {
  return since <= last && (resolved ?? Infinity) >= first;
}

function isIn(spans: readonly Span[], [from, to]: Span): boolean {
  return spans.some(([begin, end]) => begin <= to && from <= end);
}

function shown({ id, since, resolved }: SeenAlert): string {
  return `${id} since ${since}${resolved === null ? "" : ` until ${resolved}`}`;
}

function span(first: number, last: number): string {
  return `high from ${first} to ${last}`;
}
