import { csvCell } from "./csv-cell.ts";
import { BadInputError } from "./errors.ts";
import { quoted } from "./printable.ts";

type Value = string | number | boolean;
/** A cell of the fleet's table: none, one value, or those of several series. */
export type TableCell = Value | null | readonly Value[];
export type TableRow = readonly TableCell[];

/** What can be a column and is no name of the filter language. */
export const ownColumns = [
  "seen",
  "since",
  "silentAfter",
  "reason",
  "boot",
  "interval",
  "signers",
  "missing",
  "sampled",
] as const;

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

/**
 * A table as CSV; numbers are numbers. A column in which a device has several numbers, as of its disks, becomes as many as the most has (`disk.used_percent`,
 * `disk.used_percent 2`), the largest first: two numbers in one cell are text to a spreadsheet.
 */
export function tableCsv(columns: readonly string[], rows: readonly TableRow[]): string {
  const widths = columns.map((_, at) => widthOf(rows, at));
  const head = columns.flatMap((name, at) => spread(widths[at], (part) => (part === 0 ? name : `${name} ${part + 1}`)));
  const line = (row: TableRow): string[] =>
    row.flatMap((cell, at) => {
      const width = widths[at] ?? 1;
      const numbers = width > 1 && cell !== null ? [cell].flat().sort((a, b) => Number(b) - Number(a)) : undefined;
      return numbers
        ? spread(width, (part) => csvText(numbers[part] ?? null))
        : [csvText(cell), ...spread(width - 1, () => "")];
    });
  return [head.map(csvCell), ...rows.map(line)].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function csvText(cell: TableCell): string {
  return typeof cell === "number" ? String(cell) : csvCell(cellText(cell));
}

/** The most numbers that a device has in a column; 1 where somebody has something else. */
function widthOf(rows: readonly TableRow[], at: number): number {
  let width = 1;
  for (const { [at]: cell } of rows) {
    if (cell === null || cell === undefined) continue;
    const values: readonly unknown[] = typeof cell === "object" ? cell : [cell];
    if (!values.every((one) => typeof one === "number")) return 1;
    width = Math.max(width, values.length);
  }
  return width;
}

function spread<T>(count: number | undefined, part: (at: number) => T): T[] {
  return Array.from({ length: count ?? 1 }, (_, at) => part(at));
}
