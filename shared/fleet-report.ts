/** The time that a report is of: epoch ms, and the time zone whose weeks and months are meant. */
export interface Period {
  readonly kind: "week" | "month" | "between";
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

/** How many alerts, and how long they lasted. Milliseconds. */
export interface AlertTally {
  readonly fired: number;
  /** Of these, those that are not over now. */
  readonly open: number;
  /** Of those that are over, half lasted at most so long; null where none is. */
  readonly median: number | null;
}

/** What there is to say of all devices, or of those of a group. Times are milliseconds. */
export interface ReportTotals {
  readonly devices: number;
  /** Of these, those of whom something is known in this time. */
  readonly heard: number;
  readonly known: number;
  readonly up: number;
  readonly outages: number;
  readonly longest: number;
  readonly samples: {
    /** By counts once a day, and the line between these; null where there are none of that time. */
    readonly stored: number | null;
    readonly setAside: number | null;
    readonly missing: number;
  };
  readonly alerts: AlertTally;
  readonly commands: CommandTally;
}

export interface CommandTally {
  readonly sent: number;
  readonly succeeded: number;
  /** Failed, rejected or interrupted. */
  readonly failed: number;
  /** Nobody began them in time, or their caller had given up. */
  readonly late: number;
  readonly cancelled: number;
  readonly open: number;
}

export interface ReportedDevice {
  readonly id: string;
  readonly name: string | null;
  readonly known: number;
  readonly up: number;
  readonly outages: number;
  readonly longest: number;
  readonly away: boolean;
  readonly missing: number;
  readonly alerts: number;
  readonly commandsFailed: number;
}

/** What was in a time: how far devices were there, their samples, alerts and commands. */
export interface FleetReport {
  readonly period: Period;
  /** Epoch ms. */
  readonly made: number;
  readonly group: string | null;
  readonly totals: ReportTotals;
  /** The same of the period before. */
  readonly before: ReportTotals;
  readonly groups: readonly (ReportTotals & { readonly group: string })[];
  /** The worst first. */
  readonly devices: readonly ReportedDevice[];
  readonly more: number;
  /** Why samples will not come, the most first. */
  readonly lost: readonly { readonly why: string; readonly samples: number; readonly devices: number }[];
  /** The noisiest first. */
  readonly rules: readonly (AlertTally & { readonly rule: string })[];
  /** Alerts that are not over now: what is forecast first. */
  readonly open: readonly {
    readonly id: string;
    readonly rule: string;
    readonly device: string | null;
    readonly title: string;
    readonly fired: number;
    readonly forecast: boolean;
  }[];
  /** Jobs begun in this time, by how they stand; null for whoever is limited to groups. */
  readonly jobs: Readonly<Record<string, number>> | null;
  /** Agents by version, the most first; how many are of another than this console's. */
  readonly agents: {
    readonly outdated: number;
    readonly versions: readonly { readonly version: string; readonly devices: number }[];
  };
  /** Devices' certificates that end within a month, the first first. */
  readonly certificates: readonly { readonly device: string; readonly until: number }[];
}

/** Lines of each list of a report at most. */
export const maxReported = {
  devices: 500,
  groups: 200,
  lost: 20,
  rules: 50,
  open: 100,
  versions: 20,
  certificates: 50,
} as const;
