import { csvCell } from "#shared/csv-cell";
import type { Frame } from "./window.ts";

/** A chart's values as CSV (RFC 4180): a row for each moment, a column for each line. */
export function csvOf({ times, lines, states }: Frame): string {
  const head = ["time", ...lines.map(({ name }) => csvCell(name))];
  const rows = times.flatMap((ts, index) => {
    const cells = lines.map(({ cells: own }) => own[index] ?? undefined);
    if (cells.every((cell) => cell === undefined)) return [];
    const values = cells.map((cell) =>
      cell === undefined ? "" : states ? csvCell(String(states[cell])) : String(cell),
    );
    return [[new Date(ts).toISOString(), ...values]];
  });
  return [head, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/** Has the browser keep a text, as CSV, or a picture as a file. */
export function saveAsFile(name: string, content: string | Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(typeof content === "string" ? new Blob([content], { type: "text/csv" }) : content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
