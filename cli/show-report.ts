import type { Client } from "#api/client";
import { counted } from "#shared/counted";
import { csvCell } from "#shared/csv-cell";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { reportSections, reportTitle } from "#shared/report-text";
import { asJson, table } from "./text-table.ts";

export interface ReportFlags {
  readonly week?: boolean;
  readonly month?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly back?: string;
  readonly zone?: string;
  readonly group?: string;
  readonly limit?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** `muster report`: how the fleet was. @param zone this machine's time zone @returns what to print */
export async function showReport(client: Client, flags: ReportFlags, zone: string): Promise<string> {
  const { week, month, from, to, back, group, limit } = flags;
  if ([week, month, from].filter(Boolean).length > 1 || (to !== undefined && from === undefined))
    throw new BadInputError("a report is of --week, of --month, or of the time between --from and --to");
  const period = from === undefined ? (month ? "month" : "week") : "between";
  const report = await client.getReport(period, {
    zone: flags.zone ?? zone,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(back === undefined ? {} : { back: Number(back) }),
    ...(group === undefined ? {} : { group }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  });
  if (flags.json) return asJson(report);
  if (flags.csv) {
    const columns = Object.keys(report.devices[0] ?? { id: "" });
    const lines = report.devices.map((one) => Object.values(one).map((cell) => csvCell(String(cell ?? ""))));
    return [columns, ...lines].map((cells) => cells.join(",")).join("\n");
  }
  const sections = reportSections(report).map(({ title, head, rows }) => `${title}\n${table(head, rows)}`);
  const more = report.more > 0 ? [`and ${counted(report.more, "device")} more: --limit`] : [];
  return [`${forTerminal(reportTitle(report))} (${report.period.zone})`, ...sections, ...more].join("\n\n");
}
