import { counted } from "#shared/counted";
import type { Client } from "#api/client";
import type { BudgetDocument, QuarantineDocument } from "#api/quarantine-routes";
import { forTerminal } from "#shared/printable";
import { ago, asJson, table } from "./text-table.ts";

export interface QuarantineFlags {
  readonly forget?: boolean;
  readonly json?: boolean;
}

/** @param device of one, or of all @returns what to print */
export async function showQuarantine(
  client: Client,
  device: string | undefined,
  { forget, json }: QuarantineFlags,
  now: number,
): Promise<string> {
  if (forget) {
    const { forgotten } = await client.forgetQuarantine({ device });
    return `${counted(forgotten, "entry is", "entries are")} forgotten`;
  }
  const quarantine = await client.getQuarantine({ device });
  const all = await client.getSeries();
  const series = { ...all, devices: all.devices.filter((one) => device === undefined || one.device === device) };
  if (json) return asJson({ quarantine, series });
  return [fields(quarantine, now), ...offenders(series, now)].join("\n\n");
}

function fields({ entries, more }: QuarantineDocument, now: number): string {
  if (entries.length === 0) return "no field is set aside";
  const rows = entries.map(({ device, measurement, field, got, wanted, sample, count, last }) => [
    device,
    `${measurement}.${field}`,
    got,
    wanted,
    String(count),
    ago(last, now),
    sample.slice(0, 60),
  ]);
  const advice = [...new Set(entries.map((one) => one.advice))].slice(0, 10).map((one) => `- ${forTerminal(one)}`);
  const beyond = more > 0 ? [`and ${counted(more, "value")} more, which there was no room to tell apart`] : [];
  return [table(["DEVICE", "FIELD", "GOT", "WANTED", "COUNT", "LAST", "SAMPLE"], rows), ...beyond, ...advice].join(
    "\n",
  );
}

function offenders({ budget, devices }: BudgetDocument, now: number): string[] {
  if (devices.length === 0) return [];
  const rows = devices.map(({ device, known, series, last, worst }) => [
    device,
    String(known),
    `~${series}`,
    ago(last, now),
    worst.map(({ measurement, tag, values }) => `${measurement}.${tag}: ~${values} values`).join(", "),
  ]);
  return [
    `Beyond the budget of ${budget} series a device (MUSTER_SERIES_BUDGET):\n${table(
      ["DEVICE", "STORED", "SET ASIDE", "LAST", "WORST TAGS"],
      rows,
    )}`,
  ];
}
