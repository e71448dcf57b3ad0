import type { CommandId } from "#shared/ids";
import type { CommandName } from "./book.ts";
import type { Database } from "../store/database.ts";
import { openStates, type Command } from "./command.ts";

export interface CommandQuery {
  readonly device?: string | undefined;
  readonly state?: string | undefined;
  readonly limit?: number | undefined;
}

/** Closed commands kept at most; the oldest are forgotten beyond it. */
const historyLimit = 100_000;
/** Commands of one id that are looked at: an operator may call one `1` on every device of the fleet. */
export const mostNamesakes = 20;
const openList = openStates.map((state) => `'${state}'`).join(", ");

/** The commands' rows: each a document, with what is searched for beside it. */
export class CommandRows {
  readonly #insert;
  readonly #update;
  readonly #find;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare("INSERT INTO commands (id, device, state, ts, document) VALUES (?, ?, ?, ?, ?)");
    this.#update = database.prepare("UPDATE commands SET state = ?, document = ? WHERE device = ? AND id = ?");
    this.#find = database.prepare("SELECT document FROM commands WHERE device = ? AND id = ?");
  }

  insert(command: Command): void {
    this.#insert.run(command.id, command.device, command.state, command.ts, JSON.stringify(command));
  }

  update(command: Command): void {
    this.#update.run(command.state, JSON.stringify(command), command.device, command.id);
  }

  find({ device, id }: CommandName): Command | undefined {
    const row = this.#find.get(device, id) as { document: string } | undefined;
    return row && (JSON.parse(row.document) as Command);
  }

  /** Those of all devices that have this id, oldest first; a few, should there be thousands. */
  withId(id: CommandId): Command[] {
    return this.#all(`SELECT document FROM commands WHERE id = ? ORDER BY ts, device LIMIT ${mostNamesakes}`, id);
  }

  /** Not final yet, in order of creation. */
  open(): Command[] {
    return this.#all(`SELECT document FROM commands WHERE state IN (${openList}) ORDER BY ts, id`);
  }

  /** Newest first. */
  list({ device, state, limit = 100 }: CommandQuery): Command[] {
    return this.#all(
      `SELECT document FROM commands WHERE (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR state = ?2) ORDER BY ts DESC, id DESC LIMIT ?3`,
      device ?? null,
      state ?? null,
      limit,
    );
  }

  /** Milliseconds that the newest answers of a device to a key took, oldest first. */
  answerTimes(device: string, key: string, limit: number): number[] {
    const rows = this.#database
      .prepare(
        `SELECT json_extract(document, '$.took') AS took FROM commands
         WHERE device = ? AND json_extract(document, '$.key') = ? AND took IS NOT NULL ORDER BY ts DESC LIMIT ?`,
      )
      .all(device, key, limit) as unknown as { took: number }[];
    return rows.map(({ took }) => took).toReversed();
  }

  /** Forgets the oldest closed commands beyond the limit. */
  trim(): void {
    this.#database
      .prepare(
        `DELETE FROM commands WHERE state NOT IN (${openList})
         AND ts < (SELECT ts FROM commands ORDER BY ts DESC LIMIT 1 OFFSET ?)`,
      )
      .run(historyLimit);
  }

  #all(sql: string, ...parameters: (string | number | null)[]): Command[] {
    const rows = this.#database.prepare(sql).all(...parameters) as unknown as { document: string }[];
    return rows.map(({ document }) => JSON.parse(document) as Command);
  }
}
