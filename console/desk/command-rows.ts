import type { Clock } from "#shared/clock";
import { openStates } from "#shared/command-states";
import { asError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import { damageOf } from "../database/damage.ts";
import type { Row } from "../database/row.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { nameOf, rowName, type CommandName } from "./command-name.ts";
import { briefly, briefOf } from "./brief.ts";
import { isOpen, type Command } from "./command.ts";
import { parseCommand, withoutStory } from "./kept-command.ts";

export interface CommandQuery {
  readonly device?: string | undefined;
  readonly state?: string | undefined;
  /** Only what was sent before this one, by {@link batchNameOf}. */
  readonly before?: string | undefined;
}

/** Closed commands kept at most; the oldest are forgotten beyond it. */
const historyLimit = 100_000;
/** Commands of one id that are looked at: an operator may call one `1` on every device of the fleet. */
export const maxNamesakes = 20;
/** Characters of the commands that a program gets at once: as many as it asks for, or as this allows. */
export const maxListedLength = 512 * 1024;
/** Commands that are read from the database at once for a list: others have their turn before the next ones. */
const chunk = 20;
const openList = openStates.map((state) => `'${state}'`).join(", ");
const columns = "id, device, state, ts";

/** Where a list of commands goes on. */
interface Cursor {
  readonly ts: number;
  readonly id: string;
  readonly device: string;
}

/** The commands' rows: each a document, with what is searched for beside it. */
export class CommandRows {
  readonly #insert;
  readonly #update;
  readonly #find;
  readonly #answerTimes;
  readonly #answered;
  readonly #cursor;
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#database = database;
    this.#clock = clock;
    this.#insert = database.prepare(
      "INSERT INTO commands (id, device, state, ts, document, brief, key) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#update = database.prepare(
      "UPDATE commands SET state = ?, document = ?, brief = ?, key = ?, took = ? WHERE device = ? AND id = ?",
    );
    this.#find = database.prepare(`SELECT ${columns}, document FROM commands WHERE device = ? AND id = ?`);
    this.#cursor = database.prepare("SELECT ts, id, device FROM commands WHERE device = ? AND id = ?");
    this.#answered = database.prepare(
      "SELECT 1 FROM commands WHERE device = ? AND state IN ('accepted', 'running', 'succeeded', 'failed', 'rejected') LIMIT 1",
    );
    this.#answerTimes = database.prepare(
      "SELECT took FROM commands WHERE device = ? AND key = ? AND took IS NOT NULL ORDER BY ts DESC LIMIT ?",
    );
  }

  insert(command: Command): void {
    const document = JSON.stringify(command);
    const { id, device, state, ts, key } = command;
    this.#insert.run(id, device, state, ts, document, briefText(command, document), key);
  }

  update(command: Command): void {
    const document = JSON.stringify(command);
    const { device, id, state, key, took = null } = command;
    this.#update.run(state, document, briefText(command, document), key, took, device, id);
  }

  find({ device, id }: CommandName): Command | undefined {
    return damageOf(this.#database).one("commands", this.#find, this.#parse, device, id);
  }

  /** Whether one of its commands is in a state that only the device's own word brings it to. */
  hasAnswered(device: DeviceId): boolean {
    return this.#answered.get(device) !== undefined;
  }

  /** Those of all devices that have this id, oldest first; a few, should there be thousands. */
  withId(id: CommandId): Command[] {
    const sql = `SELECT ${columns}, document FROM commands WHERE id = ? ORDER BY ts, device LIMIT ${maxNamesakes}`;
    return damageOf(this.#database).all("commands", this.#database.prepare(sql), this.#parse, id);
  }

  /** Not final yet, in order of creation. */
  open(): Command[] {
    const sql = `SELECT ${columns}, document FROM commands WHERE state IN (${openList}) ORDER BY ts, id`;
    return damageOf(this.#database).all("commands", this.#database.prepare(sql), this.#parse).filter(isOpen);
  }

  /** Newest first, long ones in brief: as many as are asked for, or as there is room for in an answer. */
  list({ limit = 100, ...query }: CommandQuery & { readonly limit?: number | undefined }): Command[] {
    const listed: Command[] = [];
    let room = maxListedLength;
    for (const command of this.walk(query)) {
      room -= JSON.stringify(command).length;
      if (room < 0 && listed.length > 0) break;
      listed.push(command);
      if (listed.length >= limit) break;
    }
    return listed;
  }

  /** All of them one by one, newest first, long ones in brief. Read a few at a time: commands may come and go meanwhile. */
  *walk({ device, state, before }: CommandQuery): Generator<Command, void, void> {
    const [beforeDevice = "", beforeId = ""] = before?.split("/") ?? [];
    let last: Cursor | undefined;
    if (before !== undefined && !(last = this.#cursor.get(beforeDevice, beforeId) as Cursor | undefined)) return;
    for (let read = chunk; read === chunk;) {
      const conditions = [
        device === undefined ? [] : "device = ?",
        state === undefined ? [] : "state = ?",
        last === undefined ? [] : "(ts, id, device) < (?, ?, ?)",
      ].flat();
      const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
      const select = this.#database.prepare(
        `SELECT ${columns}, COALESCE(brief, document) AS document FROM commands ${where} ORDER BY ts DESC, id DESC, device DESC LIMIT ${chunk}`,
      );
      read = 0;
      const parse = (row: Row): Command => {
        read += 1;
        last = row as unknown as Cursor;
        return brief(this.#parse(row), row);
      };
      const parameters = [device, state, ...(last ? [last.ts, last.id, last.device] : [])];
      const given = parameters.filter((one) => one !== undefined);
      yield* damageOf(this.#database).each("commands", select, parse, ...given);
    }
  }

  /** Milliseconds that the newest answers of a device to a key took, oldest first. */
  answerTimes(device: string, key: string, limit: number): number[] {
    const rows = this.#answerTimes.all(device, key, limit) as unknown as { took: number }[];
    return rows.map(({ took }) => took).toReversed();
  }

  /** Forgets the oldest closed commands beyond the limit. */
  trim(): void {
    const trim = this.#database.prepare(
      `DELETE FROM commands WHERE state NOT IN (${openList})
       AND ts < (SELECT ts FROM commands ORDER BY ts DESC LIMIT 1 OFFSET ?)`,
    );
    persistOf(this.#database).write("commands: trim", () => trim.run(historyLimit));
  }

  /** A damaged row is written anew without its story, as long as it says whose it is. @throws Error where it does not */
  readonly #parse = (row: Row): Command => {
    try {
      return parseCommand(row);
    } catch (thrown) {
      // What is damaged may be the short form alone.
      const whole = damageOf(this.#database).row("commands", this.#find, String(row["device"]), String(row["id"]));
      const left = this.#again(whole) ?? withoutStory(row, Math.round(this.#clock.now()));
      persistOf(this.#database).write(rowName(left), () => this.update(left));
      damageOf(this.#database).note("commands", nameOf(left), asError(thrown).message, String(row["document"]));
      return left;
    }
  };

  #again(row: Row | undefined): Command | undefined {
    try {
      return row ? parseCommand(row) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Null where the document is short enough by itself. */
function briefText(command: Command, document: string): string | null {
  return document.length > briefly.whole ? JSON.stringify(briefOf(command)) : null;
}

/** A row of before there were short forms. */
function brief(command: Command, row: Row): Command {
  return String(row["document"]).length > briefly.whole && !command.brief ? briefOf(command) : command;
}
