import type { SampleDocument, SampleTags } from "#api/device-routes";
import { rateUnit, unitLabel, type FieldUnit } from "#shared/field-units";
import type { FieldLook, Looks } from "../state/field-looks.ts";
import { t } from "../language/text.ts";
import { isKnownSeries } from "./known-series.ts";
import { panels, type Panel, type Range, type Source } from "./panels.ts";

/** Charts of a device's own fields that are shown, and that each press of a button adds: each is some questions to the store and a canvas. */
export const maxOwnPanels = 24;

/** What the console itself measures of a device: one field, whose chart was designed. */
const ofConsole = "muster_device";

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
 * The charts of a device, by what it sends, or sent in the time that is looked at: those that were designed where it measures one; of all else one for each measurement and unit, with
 * a line for each field and series; text and yes or no of a measurement as bands. What else every machine measures comes when asked for.
 * @param own how many of those that were not designed
 */
export function panelsOf(
  samples: readonly SampleDocument[],
  options: { looks: Looks; hasAgent: boolean; own?: number },
): Charted {
  // An agent that has not spoken since the console's start: what it measured is in the store.
  if (samples.length === 0) return { shown: options.hasAgent ? panels : [], own: 0, more: 0 };
  const designed = panels
    .filter(({ sources }) => sources.some((source) => samples.some((one) => feeds(one, source))))
    .map((panel) => inTheirWords(panel, options.looks));
  const [unknown, known] = [samples.filter((one) => !isKnownSeries(one)), samples.filter(isKnownSeries)];
  const first = ownPanels(unknown, options.looks);
  const own = [
    ...first,
    ...ownPanels(
      known.filter(({ measurement }) => measurement !== ofConsole),
      options.looks,
    ),
  ];
  // Nothing but what has no designed chart: then that, rather than nothing.
  const least = designed.length + first.length > 0 ? first.length : own.length;
  const many = Math.max(Math.min(least, maxOwnPanels), options.own ?? 0);
  const charted = own.slice(0, many);
  return { shown: [...designed, ...charted], own: charted.length, more: own.length - charted.length };
}

/** A designed one, in the unit that somebody has said of what it shows as it is. */
function inTheirWords(panel: Panel, looks: Looks): Panel {
  const [source] = panel.sources;
  const look = source && !source.value && looks.field(source.measurement, source.field);
  return look && look.isSaid ? { ...panel, unit: source.counter ? rateUnit(look.unit) : look.unit } : panel;
}

const feeds = ({ measurement, tags, fields }: SampleDocument, source: Source): boolean =>
  measurement === source.measurement && typeof fields[source.field] === "number" && source.line(tags) !== undefined;

function ownPanels(samples: readonly SampleDocument[], looks: Looks): Panel[] {
  const measurements = new Map<string, SampleDocument[]>();
  for (const one of samples) measurements.set(one.measurement, [...(measurements.get(one.measurement) ?? []), one]);
  const all = [...measurements]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([measurement, series]) => panelsOfMeasurement(measurement, series, looks));
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

function panelsOfMeasurement(measurement: string, series: readonly SampleDocument[], looks: Looks): Panel[] {
  const parts = new Map<string, Part>();
  const values = new Map(series.flatMap(({ fields }) => Object.entries(fields)));
  for (const field of [...values.keys()].sort()) {
    const bands = typeof values.get(field) !== "number";
    const unit = bands ? "number" : unitShown(looks.field(measurement, field));
    // Nobody says that fields without a unit have anything in common.
    const alone = !bands && (unit === "number" || unit === "number/s");
    const key = alone ? field : bands ? "states" : unit;
    const part = parts.get(key) ?? { unit, bands, fields: [] };
    parts.set(key, { ...part, fields: [...part.fields, field] });
  }
  const common = commonTags(series.map(({ tags }) => tags));
  const divided = [...parts.values()].flatMap(divide);
  return divided.map((part) => makePanel(measurement, part, { common, only: divided.length === 1, looks }));
}

/** Of too many fields several charts. */
const divide = (part: Part): Part[] =>
  Array.from({ length: Math.ceil(part.fields.length / maxPanelFields) }, (_, at) => ({
    ...part,
    fields: part.fields.slice(at * maxPanelFields, (at + 1) * maxPanelFields),
    number: at + 1,
  }));

const unitShown = ({ unit, isCounter }: FieldLook): FieldUnit => (isCounter ? rateUnit(unit) : unit);

interface Among {
  /** Tags that all series of the measurement have alike: they tell none apart. */
  readonly common: SampleTags;
  /** Whether the measurement has this panel alone. */
  readonly only: boolean;
  readonly looks: Looks;
}

function makePanel(measurement: string, part: Part, { common, only, looks }: Among): Panel {
  const { unit, bands, fields, number = 1 } = part;
  const label = `${bands ? t("states") : unitLabel(unit)}${number > 1 ? ` (${number})` : ""}`;
  const [one] = fields.length === 1 ? fields : [];
  const of = (field: string): FieldLook => looks.field(measurement, field);
  const said = looks.measurement(measurement);
  const range = bands ? undefined : rangeOf(fields.map(of));
  return {
    id: `${measurement}.${one ?? label}`,
    title: titleOf(measurement, {
      said: said.title,
      field: one,
      called: one && of(one).title,
      label: only ? "" : label,
    }),
    description: (one && of(one).description) ?? said.description,
    key: JSON.stringify([measurement, part, common, fields.map(of)]),
    unit,
    range,
    combine: "max",
    ...(bands ? { bands } : {}),
    sources: fields.map((field) => ({
      measurement,
      field,
      ...(of(field).isCounter ? { counter: true as const } : {}),
      line: (tags) => {
        const telling = Object.keys(tags)
          .filter((name) => tags[name] !== common[name])
          .sort()
          .map((name) => tags[name])
          .join(", ");
        const called = of(field).title ?? field;
        return one === undefined ? (telling ? `${telling}: ${called}` : called) : telling || called;
      },
    })),
  };
}

interface Names {
  readonly said: string | undefined;
  /** The only field, and what it is called. */
  readonly field: string | undefined;
  readonly called: string | undefined;
  readonly label: string;
}

/** `room temperature`, `Living room`, `Room: pressure`; `room, °C` of several fields. */
function titleOf(measurement: string, { said, field, called, label }: Names): string {
  if (field === undefined) return label ? `${said || measurement}, ${label}` : said || measurement;
  if (said) return `${said}: ${called ?? field}`;
  return called ?? `${measurement} ${field}`;
}

/** Around all of theirs; a counter's says nothing of its rate. */
function rangeOf(looks: readonly FieldLook[]): Range | undefined {
  const all = looks.filter(({ isCounter }) => !isCounter);
  const [least, most] = [all.flatMap(({ min }) => min ?? []), all.flatMap(({ max }) => max ?? [])];
  if (least.length + most.length === 0) return undefined;
  return {
    min: least.length > 0 ? Math.min(...least) : undefined,
    max: most.length > 0 ? Math.max(...most) : undefined,
  };
}

/** The tags that are the same in all. */
function commonTags(all: readonly SampleTags[]): SampleTags {
  const [first = {}, ...others] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((tags) => tags[name] === value)),
  );
}
