import { severities } from "#shared/alerts/alert-rule";
import { counted } from "#shared/counted";
import { seriesForMany, withEvent, type Alert } from "./alert.ts";
import { maxToldOfDevice } from "./tell-limit.ts";

/** Rules that are named of it. */
const maxNamed = 5;

/** Alerts of one device that were over before they could be told as one: how many of each rule, and the worst. */
export interface Passed {
  readonly worst: Alert;
  readonly counts: ReadonlyMap<string, number>;
}

/** Which alerts are told as one: those of a device that go the same ways. */
export function crowdKey({ device, channels }: Alert): string {
  return `${device}\n${JSON.stringify(channels)}`;
}

export function withPassed(passed: Passed | undefined, alert: Alert): Passed {
  const counts = new Map(passed?.counts);
  counts.set(alert.rule, (counts.get(alert.rule) ?? 0) + 1);
  return { worst: passed ? worse(passed.worst, alert) : alert, counts };
}

/** One alert in the place of what a device has too many of. @param alerts those that fire @param passed those that are over: one of both is there */
export function foldCrowd(
  alerts: readonly Alert[],
  passed: Passed | undefined,
  id: string,
  now: number,
): { readonly parent: Alert; readonly children: readonly Alert[] } {
  let all = passed;
  for (const alert of alerts) all = withPassed(all, alert);
  if (!all) throw new Error("there is nothing to fold");
  const { worst, counts } = all;
  const count = [...counts.values()].reduce((sum, one) => sum + one, 0);
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, maxNamed);
  const over = count - alerts.length;
  const parent: Alert = {
    ...worst,
    id,
    series: seriesForMany(id),
    resolved: null,
    why: null,
    told: "no",
    parent: null,
    acknowledged: null,
    value: count,
    title: `${worst.device}: ${counted(count, "more alert")}`,
    text:
      `of one device ${maxToldOfDevice} are told in a minute, and the others as one: ` +
      most.map(([rule, times]) => `${rule} (${times})`).join(", ") +
      (counts.size > maxNamed ? `, and ${counted(counts.size - maxNamed, "more rule")}` : "") +
      (over > 0 ? `; ${over} of them are over` : ""),
    history: [{ ts: now, what: "fired" }],
  };
  const children = alerts.map((one) =>
    withEvent({ ...one, told: "folded", parent: id }, { ts: now, what: "folded", text: id }),
  );
  return { parent, children };
}

function worse(one: Alert, other: Alert): Alert {
  return rank(other.severity) > rank(one.severity) ? other : one;
}

function rank(severity: string): number {
  return severities.indexOf(severity as (typeof severities)[number]);
}
