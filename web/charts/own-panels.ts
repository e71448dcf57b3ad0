import type { SampleTags } from "#api/device-routes";
import { unitOf } from "../format/number.ts";
import type { Latest } from "../state/latest.ts";
import { panels, type Panel } from "./panels.ts";

/** Charts of a device's own fields at most: each is a question to the store and a canvas. */
export const maxOwnPanels = 24;

/** Made once each: a chart goes on with the panel that it has begun with. */
const made = new Map<string, Panel>();

/**
 * The charts of a device: those of a machine where an agent measures one; of whatever else sends, a chart for each numeric field, by the names,
 * with a line for each of its series.
 */
export function panelsOf(latest: Latest, hasAgent: boolean): readonly Panel[] {
  if (hasAgent) return panels;
  const own = new Map<string, Panel>();
  for (const { sample } of latest.values())
    for (const [field, value] of Object.entries(sample.fields))
      if (typeof value === "number") own.set(idOf(sample.measurement, field), ownPanel(sample.measurement, field));
  const sorted = [...own.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, maxOwnPanels);
  return sorted.length > 0 ? sorted : panels;
}

function ownPanel(measurement: string, field: string): Panel {
  const id = idOf(measurement, field);
  const known = made.get(id);
  if (known) return known;
  const panel: Panel = {
    id,
    title: `${measurement} ${field}`,
    unit: unitOf(measurement, field),
    combine: "max",
    sources: [{ measurement, field, line: (tags) => lineOf(tags) || field }],
  };
  made.set(id, panel);
  return panel;
}

const idOf = (measurement: string, field: string): string => `${measurement}.${field}`;

const lineOf = (tags: SampleTags): string =>
  Object.keys(tags)
    .sort()
    .map((name) => tags[name])
    .join(", ");
