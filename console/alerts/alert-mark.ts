import type { DeviceId } from "#shared/ids";
import { markMeasurements, maxMarkLength } from "../ingest/store-marks.ts";
import type { SeriesColumns } from "../store/store.ts";
import type { Alerts } from "./alerts.ts";
import { tagsOfSeries, seriesText, type Alert } from "./alert.ts";

/** Alerts that are over whose marks are written again by a start, and how long ago they fired at most, ms: a kill may have cost those of a moment, and those of an outage. */
const [markedAgain, markedAgainWithin] = [1_000, 86_400_000];
/** Under which an alert stands that is about no single device, as the console's own points do. */
const itself = "console" as DeviceId;

/**
 * One point for an alert, when it fired, so that a chart can show from when to when that was: it is written again, over itself, when somebody sees
 * to it and when it is over. Of the series only tags that samples have are told apart: a command's key and a job's id would be series without end.
 */
export function alertMark({ device, rule, severity, series, fired, resolved, why, ...alert }: Alert): SeriesColumns {
  const isOfSamples = series !== "" && tagsOfSeries(series) !== undefined;
  const over =
    resolved === null
      ? ""
      : ` (over after ${Math.round((resolved - fired) / 1_000)} s${why === null ? "" : `: ${why}`})`;
  return {
    device: device === "" ? itself : (device as DeviceId),
    measurement: markMeasurements.alert,
    tags: { rule, severity, ...(isOfSamples ? { series: seriesText(series) } : {}) },
    times: [fired],
    fields: {
      text: [`${alert.title}${over}`.slice(0, maxMarkLength)],
      id: [alert.id],
      state: [resolved !== null ? "resolved" : alert.acknowledged === null ? "firing" : "acknowledged"],
      // Where it lasts there is none, and Grafana draws a line and no band.
      ...(resolved === null ? {} : { end: [resolved] }),
    },
  };
}

/** Of which alerts the marks may be missing that an earlier run was to write; written once more they change nothing. @param now epoch ms */
export function alertsToMark(alerts: Pick<Alerts, "book" | "over">, now: number): readonly Alert[] {
  const over: Alert[] = [];
  let looked = 0;
  for (const alert of alerts.over()) {
    if (looked++ >= markedAgain) break;
    over.push(alert);
  }
  return [...over.toReversed(), ...alerts.book.open()].filter(({ fired }) => now - fired < markedAgainWithin);
}
