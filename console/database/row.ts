/** As SQLite hands it over. */
export type Row = Readonly<Record<string, unknown>>;

/** Numbers as numbers, where they are exact. */
export function plain(row: Row): Row {
  const copy: Record<string, unknown> = { ...row };
  for (const column in copy) {
    const value = copy[column];
    if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) copy[column] = Number(value);
  }
  return copy;
}
