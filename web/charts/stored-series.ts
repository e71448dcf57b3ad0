import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { SampleDocument } from "#api/device-routes";
import { seriesKey, type Latest } from "../state/latest.ts";
import { generation } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import type { ChartView } from "./chart-view.ts";

/** What a device has sent in a time, by the store's word. */
interface Stored {
  readonly device: string;
  readonly view: ChartView;
  readonly series: readonly SampleDocument[];
}

/**
 * The samples that a device's charts follow from: of a time that moves what it sends now, with what else it has sent in that time; of one in the past what it sent then. Until the
 * store has said what that is, and where it cannot, what it sends now.
 */
export function useSeries(device: string, view: ChartView, latest: Latest): readonly SampleDocument[] {
  const stored = useSignal<Stored | undefined>(undefined);
  const { span, to } = view;
  useEffect(() => {
    let wanted = true;
    const range = to === undefined ? { from: `-${span / 1_000}s`, to: "now" } : { from: `${to - span}`, to: `${to}` };
    client.listSeries(device, range).then(
      ({ series }) => {
        if (wanted) stored.value = { device, view: { span, ...(to === undefined ? {} : { to }) }, series };
      },
      // The charts themselves say what is wrong.
      () => {},
    );
    return () => void (wanted = false);
  }, [device, span, to, generation.value]);
  const known = stored.value?.device === device ? stored.value : undefined;
  return chartedSeries(latest, view, known);
}

/** @param stored what the store has said, perhaps of another time */
export function chartedSeries(
  latest: Latest,
  { to }: ChartView,
  stored: Pick<Stored, "view" | "series"> | undefined,
): readonly SampleDocument[] {
  const now = [...latest.values()].map(({ sample }) => sample);
  if (!stored) return now;
  // The time that was looked at before stays until the next one is known: charts that come and go are no help.
  if (to !== undefined && stored.view.to !== undefined) return stored.series;
  const all = new Map(stored.series.map((one) => [seriesKey(one), one]));
  for (const one of now) {
    const then = all.get(seriesKey(one));
    all.set(seriesKey(one), then ? { ...one, fields: { ...then.fields, ...one.fields } } : one);
  }
  return [...all.values()];
}
