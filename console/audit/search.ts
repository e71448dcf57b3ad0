import type { Database } from "../database/database.ts";
import { columns, parseEntry, type AuditEntry } from "./entry.ts";

/** Which entries: all that fit every part that is given. */
export interface AuditQuery {
  /** Epoch ms, both ends among them. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** The whole name. */
  readonly who?: string | undefined;
  /** The whole word, or its beginning up to a dot: `login` has `login.refused`. */
  readonly what?: string | undefined;
  /** What was done to it, or by it. */
  readonly device?: string | undefined;
  /** Text anywhere in an entry, capitals or not. */
  readonly text?: string | undefined;
}

/** Entries that are looked at together: some milliseconds, and others have their turn before the next ones. */
export const maxLookedAt = 500;

/**
 * The entries that fit, newest first. Each turn gives one, or undefined where a part of the log was looked at that has none.
 * @param before only entries with smaller numbers
 */
export function* search(
  database: Database,
  query: AuditQuery,
  before = Number.MAX_SAFE_INTEGER,
): Generator<AuditEntry | undefined, void, void> {
  const { where, values } = conditionsOf(query);
  const page = database.prepare("SELECT n FROM audit WHERE n < ? ORDER BY n DESC LIMIT 1 OFFSET ?");
  const select = database.prepare(
    `SELECT ${columns} FROM audit WHERE n < ? AND n >= ?${where.map((one) => ` AND ${one}`).join("")} ORDER BY n DESC`,
  );
  for (let end = before; ;) {
    const row = page.get(end, maxLookedAt - 1) as { n: number } | undefined;
    const start = row?.n ?? 0;
    // One that does not read is for whoever verifies the chain.
    for (const found of select.all(end, start, ...values)) yield readable(found as Record<string, unknown>);
    if (!row) return;
    end = start;
    yield undefined;
  }
}

/** All entries from one on, oldest first, read a few at a time. */
export function* entriesAfter(database: Database, after = 0): Generator<AuditEntry | undefined, void, void> {
  const select = database.prepare(`SELECT ${columns} FROM audit WHERE n > ? ORDER BY n LIMIT ${maxLookedAt}`);
  for (let last = after; ;) {
    const rows = select.all(last) as { n: number }[];
    for (const row of rows) yield readable(row);
    const end = rows.at(-1)?.n;
    if (end === undefined) return;
    last = end;
  }
}

function readable(row: Record<string, unknown>): AuditEntry | undefined {
  try {
    return parseEntry(row);
  } catch {
    return undefined;
  }
}

function conditionsOf({ since, until, who, what, device, text }: AuditQuery) {
  const parts: [condition: string, values: readonly (string | number)[]][] = [];
  if (since !== undefined) parts.push(["ts >= ?", [since]]);
  if (until !== undefined) parts.push(["ts <= ?", [until]]);
  if (who !== undefined) parts.push(["who = ?", [who]]);
  if (what !== undefined) parts.push(["(what = ? OR substr(what, 1, ?) = ?)", [what, what.length + 1, `${what}.`]]);
  if (device !== undefined) parts.push(["(object = ? OR who = ?)", [device, device]]);
  if (text !== undefined) {
    const pattern = `%${text.replaceAll(/[\\%_]/g, (one) => `\\${one}`)}%`;
    const whole = "who || ' ' || source || ' ' || what || ' ' || object || ' ' || result || ' ' || detail";
    parts.push([`(${whole}) LIKE ? ESCAPE '\\'`, [pattern]]);
  }
  return { where: parts.map(([condition]) => condition), values: parts.flatMap(([, values]) => values) };
}
