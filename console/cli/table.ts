import { formatDuration } from "#shared/duration";

/** Rows as aligned columns; the last one is left ragged. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
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

/** How long ago a moment was: `now`, `4.2s ago`; a dash for never. */
export function ago(ms: number | null | undefined, now: number): string {
  if (ms === null || ms === undefined) return "–";
  return now - ms < 1_000 ? "now" : `${formatDuration(now - ms)} ago`;
}

/** Text of a device, fit for a terminal: no escape sequences of somebody else's. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "�");
}
