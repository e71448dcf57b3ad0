import { formatDuration } from "#shared/duration";
import { forTerminal, forTerminalJson } from "#shared/printable";

/** Characters of one cell: what is longer is told by `explain`, the page and the documents. */
export const maxCellLength = 160;

/** Rows as aligned columns; the last one is left ragged. Every cell is made safe here: what a device wrote into one is no row of its own. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map((cell) => forTerminal(cell, maxCellLength)));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A text that is cut says so. @param most characters */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A document of the API as JSON: the same values, and nothing that a terminal obeys. */
export function asJson(document: unknown): string {
  return forTerminalJson(JSON.stringify(document, null, 2));
}

/** How long ago a moment was: `now`, `4.2s ago`; a dash for never. */
export function ago(ms: number | null | undefined, now: number): string {
  if (ms === null || ms === undefined) return "–";
  return now - ms < 1_000 ? "now" : `${formatDuration(now - ms)} ago`;
}
