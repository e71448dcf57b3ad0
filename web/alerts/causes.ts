import type { AlertDocument } from "#api/client";

/** Alerts of one rule. */
export interface Cause {
  readonly rule: string;
  readonly severity: string;
  /** What was told as one stands once, the newest first. */
  readonly alerts: readonly AlertDocument[];
  /** That fire and that nobody sees to. */
  readonly firing: number;
}

const gravest = ["critical", "warning", "info"];

/** Alerts by what they have in common, the gravest rule first. Of alerts told as one the one that tells it stands there, where it is known. */
export function causesOf(alerts: readonly AlertDocument[]): readonly Cause[] {
  const known = new Set(alerts.map(({ id }) => id));
  const rules = new Map<string, AlertDocument[]>();
  for (const alert of alerts) {
    // Whoever is limited to groups sees the devices' alerts alone.
    if (alert.parent !== null && known.has(alert.parent)) continue;
    const own = rules.get(alert.rule);
    if (own) own.push(alert);
    else rules.set(alert.rule, [alert]);
  }
  return [...rules]
    .map(([rule, own]) => ({
      rule,
      severity: gravest.find((one) => own.some(({ severity }) => severity === one)) ?? own[0]?.severity ?? "",
      alerts: own.sort((a, b) => b.fired - a.fired || (a.id < b.id ? 1 : -1)),
      firing: own.filter(({ state }) => state === "firing").length,
    }))
    .sort((a, b) => gravest.indexOf(a.severity) - gravest.indexOf(b.severity) || (a.rule < b.rule ? -1 : 1));
}
