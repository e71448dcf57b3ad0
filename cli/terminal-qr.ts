/** Two rows of a QR code as one of text, light on dark or dark on light alike: what is dark in the code is left out. */
const halves: Readonly<Record<string, string>> = { "00": "█", "01": "▀", "10": "▄", "11": " " };

/** @param rows of `1` for dark and `0` for light */
export function terminalQr(rows: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < rows.length; at += 2) {
    const [upper = "", lower = ""] = [rows[at], rows[at + 1]];
    lines.push(Array.from(upper, (dark, column) => halves[dark + (lower[column] ?? "0")] ?? " ").join(""));
  }
  return lines.join("\n");
}
