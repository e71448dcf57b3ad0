import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { tags } from "#shared/messages/metrics";
import { measurementName, name } from "#shared/messages/names";
import { check } from "#shared/messages/payload-schema";
import type { ReadValue, Reading } from "../collectors/collector.ts";

/** Newest values by field; null takes one back. */
export type GaugeValues = Readonly<Record<string, ReadValue | null>>;
/** How many more, by field. */
export type CountValues = Readonly<Record<string, number>>;
export type MeterTags = Readonly<Record<string, string>>;

/** Different measurements and tags at most: what is measured has a name, what happened (an order's number) has none. */
const maxMeterSeries = 1_000;
/** Fields of one of them at most. */
const maxMeterFields = 200;

interface MeterSeries {
  readonly measurement: string;
  readonly tags: MeterTags;
  readonly gauges: Map<string, ReadValue>;
  readonly counts: Map<string, number>;
}

const values = z.record(name, z.union([z.number(), z.string().check(z.maxLength(1_024)), z.boolean(), z.null()]));
const added = z.record(name, z.number());
const seriesName = z.object({ measurement: measurementName, tags });

/** What the program around the agent measures itself: values that hold until they change, and counts between two samples. */
export class Meter {
  readonly #series = new Map<string, MeterSeries>();

  /** @throws BadInputError when a name, tag or value is not valid, a field is counted already, or there are too many */
  gauge(measurement: string, fields: GaugeValues, tags: MeterTags = {}): void {
    check(values, fields, `gauge ${quoted(measurement)}`);
    this.#change(measurement, tags, Object.keys(fields), ({ gauges, counts }) => {
      for (const field of Object.keys(fields)) if (counts.has(field)) throw twice(measurement, field, "counted");
      for (const [field, value] of Object.entries(fields)) {
        if (value === null) gauges.delete(field);
        else gauges.set(field, value);
      }
    });
  }

  /** @throws BadInputError as {@link gauge} does */
  count(measurement: string, fields: CountValues, tags: MeterTags = {}): void {
    check(added, fields, `count ${quoted(measurement)}`);
    this.#change(measurement, tags, Object.keys(fields), ({ gauges, counts }) => {
      for (const field of Object.keys(fields)) if (gauges.has(field)) throw twice(measurement, field, "a gauge");
      for (const [field, more] of Object.entries(fields)) counts.set(field, (counts.get(field) ?? 0) + more);
    });
  }

  /** Everything as it is now. Counts begin anew at 0. */
  drain(): Reading[] {
    return [...this.#series.values()].map(({ measurement, tags, gauges, counts }) => {
      const fields = Object.fromEntries([...gauges, ...counts]);
      for (const field of counts.keys()) counts.set(field, 0);
      return { measurement, tags, fields };
    });
  }

  /** What would be lost if nothing was taken any more: the counts since the last time. */
  drainCounts(): Reading[] {
    const readings: Reading[] = [];
    for (const { measurement, tags, counts } of this.#series.values()) {
      const fields = Object.fromEntries([...counts].filter(([, sum]) => sum !== 0));
      for (const field of counts.keys()) counts.set(field, 0);
      if (Object.keys(fields).length > 0) readings.push({ measurement, tags, fields });
    }
    return readings;
  }

  #change(measurement: string, tags: MeterTags, names: readonly string[], change: (series: MeterSeries) => void): void {
    // The order in which tags are given makes no other series.
    const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([measurement, sorted]);
    const known = this.#series.get(key);
    const series = known ?? this.#newSeries(measurement, Object.fromEntries(sorted));
    const fields = new Set([...series.gauges.keys(), ...series.counts.keys(), ...names]);
    if (fields.size > maxMeterFields)
      throw new BadInputError(`${quoted(measurement)} has more than ${maxMeterFields} fields`);
    change(series);
    if (series.gauges.size + series.counts.size === 0) this.#series.delete(key);
    else if (!known) this.#series.set(key, series);
  }

  #newSeries(measurement: string, tags: MeterTags): MeterSeries {
    check(seriesName, { measurement, tags }, quoted(measurement));
    if (this.#series.size >= maxMeterSeries)
      throw new BadInputError(
        `${quoted(measurement)} would be the agent's series number ${maxMeterSeries + 1} of its own: expected at most ${maxMeterSeries} different measurements and tags; put what differs each time into a field`,
      );
    return { measurement, tags, gauges: new Map(), counts: new Map() };
  }
}

function twice(measurement: string, field: string, what: string): BadInputError {
  return new BadInputError(
    `${quoted(field)} of ${quoted(measurement)} is ${what} already: expected another field's name`,
  );
}
