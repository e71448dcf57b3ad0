import type { Columns } from "./to-columns.ts";

/** Gives every series tags besides its own, which come first. */
export function withTags(columns: Columns, tags: Readonly<Record<string, string>>): Columns {
  for (const _ in tags)
    return { ...columns, m: columns.m.map((series) => ({ ...series, tags: { ...tags, ...series.tags } })) };
  return columns;
}
