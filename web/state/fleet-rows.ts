import { signal } from "@preact/signals";
import type { FleetCells, FleetChanges, FleetDocument } from "#api/fleet-routes";
import { plainName } from "#shared/filter/condition";
import type { LookUp } from "#shared/filter/evaluate-filter";
import { sortKey, type TableCell } from "#shared/fleet-table";
import { livenessOf, type Liveness } from "#shared/liveness";
import { now } from "./now.ts";

/** What the page needs of each device, beside what somebody has chosen or filters by. */
const base = [
  "name",
  "state",
  "online",
  "boot",
  "seen",
  "silentAfter",
  "paused",
  "retired",
  "version",
  "build",
  "problem",
  "missing",
  "group",
  "tag",
  "cpu.usage_idle",
  "mem.used_percent",
  "disk.used_percent",
  "system.load1",
];
/** Columns that somebody may add to those: the console tells 32 in all. */
export const maxOwnColumns = 31 - base.length;
/** Newest values that a small line shows: of one more the oldest is forgotten. */
export const trailLength = 30;

/** A device of the fleet, as a row of the columns that were asked for. Thousands of them are no signals: all that is drawn is drawn anew with {@link rowsVersion}. */
export interface ListedRow {
  readonly id: string;
  /** By their columns' names. */
  readonly cells: ReadonlyMap<string, number>;
  values: readonly TableCell[];
  /** The number of the change that it is from. */
  at: number;
  /** Values of the columns that have small lines, as they came. */
  readonly trails: Map<string, number[]>;
}

/** The columns that the console tells. */
export const fleetColumns = signal<readonly string[]>(base);
/** Grows with each change of any row. */
export const rowsVersion = signal(0);
/** Whether the fleet has been fetched once. */
export const fleetKnown = signal(false);

let rows = new Map<string, ListedRow>();
let sorted: readonly ListedRow[] | undefined;
let cells: ReadonlyMap<string, number> = new Map();
let followed: ReadonlySet<string> = new Set();

/** Asks for these columns as well. @returns whether there are others now */
export function wantColumns(names: readonly string[]): boolean {
  const wanted = [
    ...new Set([...base, ...names.filter((name) => name !== "id" && name !== plainName).slice(0, maxOwnColumns)]),
  ];
  followed = new Set(names);
  if (wanted.join() === fleetColumns.peek().join()) return false;
  fleetColumns.value = wanted;
  return true;
}

/** All rows by the names that are shown of them, and then by their ids. */
export function allRows(): readonly ListedRow[] {
  sorted ??= [...rows.values()]
    .map((row) => ({ row, key: shownName(row).toLowerCase() }))
    .sort((a, b) => (a.key === b.key ? (a.row.id < b.row.id ? -1 : 1) : a.key < b.key ? -1 : 1))
    .map(({ row }) => row);
  return sorted;
}

/** What a device is called on the page: as a person has named it, or its id. */
export function shownName(row: ListedRow): string {
  const called = [valueOf(row, "name") ?? row.id].flat()[0];
  return called === undefined ? row.id : String(called);
}

export function rowOf(id: string): ListedRow | undefined {
  return rows.get(id);
}

/** In which groups a device is. */
export function groupsOfDevice(id: string): readonly string[] {
  const row = rowOf(id);
  return row ? [valueOf(row, "group") ?? []].flat().map(String) : [];
}

export function valueOf({ cells: at, values }: ListedRow, column: string): TableCell | undefined {
  const index = at.get(column);
  return index === undefined ? undefined : values[index];
}

export function numberOf(row: ListedRow, column: string): number | undefined {
  const value = sortKey(valueOf(row, column));
  return typeof value === "number" ? value : undefined;
}

export function stateOf(row: ListedRow): Liveness {
  const boot = valueOf(row, "boot");
  return livenessOf(
    {
      online: valueOf(row, "online") === true,
      boot: typeof boot === "string" ? boot : null,
      lastSeen: numberOf(row, "seen") ?? null,
      silentAfter: numberOf(row, "silentAfter"),
    },
    now.peek(),
  );
}

/** What a filter's names stand for, which the console has looked up; what changes by the clock is looked up here. */
export function lookUpOf(row: ListedRow): LookUp {
  return (name) => {
    switch (name) {
      case plainName:
        return ["name", "group", "tag"].flatMap((one) => [valueOf(row, one) ?? []].flat()).concat(row.id);
      case "id":
        return row.id;
      case "state":
        return stateOf(row);
      case "silent": {
        const seen = numberOf(row, "seen");
        return seen === undefined ? undefined : now.peek() - seen;
      }
      default:
        return valueOf(row, name) ?? undefined;
    }
  };
}

/** The number in a revision: each life of the console counts from one on. */
const numberIn = (revision: string): number => Number(revision.split("-").at(-1));

/** A page of the table. What a bundle has brought since is newer, and stays. */
export function takePage({ columns, rows: told, gone, revision }: FleetDocument): void {
  cells = new Map(columns.map((name, index) => [name, index]));
  const at = numberIn(revision);
  for (const one of told) takeRow(one, at);
  for (const id of gone) dropRow(id, at);
  rowsVersion.value += 1;
}

/** Begins anew: what is not told from here on is no more. */
export function startOver(): () => void {
  const before = rows;
  rows = new Map();
  sorted = undefined;
  // What was known is shown until the new is there.
  const kept = before;
  for (const row of kept.values()) rows.set(row.id, { ...row, at: -1 });
  return () => {
    for (const [id, { at }] of rows) if (at < 0) rows.delete(id);
    sorted = undefined;
    fleetKnown.value = true;
    rowsVersion.value += 1;
  };
}

/** What has changed, together. */
export function takeBundle({ rows: told, revision }: FleetChanges): void {
  if (told.length === 0 || cells.size === 0) return;
  const at = numberIn(revision);
  for (const one of told) takeRow(one, at);
  rowsVersion.value += 1;
}

export function dropRow(id: string, at = Infinity): void {
  const known = rows.get(id);
  if (!known || known.at > at) return;
  rows.delete(id);
  sorted = undefined;
  rowsVersion.value += 1;
}

export function forgetRows(): void {
  rows = new Map();
  sorted = undefined;
  cells = new Map();
  fleetKnown.value = false;
  rowsVersion.value += 1;
}

function takeRow(values: FleetCells, at: number): void {
  const [id] = values;
  if (typeof id !== "string") return;
  const known = rows.get(id);
  if (known && known.at > at) return;
  if (known?.cells === cells) {
    const before = shownName(known);
    known.values = values;
    if (shownName(known) !== before) sorted = undefined;
    known.at = at;
    follow(known);
    return;
  }
  const row: ListedRow = { id, cells, values, at, trails: known?.trails ?? new Map() };
  rows.set(id, row);
  follow(row);
  sorted = undefined;
}

function follow(row: ListedRow): void {
  for (const name of followed) {
    const value = numberOf(row, name);
    if (value === undefined) continue;
    const trail = row.trails.get(name) ?? [];
    if (trail.push(value) > trailLength) trail.shift();
    row.trails.set(name, trail);
  }
}
