import { csvCell } from "#shared/csv-cell";
import type { Frame } from "./window.ts";

/** A chart's values as CSV (RFC 4180): a row for each moment, a column for each line, and with means of several values two for between which they lie. */
export function csvOf({ times, lines, states }: Frame): string {
  const head = ["time", ...lines.flatMap(({ name, ends }) => (ends ? [name, `${name} min`, `${name} max`] : [name]))];
  const rows = times.flatMap((ts, index) => {
    const cells = lines.flatMap(({ cells: own, ends }) => [
      own[index] ?? undefined,
      ...(ends ? (ends[index] ?? [undefined, undefined]) : []),
    ]);
    if (cells.every((cell) => cell === undefined)) return [];
    const values = cells.map((cell) =>
      cell === undefined ? "" : states ? csvCell(String(states[cell])) : String(cell),
    );
    return [[new Date(ts).toISOString(), ...values]];
  });
  return [head.map(csvCell), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}
