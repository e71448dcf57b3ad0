import type { DeviceDocument, SampleDocument } from "#api/device-routes";
import { unitLabel, unitOf } from "#shared/field-units";
import { deviceTable } from "./fleet-tables.ts";
import { table } from "./text-table.ts";

/** One device: how it is, and the newest value of each field, with what people or the device itself call it. */
export function deviceText(device: DeviceDocument, now: number): string {
  const rows = device.latest
    .toSorted((a, b) => (a.measurement < b.measurement ? -1 : 1))
    .flatMap((sample) => Object.entries(sample.fields).map(([field, value]) => row(device, sample, field, value)));
  const values = rows.length === 0 ? "it has sent no values yet" : table(["FIELD", "VALUE", "UNIT", "TITLE"], rows);
  return `${deviceTable([device], now)}\n\n${values}`;
}

function row(
  { measurements = {} }: DeviceDocument,
  { measurement, tags }: SampleDocument,
  field: string,
  value: SampleDocument["fields"][string],
): string[] {
  const known = Object.hasOwn(measurements, measurement) ? measurements[measurement]?.fields : undefined;
  const { unit, title = "" } = (known && Object.hasOwn(known, field) && known[field]) || {};
  const which = Object.entries(tags).map(([name, text]) => `,${name}=${text}`);
  return [
    `${measurement}${which.join("")}.${field}`,
    String(value),
    unit ?? unitByName(measurement, field, value),
    title,
  ];
}

/** As on the page; text, and yes or no, have none. A counter stands as it is counted. */
const unitByName = (measurement: string, field: string, value: unknown): string =>
  typeof value === "number" ? unitLabel(unitOf(measurement, field)) : "";
