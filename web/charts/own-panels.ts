import type { SampleDocument, SampleTags } from "#api/device-routes";
import { unitLabel, type FieldUnit, type UnitOf } from "../format/units.ts";
import type { Latest } from "../state/latest.ts";
import { isKnownSeries } from "./known-series.ts";
import { panels, type Panel, type Source } from "./panels.ts";
import { isCounter, rateUnit } from "./rates.ts";

/** Charts of a device's own fields that are shown, and that each press of a button adds: each is some questions to the store and a canvas. */
export const maxOwnPanels = 24;

/** Fields of one chart at most: as many as there can be told apart. */
export const maxPanelFields = 12;

export interface Charted {
  readonly shown: readonly Panel[];
  /** How many of them were not designed. */
  readonly own: number;
  /** How many more there are. */
  readonly more: number;
}

/**
 * The charts of a device, by what it sends: those that were designed where it measures one; of all else one for each measurement and unit, with
 * a line for each field and series; text and yes or no of a measurement as bands. What else every machine measures comes when asked for.
 * @param own how many of those that were not designed
 */
export function panelsOf(latest: Latest, options: { unitOf: UnitOf; hasAgent: boolean; own?: number }): Charted {
  const samples = [...latest.values()].map(({ sample }) => sample);
  // An agent that has not spoken since the console's start: what it measured is in the store.
  if (samples.length === 0) return { shown: options.hasAgent ? panels : [], own: 0, more: 0 };
  const designed = panels.filter(({ sources }) => sources.some((source) => samples.some((one) => feeds(one, source))));
  const [unknown, known] = [samples.filter((one) => !isKnownSeries(one)), samples.filter(isKnownSeries)];
  const first = ownPanels(unknown, options.unitOf);
  const own = [...first, ...ownPanels(known, options.unitOf)];
  // Nothing but what has no designed chart: then that, rather than nothing.
  const least = designed.length + first.length > 0 ? first.length : own.length;
  const many = Math.max(Math.min(least, maxOwnPanels), options.own ?? 0);
  const charted = own.slice(0, many);
  return { shown: [...designed, ...charted], own: charted.length, more: own.length - charted.length };
}

const feeds = ({ measurement, tags, fields }: SampleDocument, source: Source): boolean =>
  measurement === source.measurement && typeof fields[source.field] === "number" && source.line(tags) !== undefined;

function ownPanels(samples: readonly SampleDocument[], unitOf: UnitOf): Panel[] {
  const measurements = new Map<string, SampleDocument[]>();
  for (const one of samples) measurements.set(one.measurement, [...(measurements.get(one.measurement) ?? []), one]);
  const all = [...measurements]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([measurement, series]) => panelsOfMeasurement(measurement, series, unitOf));
  // Bands are low: side by side they leave no holes.
  return [...all.filter(({ bands }) => !bands), ...all.filter(({ bands }) => bands)];
}

interface Part {
  readonly unit: FieldUnit;
  readonly bands: boolean;
  readonly fields: readonly string[];
  /** Which one it is, of several of one unit. */
  readonly number?: number;
}

function panelsOfMeasurement(measurement: string, series: readonly SampleDocument[], unitOf: UnitOf): Panel[] {
  const parts = new Map<string, Part>();
  const values = new Map(series.flatMap(({ fields }) => Object.entries(fields)));
  for (const field of [...values.keys()].sort()) {
    const bands = typeof values.get(field) !== "number";
    const unit = bands ? "number" : fieldUnit(measurement, field, unitOf);
    // Nobody says that fields without a unit have anything in common.
    const alone = !bands && (unit === "number" || unit === "number/s");
    const key = alone ? field : bands ? "states" : unit;
    const part = parts.get(key) ?? { unit, bands, fields: [] };
    parts.set(key, { ...part, fields: [...part.fields, field] });
  }
  const common = commonTags(series.map(({ tags }) => tags));
  const divided = [...parts.values()].flatMap(divide);
  return divided.map((part) => makePanel(measurement, part, { common, only: divided.length === 1 }));
}

/** Of too many fields several charts. */
const divide = (part: Part): Part[] =>
  Array.from({ length: Math.ceil(part.fields.length / maxPanelFields) }, (_, at) => ({
    ...part,
    fields: part.fields.slice(at * maxPanelFields, (at + 1) * maxPanelFields),
    number: at + 1,
  }));

const fieldUnit = (measurement: string, field: string, unitOf: UnitOf): FieldUnit => {
  const unit = unitOf(measurement, field);
  return isCounter(measurement, field) ? rateUnit(unit) : unit;
};

interface Among {
  /** Tags that all series of the measurement have alike: they tell none apart. */
  readonly common: SampleTags;
  /** Whether the measurement has this panel alone. */
  readonly only: boolean;
}

function makePanel(measurement: string, part: Part, { common, only }: Among): Panel {
  const { unit, bands, fields, number = 1 } = part;
  const label = `${bands ? "states" : unitLabel(unit)}${number > 1 ? ` (${number})` : ""}`;
  const [one] = fields.length === 1 ? fields : [];
  return {
    id: `${measurement}.${one ?? label}`,
    title: one === undefined ? (only ? measurement : `${measurement}, ${label}`) : `${measurement} ${one}`,
    key: JSON.stringify([measurement, part, common]),
    unit,
    combine: "max",
    ...(bands ? { bands } : {}),
    sources: fields.map((field) => ({
      measurement,
      field,
      ...(isCounter(measurement, field) ? { counter: true as const } : {}),
      line: (tags) => {
        const telling = Object.keys(tags)
          .filter((name) => tags[name] !== common[name])
          .sort()
          .map((name) => tags[name])
          .join(", ");
        return one === undefined ? (telling ? `${telling}: ${field}` : field) : telling || field;
      },
    })),
  };
}

/** The tags that are the same in all. */
function commonTags(all: readonly SampleTags[]): SampleTags {
  const [first = {}, ...others] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((tags) => tags[name] === value)),
  );
}
