import type { FieldValue } from "#shared/columns";

/** Something that has happened to an alert, beside its beginning and end. */
export interface AlertEvent {
  /** Epoch ms, by the console's clock. */
  readonly ts: number;
  readonly what:
    | "fired"
    | "told"
    | "reminded"
    | "ran"
    | "spared"
    | "held"
    | "folded"
    | "acknowledged"
    | "silenced"
    | "resolved";
  readonly by?: string | undefined;
  readonly text?: string | undefined;
}

/** One time that a rule fired for a series of a device. Moments are epoch ms, by the samples. */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  /** Empty where it is about no single device. */
  readonly device: string;
  /** The series' tags as JSON, the key of a command, a job's id; empty where there is nothing to tell apart. */
  readonly series: string;
  /** Since when the condition held, and when it had held for its time. */
  readonly since: number;
  readonly fired: number;
  readonly resolved: number | null;
  /** What has ended it, where that is not a sample. */
  readonly why: string | null;
  readonly value: FieldValue;
  /** What the value is measured in, as people write it: `%`, `bytes`. Empty where it is a plain number, undefined where nobody knew. */
  readonly unit?: string | undefined;
  readonly title: string;
  readonly text: string;
  /** Whether people were told: not yet, while it is held back; themselves; or with others, as one. */
  readonly told: "no" | "yes" | "folded";
  /** With which other alert it was told. */
  readonly parent: string | null;
  readonly acknowledged: { readonly by: string; readonly ts: number; readonly note: string } | null;
  readonly channels: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly history: readonly AlertEvent[];
}

/** Events kept of one alert: the newest. */
export const maxAlertEvents = 50;

/**
 * What the series of an alert begins with that stands for several: of many devices or series at once, and of one series that fires again and
 * again. No command's key, no job's id and no series of tags begins with it.
 */
const forMany = "+many:";
const forFlaps = "+again:";

/** The series of an alert that stands for others, and is over with the last of them. */
export const seriesForMany = (id: string): string => `${forMany}${id}`;
/** The series of an alert that stands for one series that goes up and down. */
export const seriesForFlaps = (series: string): string => `${forFlaps}${series}`;
export const isForMany = ({ series }: Pick<Alert, "series">): boolean => series.startsWith(forMany);
export const isForFlaps = ({ series }: Pick<Alert, "series">): boolean => series.startsWith(forFlaps);

/** By what an alert is found: rule, device and series. */
export function slotKey(rule: string, device: string, series: string): string {
  return `${rule}\n${device}\n${series}`;
}

/** A series' tags as a key: the same in any order. */
export function seriesOfTags(tags: Readonly<Record<string, string>>): string {
  const names = Object.keys(tags);
  return names.length === 0 ? "" : JSON.stringify(Object.fromEntries(names.sort().map((name) => [name, tags[name]])));
}

/** The other way; undefined where it is no series of tags. */
export function tagsOfSeries(series: string): Readonly<Record<string, string>> | undefined {
  if (series === "") return {};
  try {
    return series.startsWith("{") ? (JSON.parse(series) as Record<string, string>) : undefined;
  } catch {
    return undefined;
  }
}

/** A series for people: `path=/home`. */
export function seriesText(series: string): string {
  if (series.startsWith(forMany)) return "";
  if (series.startsWith(forFlaps)) return seriesText(series.slice(forFlaps.length));
  const tags = tagsOfSeries(series);
  if (!tags) return series;
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

export function withEvent(alert: Alert, event: AlertEvent): Alert {
  return { ...alert, history: [...alert.history, event].slice(-maxAlertEvents) };
}
