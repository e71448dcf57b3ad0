import { csvCell } from "./csv-cell.ts";
import { BadInputError } from "./errors.ts";
import { quoted } from "./printable.ts";

type Value = string | number | boolean;
/** A cell of the fleet's table: none, one value, or those of several series. */
export type TableCell = Value | null | readonly Value[];
export type TableRow = readonly TableCell[];

/** A column, and which way. */
export interface TableSort {
  readonly column: string;
  readonly down: boolean;
}

/** Reads `version`, or `-mem.used_percent` for the largest first. */
export function parseSort(text: string): TableSort {
  return text.startsWith("-") ? { column: text.slice(1), down: true } : { column: text, down: false };
}

/** What a cell is sorted by: of several values the largest. */
export function sortKey(cell: TableCell | undefined): Value | undefined {
  if (cell === null || cell === undefined) return undefined;
  if (typeof cell !== "object") return cell;
  return cell.every((one) => typeof one === "number") && cell.length > 0 ? Math.max(...(cell as number[])) : cell[0];
}

/** Numbers before texts, texts as people count; what is not known comes last, whichever way. */
export function compareCells(one: TableCell | undefined, other: TableCell | undefined, down: boolean): number {
  const [a, b] = [sortKey(one), sortKey(other)];
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  return down ? -order : order;
}

const collator = new Intl.Collator("en", { numeric: true });

/** @throws BadInputError where there is no such column */
export function sortRows<R extends TableRow>(
  columns: readonly string[],
  rows: readonly R[],
  { column, down }: TableSort,
): R[] {
  const at = columns.indexOf(column);
  if (at < 0) throw new BadInputError(`there is no column ${quoted(column)}; there are ${columns.join(", ")}`);
  return [...rows].sort((a, b) => compareCells(a[at], b[at], down));
}

export function cellText(cell: TableCell | undefined): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? cell.join(" ") : String(cell);
}

/** A table as CSV; numbers are numbers. */
export function tableCsv(columns: readonly string[], rows: readonly TableRow[]): string {
  const cells = (cell: TableCell): string => (typeof cell === "number" ? String(cell) : csvCell(cellText(cell)));
  return [columns.map(csvCell), ...rows.map((row) => row.map(cells))].map((row) => `${row.join(",")}\r\n`).join("");
}
