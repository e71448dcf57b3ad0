import { counted } from "./counted.ts";
import { formatDuration } from "./duration.ts";
import type { FleetReport, ReportTotals } from "./fleet-report.ts";

/** A part of a report as lines of text: for a terminal, and for mails. Names of devices and what they say stand in it as they are. */
export interface ReportSection {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns whose cells are words of ours. */
  readonly words?: readonly number[];
  /** Where on the page there is more, for each row, and in which column. */
  readonly links?: { readonly column: number; readonly paths: readonly string[] };
}

const none = "–";

/** Per cent that a part is of the whole, as far as it tells something: 99.982 %. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0) return none;
  const share = (part / whole) * 100;
  // What is not whole must not look so.
  const digits = share < 100 && share >= 99.995 ? 4 : 2;
  return `${(Math.floor(share * 10 ** digits) / 10 ** digits).toFixed(digits)} %`;
}

/** Per cent of the samples that are there of those that there should be. */
export function completenessText({ stored, setAside, missing }: ReportTotals["samples"]): string {
  return stored === null ? none : shareText(stored, stored + (setAside ?? 0) + missing);
}

const lasted = (ms: number | null): string =>
  ms === null || ms === 0 ? none : formatDuration(Math.round(ms / 1_000) * 1_000);

/** Where a number went, against the period before. */
export function arrowOf(now: number | null, before: number | null): "↑" | "↓" | "=" | "" {
  if (now === null || before === null) return "";
  return now > before ? "↑" : now < before ? "↓" : "=";
}

/** What there is to compare, with the period before: a name, a number to go by, and how it is written. */
type Compared = readonly [
  name: string,
  number: (of: ReportTotals) => number | null,
  text: (of: ReportTotals) => string,
];

const plain = (name: string, number: (of: ReportTotals) => number | null): Compared => [
  name,
  number,
  (of) => String(number(of) ?? none),
];

const compared: readonly Compared[] = [
  ["Availability", ({ known, up }) => (known > 0 ? up / known : null), ({ known, up }) => shareText(up, known)],
  plain("Outages", ({ outages }) => outages),
  ["Longest outage", ({ longest }) => longest, ({ longest }) => lasted(longest)],
  [
    "Completeness",
    ({ samples: { stored, setAside, missing } }) =>
      stored === null ? null : stored / Math.max(1, stored + (setAside ?? 0) + missing),
    ({ samples }) => completenessText(samples),
  ],
  plain("Samples stored", ({ samples }) => samples.stored),
  plain("Samples missing", ({ samples }) => samples.missing),
  plain("Alerts", ({ alerts }) => alerts.fired),
  ["Time to resolve (median)", ({ alerts }) => alerts.median, ({ alerts }) => lasted(alerts.median)],
  plain("Commands", ({ commands }) => commands.sent),
  plain("Commands failed", ({ commands }) => commands.failed),
  plain("Commands late", ({ commands }) => commands.late),
];

/** What a report is about, in one line. */
export function reportTitle({ period, group }: Pick<FleetReport, "period" | "group">): string {
  const day = dayIn(period.zone);
  const kind = { week: "Weekly report", month: "Monthly report", between: "Report" }[period.kind];
  return `${kind}, ${day(period.from)} to ${day(period.to - 1)}${group === null ? "" : `, group ${group}`}`;
}

/** A day as its zone has it: 2026-11-28. */
export function dayIn(zone: string): (ts: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
  return (ts) => format.format(ts);
}

/** The most that there is to say, in a line or two: for a channel that has no room. */
export function reportSummary({ totals, open }: FleetReport): string {
  const { devices, known, up, outages, samples, alerts, commands } = totals;
  return [
    `${counted(devices, "device")}: ${shareText(up, known)} available, ${counted(outages, "outage")}`,
    `${completenessText(samples)} of the samples, ${samples.missing} missing`,
    `${counted(alerts.fired, "alert")}, ${open.length} open`,
    `${counted(commands.sent, "command")}, ${commands.failed} failed, ${commands.late} late`,
  ].join("; ");
}

/** All of it but what is empty. */
export function reportSections(report: FleetReport, most = Infinity): readonly ReportSection[] {
  const { totals, before, groups, devices, lost, rules, open, jobs, agents, certificates, period } = report;
  const day = dayIn(period.zone);
  const sections: ReportSection[] = [
    {
      title: "At a glance",
      head: ["", "this time", "before", ""],
      rows: compared.map(([name, number, text]) => [
        name,
        text(totals),
        text(before),
        arrowOf(number(totals), number(before)),
      ]),
      words: [0],
    },
    {
      title: "Groups",
      head: ["group", "devices", "available", "outages", "longest", "complete", "alerts"],
      rows: groups.map((one) => [
        one.group,
        String(one.devices),
        shareText(one.up, one.known),
        String(one.outages),
        lasted(one.longest),
        completenessText(one.samples),
        String(one.alerts.fired),
      ]),
    },
    {
      title: "Devices, the worst first",
      head: ["device", "available", "outages", "longest", "missing", "alerts", "failed", "now"],
      rows: devices.map((one) => [
        one.name === null ? one.id : `${one.id} (${one.name})`,
        shareText(one.up, one.known),
        String(one.outages),
        lasted(one.longest),
        String(one.missing),
        String(one.alerts),
        String(one.commandsFailed),
        one.known === 0 ? "not heard" : one.away ? "away" : "",
      ]),
      words: [7],
      links: { column: 0, paths: devices.map(({ id }) => `/devices/${encodeURIComponent(id)}`) },
    },
    {
      title: "Samples that will not come",
      head: ["samples", "devices", "why"],
      rows: lost.map(({ why, samples, devices: count }) => [String(samples), String(count), why]),
    },
    {
      title: "Alerts, the noisiest rule first",
      head: ["rule", "fired", "open", "time to resolve"],
      rows: rules.map((one) => [one.rule, String(one.fired), String(one.open), lasted(one.median)]),
    },
    {
      title: "Not over now",
      head: ["since", "rule", "what"],
      rows: open.map(({ fired, rule, title, forecast }) => [
        day(fired),
        rule,
        forecast ? `${title} (forecast)` : title,
      ]),
      links: { column: 2, paths: open.map(({ id }) => `/alerts/${encodeURIComponent(id)}`) },
    },
    {
      title: "Jobs",
      head: ["state", "jobs"],
      rows: Object.entries(jobs ?? {}).map(([state, count]) => [state, String(count)]),
      words: [0],
    },
    {
      title: "Agents",
      head: ["version", "devices"],
      rows: [
        ...agents.versions.map(({ version, devices: count }) => [version, String(count)]),
        ...(agents.outdated > 0 ? [["another version than the console", String(agents.outdated)]] : []),
      ],
      words: [0],
    },
    {
      title: "Certificates that end within 30 days",
      head: ["device", "until"],
      rows: certificates.map(({ device, until }) => [device, day(until)]),
    },
  ];
  return sections.flatMap((one) => (one.rows.length === 0 ? [] : [{ ...one, rows: one.rows.slice(0, most) }]));
}
