import type { Alerts } from "../alerts/alerts.ts";
import { FleetReports } from "../reports/fleet-reports.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { Surroundings } from "./surroundings.ts";

/** FleetReports on what was. */
export function reportParts(
  { clock, state: { database } }: Surroundings,
  { presence, registry, alerts }: Pick<DeviceParts, "presence" | "registry"> & { readonly alerts: Alerts },
) {
  const reports = new FleetReports({
    database,
    presence,
    devices: () => registry.walk(),
    isForecast: (rule) => /\bforecast\(/.test(alerts.rules.find(rule)?.rule.when ?? ""),
    clock,
  });
  return { reports };
}
