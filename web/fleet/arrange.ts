import { t, word } from "../language/text.ts";
import type { LookUp } from "#shared/filter/evaluate-filter";
import { compareCells, type TableCell, type TableSort } from "#shared/fleet-table";
import type { Liveness } from "#shared/liveness";
import { lookUpOf, numberOf, stateOf, valueOf, type ListedRow } from "../state/fleet-rows.ts";

/** How a device is, or that nobody waits for it any more. */
export type ShownState = Liveness | "retired";
export type StateCounts = Readonly<Record<ShownState | "all", number>>;

/** What the list shows, one below the other. */
export type Item =
  | { readonly kind: "row"; readonly row: ListedRow }
  | { readonly kind: "group"; readonly name: string; readonly rows: readonly ListedRow[]; readonly open: boolean };

export interface ListWanted {
  readonly fits: ((lookUp: LookUp) => boolean) | undefined;
  readonly state: ShownState | undefined;
  /** Whether the retired stand among all: whoever names them in a filter looks for them. */
  readonly withRetired: boolean;
  readonly sort: TableSort | undefined;
  /** A column, by whose values devices stand together; each under every value that it has. */
  readonly group: string | undefined;
  readonly closed: ReadonlySet<string>;
}

export interface Arranged {
  readonly rows: readonly ListedRow[];
  readonly items: readonly Item[];
  readonly groups: readonly { readonly name: string; readonly rows: readonly ListedRow[] }[];
}

/** Chosen, sorted and grouped; by their names where nothing else is asked for. */
export function arrange(
  all: readonly ListedRow[],
  { fits, state, withRetired, sort, group, closed }: ListWanted,
): Arranged {
  let rows: readonly ListedRow[] = all.filter((row) => isShown(row, state, withRetired));
  if (fits) rows = rows.filter((row) => fits(lookUpOf(row)));
  if (sort) rows = sorted(rows, sort);
  if (group === undefined)
    return { rows, items: rows.map((row) => ({ kind: "row", row })), groups: [{ name: "", rows }] };
  const groups = grouped(rows, group);
  const items = groups.flatMap(({ name, rows: own }): Item[] => {
    const open = !closed.has(name);
    return [{ kind: "group", name, rows: own, open }, ...(open ? own.map((row): Item => ({ kind: "row", row })) : [])];
  });
  return { rows, items, groups };
}

/** One that is retired stands among the retired alone, unless a filter asks for it. */
function isShown(row: ListedRow, state: ShownState | undefined, withRetired: boolean): boolean {
  if (valueOf(row, "retired") === true) return state === "retired" || (state === undefined && withRetired);
  return state === undefined || stateOf(row) === state;
}

export function countStates(rows: readonly ListedRow[]): StateCounts {
  const counts = { all: 0, online: 0, offline: 0, reporting: 0, silent: 0, retired: 0 };
  for (const row of rows) {
    if (valueOf(row, "retired") === true) counts.retired += 1;
    else {
      counts.all += 1;
      counts[stateOf(row)] += 1;
    }
  }
  return counts;
}

/** In the order in which they are told. */
export const shownStates = ["online", "reporting", "silent", "offline"] as const;

/** `8 devices: 7 online, 1 reporting`. */
export function statesInWords(rows: readonly ListedRow[]): string {
  const counts = countStates(rows);
  const told = shownStates.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${word(state)}`);
  return `${t("{count} device|{count} devices", { count: rows.length })}: ${told.join(", ")}`;
}

function sorted(rows: readonly ListedRow[], { column, down }: TableSort): readonly ListedRow[] {
  if (column === "id") return down ? rows.toReversed() : rows;
  const keys = rows.map((row) => ({ row, key: keyOf(row, column) }));
  return keys.sort((a, b) => compareCells(a.key, b.key, down)).map(({ row }) => row);
}

function keyOf(row: ListedRow, column: string): TableCell | undefined {
  if (column === "cpu") {
    const idle = numberOf(row, "cpu.usage_idle");
    return idle === undefined ? null : 100 - idle;
  }
  if (column === "state") return stateOf(row);
  return valueOf(row, column);
}

function grouped(rows: readonly ListedRow[], by: string): { name: string; rows: ListedRow[] }[] {
  const groups = new Map<string, ListedRow[]>();
  for (const row of rows) {
    const cell = by === "state" ? stateOf(row) : valueOf(row, by);
    const values = cell === null || cell === undefined ? [] : [cell].flat();
    for (const value of values.length > 0 ? values : [""]) {
      const name = String(value);
      const own = groups.get(name);
      if (own) own.push(row);
      else groups.set(name, [row]);
    }
  }
  // Those without a value come last.
  const names = [...groups.keys()].sort((a, b) => Number(a === "") - Number(b === "") || (a < b ? -1 : 1));
  return names.map((name) => ({ name, rows: groups.get(name) ?? [] }));
}
