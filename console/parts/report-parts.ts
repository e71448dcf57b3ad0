import type { Alerts } from "../alerts/alerts.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import { FleetReports } from "../reports/fleet-reports.ts";
import { ReportSender } from "../reports/report-sender.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { Surroundings } from "./surroundings.ts";

interface Needs extends Pick<DeviceParts, "presence" | "registry"> {
  readonly alerts: Alerts;
  readonly doubt: ClockDoubt;
  /** There is something to be said. */
  readonly wake: () => void;
}

/** Reports on what was, and what sends them. */
export function reportParts(
  { clock, log, options, state: { database } }: Surroundings,
  { presence, registry, alerts, doubt, wake }: Needs,
) {
  const reports = new FleetReports({
    database,
    presence,
    devices: () => registry.walk(),
    isForecast: (rule) => /\bforecast\(/.test(alerts.rules.find(rule)?.rule.when ?? ""),
    clock,
  });
  const { pageUrl, reportsSent } = options;
  const reportSender = new ReportSender({
    database,
    reports,
    sent: () => reportsSent?.() ?? { weekly: [], monthly: [], zone: "UTC" },
    url: pageUrl === undefined ? null : `${pageUrl}/reports`,
    clock,
    timely: () => doubt.trust === "full",
    wake,
    log,
  });
  return { reports, reportSender };
}
