import { join } from "node:path";
import { openStates } from "#shared/command-states";
import { openDatabase, openForReading, type Database } from "../../console/database/database.ts";
import { migrations } from "../../console/database/schema.ts";
import { connectionsGone } from "../connections.ts";
import type { Reader } from "../fleet.ts";
import type { Row, RowVersion } from "./evidence.ts";

/**
 * The console's history, read from its file by a connection of the checker's own. A trigger keeps every version of every command's
 * row, in the same transaction, so that a final state that changed would show.
 */
export class History implements Reader {
  readonly #path: string;
  #database: Database | undefined;
  #versions: RowVersion[] = [];

  /** @param directory the console's */
  constructor(directory: string) {
    this.#path = join(directory, "muster.db");
  }

  /** To be called before the console starts, the first time before it has its first command. Where it is open already, it stays so. */
  open(): void {
    if (this.#database) return;
    this.#watch();
    // One that could write would write down the log when it is closed.
    this.#database = openForReading(this.#path);
    this.#versions = [];
  }

  /** The ids of the commands that are not final. */
  unfinished(): string[] {
    const list = openStates.map((state) => `'${state}'`).join(", ");
    const rows = this.#read(`SELECT id FROM commands WHERE state IN (${list})`);
    return rows.map((row) => (row as { id: string }).id);
  }

  /** Every version of every row so far, in order. */
  versions(): readonly RowVersion[] {
    const last = this.#versions.at(-1)?.n ?? 0;
    this.#versions.push(...(this.#read("SELECT * FROM chaos_versions WHERE n > ? ORDER BY n", last) as RowVersion[]));
    return this.#versions;
  }

  /** Every command as it stands. */
  rows(): readonly Row[] {
    return this.#read(
      `SELECT id, device, json_extract(document, '$.key') AS key, json_extract(document, '$.args.token') AS token, state,
           json_extract(document, '$.expires') AS expires, json_extract(document, '$.ended') AS ended, document
         FROM commands ORDER BY ts, id`,
    ) as Row[];
  }

  /** @throws Error when a connection stays: its locks would be taken for those of the next one */
  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
    this.#versions = [];
    await connectionsGone(this.#path);
  }

  #read(statement: string, ...parameters: number[]): unknown[] {
    if (!this.#database) throw new Error("the history is closed");
    return this.#database.prepare(statement).all(...parameters);
  }

  #watch(): void {
    const database = openDatabase(this.#path, migrations, { check: false });
    database.exec(`
      CREATE TABLE IF NOT EXISTS chaos_versions (
        n INTEGER PRIMARY KEY, at REAL NOT NULL, device TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, ended REAL, result TEXT
      );
      ${["INSERT", "UPDATE"].map(trigger).join("\n")}
    `);
    database.close();
  }
}

function trigger(event: string): string {
  return `CREATE TRIGGER IF NOT EXISTS chaos_${event.toLowerCase()} AFTER ${event} ON commands BEGIN
    INSERT INTO chaos_versions (at, device, id, state, ended, result) VALUES (
      (julianday('now') - 2440587.5) * 86400000.0, NEW.device, NEW.id, NEW.state,
      json_extract(NEW.document, '$.ended'), json_extract(NEW.document, '$.result'));
  END;`;
}
