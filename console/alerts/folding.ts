import { counted } from "#shared/counted";
import { seriesForMany, withEvent, type Alert } from "./alert.ts";

/** Alerts of one rule that are told as one: as many at once have one cause. */
export const foldAtLeast = 5;
/** Milliseconds within which they fire for that. */
export const foldWithin = 60_000;
/** Devices that are named of it. */
const maxNamed = 20;

/** One alert in the place of many. @param alerts at least one, of one rule */
export function fold(
  alerts: readonly Alert[],
  id: string,
  now: number,
): { readonly parent: Alert; readonly children: readonly Alert[] } {
  const [first] = alerts;
  if (!first) throw new Error("there is nothing to fold");
  const devices = [...new Set(alerts.map(({ device }) => device))];
  const named = devices.slice(0, maxNamed).join(", ");
  const more = devices.length > maxNamed ? `, and ${devices.length - maxNamed} more` : "";
  const what = first.title.split(":", 1)[0] ?? first.rule;
  const parent: Alert = {
    ...first,
    id,
    device: "",
    series: seriesForMany(id),
    since: Math.min(...alerts.map(({ since }) => since)),
    fired: Math.min(...alerts.map(({ fired }) => fired)),
    value: devices.length,
    title: `${what}: ${counted(devices.length, "device")}`,
    text: `${first.rule} fires for ${counted(devices.length, "device")} at once, which have one cause: ${named}${more}`,
    history: [{ ts: now, what: "fired" }],
  };
  const children = alerts.map((one) =>
    withEvent({ ...one, told: "folded", parent: id }, { ts: now, what: "folded", text: id }),
  );
  return { parent, children };
}
