import { deviceNames, readerOf } from "#shared/filter/filter-values";
import type { FleetRow } from "./fleet-columns.ts";

/** Names that are told for completion: devices may tell any number of them. */
export const maxFilterNames = 1_000;
/** Values of each name that are told. */
export const maxNameValues = 20;
/** Different values of one name that are counted: what differs on every device is nothing to choose by. */
export const maxCountedValues = 500;
/** Characters of a value that is told. */
const longest = 64;

/** Of these the values are many, or numbers. */
const unlisted = new Set(["id", "name", "silent", "note", "problem"]);

/** What filters can name of a fleet, gathered device by device. */
export class FilterNames {
  readonly #counts = new Map<string, Map<string, number>>(deviceNames.map((name) => [name, new Map()]));

  /** @param metrics what it measures: `mem.used_percent` */
  take(row: FleetRow, metrics: Iterable<string>): void {
    for (const name of deviceNames) if (!unlisted.has(name)) this.#count(name, row);
    for (const name of Object.keys(row.device.facts)) this.#count(name, row);
    for (const name of metrics) this.#countsOf(name);
  }

  /** The most frequent values first. */
  list(): readonly { readonly name: string; readonly values: readonly string[] }[] {
    return [...this.#counts].map(([name, counts]) => ({
      name,
      values: [...counts]
        .sort(([one, many], [other, more]) => more - many || (one < other ? -1 : 1))
        .slice(0, maxNameValues)
        .map(([value]) => value),
    }));
  }

  #count(name: string, row: FleetRow): void {
    const counts = this.#countsOf(name);
    const value = counts && readerOf(name)(row);
    if (!counts || value === undefined) return;
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      const text = String(one);
      const known = counts.get(text);
      if (text.length <= longest && (known !== undefined || counts.size < maxCountedValues))
        counts.set(text, (known ?? 0) + 1);
    }
  }

  #countsOf(name: string): Map<string, number> | undefined {
    const known = this.#counts.get(name);
    if (known || this.#counts.size >= maxFilterNames) return known;
    const made = new Map<string, number>();
    this.#counts.set(name, made);
    return made;
  }
}
