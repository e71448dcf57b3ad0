import { join } from "node:path";
import { openStates } from "../console/desk/command.ts";
import { openDatabase, type Database } from "../console/store/database.ts";
import { migrations } from "../console/store/schema.ts";
import type { Row, RowVersion } from "./evidence.ts";

/**
 * The console's history, read from its file by a connection of the checker's own. A trigger keeps every version of every command's
 * row, in the same transaction, so that a final state that changed would show.
 */
export class History {
  readonly #database: Database;
  readonly #versions: RowVersion[] = [];

  /** To be made before the console has its first command. */
  constructor(directory: string) {
    this.#database = openDatabase(join(directory, "muster.db"), migrations);
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS chaos_versions (
        n INTEGER PRIMARY KEY, at REAL NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, ended REAL, result TEXT
      );
      ${["INSERT", "UPDATE"].map(trigger).join("\n")}
    `);
  }

  /** The ids of the commands that are not final. */
  open(): string[] {
    const list = openStates.map((state) => `'${state}'`).join(", ");
    const rows = this.#database.prepare(`SELECT id FROM commands WHERE state IN (${list})`).all();
    return rows.map((row) => (row as { id: string }).id);
  }

  /** Every version of every row so far, in order. */
  versions(): readonly RowVersion[] {
    const last = this.#versions.at(-1)?.n ?? 0;
    const rows = this.#database.prepare("SELECT * FROM chaos_versions WHERE n > ? ORDER BY n").all(last);
    this.#versions.push(...(rows as unknown as RowVersion[]));
    return this.#versions;
  }

  /** Every command as it stands. */
  rows(): readonly Row[] {
    const rows = this.#database
      .prepare(
        `SELECT id, device, json_extract(document, '$.key') AS key, json_extract(document, '$.args.token') AS token, state,
           json_extract(document, '$.expires') AS expires, json_extract(document, '$.ended') AS ended, document
         FROM commands ORDER BY ts, id`,
      )
      .all();
    return rows;
  }

  close(): void {
    this.#database.close();
  }
}

function trigger(event: string): string {
  return `CREATE TRIGGER IF NOT EXISTS chaos_${event.toLowerCase()} AFTER ${event} ON commands BEGIN
    INSERT INTO chaos_versions (at, id, state, ended, result) VALUES (
      (julianday('now') - 2440587.5) * 86400000.0, NEW.id, NEW.state,
      json_extract(NEW.document, '$.ended'), json_extract(NEW.document, '$.result'));
  END;`;
}
