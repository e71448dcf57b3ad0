import type { FleetReport } from "#shared/fleet-report";
import { dayIn, reportSections, reportSummary, reportTitle } from "#shared/report-text";
import { cutTo, type Notice, type NoticeSection } from "../notifications/notice.ts";

/** Rows of each part of a report that is sent; the page has the rest. */
export const maxRowsSent = 20;
/** Characters of a cell of it: names and reasons come from devices. */
const maxCellSent = 200;

/** A report as it is said: with all its parts where there is room, otherwise by its summary. @param due when it was to be sent, epoch ms */
export function reportNotice(report: FleetReport, due: number, url: string | null): Notice {
  const { period } = report;
  const day = dayIn(period.zone);
  return {
    alert: `report-${period.kind}-${day(period.from)}`,
    kind: "report",
    rule: "report",
    severity: "info",
    device: null,
    at: due,
    since: period.from,
    title: reportTitle(report),
    text: reportSummary(report),
    value: null,
    url,
    labels: {},
    sections: reportSections(report, maxRowsSent).map(({ title, head, rows }): NoticeSection => ({
      title,
      head,
      rows: rows.map((row) => row.map((cell) => cutTo(cell, maxCellSent))),
    })),
  };
}
