/** What a spreadsheet would take for a formula: devices name their own fields, and what they send. */
const formula = /^[=+\-@\t\r]/;

/** A text as a cell of CSV (RFC 4180). */
export function csvCell(text: string): string {
  const plain = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
