import type { Frame } from "./window.ts";

/** What a spreadsheet would take for a formula: devices name their own fields, and what they send. */
const formula = /^[=+\-@\t\r]/;

/** A chart's values as CSV (RFC 4180): a row for each moment, a column for each line. */
export function csvOf({ times, lines, states }: Frame): string {
  const head = ["time", ...lines.map(({ name }) => cellOf(name))];
  const rows = times.flatMap((ts, index) => {
    const cells = lines.map(({ cells: own }) => own[index] ?? undefined);
    if (cells.every((cell) => cell === undefined)) return [];
    const values = cells.map((cell) =>
      cell === undefined ? "" : states ? cellOf(String(states[cell])) : String(cell),
    );
    return [[new Date(ts).toISOString(), ...values]];
  });
  return [head, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function cellOf(text: string): string {
  const plain = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Has the browser keep a text as a file. */
export function saveAsFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
