import { readFileSync } from "node:fs";
import type { Dashboard, GridPos } from "@grafana/grafana-foundation-sdk/dashboard";
import * as assert from "uvu/assert";

/** A query of a panel or an annotation, and whose it is. */
export interface Query {
  readonly where: string;
  readonly query: string;
  readonly alias: string;
  /** The annotation's columns; of a panel none. */
  readonly columns: readonly string[];
}

/** A dashboard as its file has it: rows among the panels, without queries. */
export interface Written extends Omit<Dashboard, "panels"> {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: GridPos;
    readonly targets?: readonly Record<string, string | undefined>[];
  }[];
}

const files = ["fleet.json", "device.json", "muster.json"];
/** The dashboards as their files have them: fleet, device, Muster itself. */
export const written = files.map((file) => JSON.parse(readFileSync(`grafana/dashboards/${file}`, "utf8")) as Written);
/** Every query of a dashboard's panels and annotations. */
export function queriesOf({ title = "", panels, annotations }: Written): Query[] {
  const marks = (annotations?.list ?? []).map(({ name, target }) => ({
    panel: name,
    target: target as unknown as Record<string, string | undefined>,
  }));
  const shown = panels.flatMap(({ title: panel, targets = [] }) => targets.map((target) => ({ panel, target })));
  return [...shown, ...marks].map(({ panel, target }) => {
    const { query = "", alias = "", textColumn, tagsColumn = "" } = target;
    assert.match(query, /^SELECT /, `${title}: ${panel}`);
    const columns = textColumn === undefined ? [] : [textColumn, ...tagsColumn.split(",")];
    return { where: `${title}: ${panel}`, query, alias, columns };
  });
}
