/** One line of the results: what was run, and its figures as they are to be read. */
export interface Row {
  readonly what: string;
  readonly figures: Readonly<Record<string, string>>;
}

/** Rows as a Markdown table, so that it can go into the documentation as it is. */
export function toMarkdown(title: string, rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const head = `| ${["", ...columns].join(" | ")} |`;
  const rule = `|---${"|---:".repeat(columns.length)}|`;
  const lines = rows.map(
    ({ what, figures }) => `| ${[what, ...columns.map((column) => figures[column] ?? "")].join(" | ")} |`,
  );
  return [`### ${title}`, "", head, rule, ...lines, ""].join("\n");
}

/** The value below which the share `p` of the sorted values lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}
