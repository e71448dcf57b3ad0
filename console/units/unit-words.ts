import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { titleText, fieldUnit } from "#shared/messages/descriptions";
import { measurementName, name } from "#shared/messages/names";
import { parseScope, scopeText, type Scope } from "../configuration/scope.ts";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import type { Row } from "../database/row.ts";
import { instant, parserOf } from "../database/row-fields.ts";

/** What a person calls a field: of a device, of those in a group, or of all. */
export interface UnitWord {
  readonly scope: Scope;
  readonly measurement: string;
  readonly field: string;
  /** Empty for a plain number; null where nobody has said any. */
  readonly unit: string | null;
  readonly title: string | null;
  readonly by: string;
  readonly ts: number;
}

/** Words at most: all of them are in memory, and a fleet has some hundred kinds of fields. */
export const maxUnitWords = 2_000;

const parseRow = parserOf(
  z.object({
    scope: z.string(),
    measurement: measurementName,
    field: name,
    unit: z.nullable(fieldUnit),
    title: z.nullable(titleText),
    by: z.string(),
    ts: instant,
  }),
);

/** @throws Error for a row that does not read */
export function parseUnitWord(row: Row): UnitWord {
  const { scope: text, ...word } = parseRow(row);
  const scope = parseScope(text);
  if (!scope) throw new Error(`${text} is nobody's`);
  return { ...word, scope };
}

/** What people call fields: for a device over those of its groups over those of all. */
export class UnitWords {
  readonly #database: Database;
  readonly #groupsOf: (device: string) => readonly string[];
  #known: Map<string, UnitWord> | undefined;

  constructor(database: Database, groupsOf: (device: string) => readonly string[]) {
    this.#database = database;
    this.#groupsOf = groupsOf;
  }

  list(): readonly UnitWord[] {
    return [...this.#all.values()];
  }

  find(scope: Scope, measurement: string, field: string): UnitWord | undefined {
    return this.#all.get(keyOf(scope, measurement, field));
  }

  /** Those that hold for a device, the ones that count more behind the others. Of two groups the later one by name counts. */
  of(device: string): readonly UnitWord[] {
    if (this.#all.size === 0) return [];
    const groups = [...this.#groupsOf(device)].sort().map((name) => `group:${name}`);
    const scopes = ["default", ...groups, `device:${device}`];
    const rank = ({ scope }: UnitWord): number => scopes.indexOf(scopeText(scope));
    return this.list()
      .filter((word) => rank(word) >= 0)
      .sort((one, other) => rank(one) - rank(other));
  }

  /**
   * Says one, in the place of what was said before; one that says nothing is forgotten. Within a transaction of the caller.
   * @returns to be called when that is through
   * @throws BadInputError where there is no room for one more
   */
  put(word: UnitWord): () => void {
    const { scope, measurement, field, unit, title, by, ts } = word;
    const key = keyOf(scope, measurement, field);
    const place = [scopeText(scope), measurement, field];
    if (unit === null && title === null) {
      this.#database.prepare("DELETE FROM unit_words WHERE scope = ? AND measurement = ? AND field = ?").run(...place);
      return () => void this.#all.delete(key);
    }
    if (!this.#all.has(key) && this.#all.size >= maxUnitWords)
      throw new BadInputError(
        `${this.#all.size} fields have a unit or title from people, and no more may: take another one back first, with muster unit --unset`,
      );
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO unit_words (scope, measurement, field, unit, title, by, ts) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...place, unit, title, by, ts);
    return () => void this.#all.set(key, word);
  }

  /** Nobody has said anything of a device any more; within a transaction of the caller. @throws Error of the database */
  erase(device: DeviceId): void {
    const scope = scopeText({ kind: "device", name: device });
    this.#database.prepare("DELETE FROM unit_words WHERE scope = ?").run(scope);
    for (const [key, word] of this.#all) if (scopeText(word.scope) === scope) this.#all.delete(key);
  }

  get #all(): Map<string, UnitWord> {
    this.#known ??= new Map(
      damageOf(this.#database)
        .all("unit_words", this.#database.prepare("SELECT * FROM unit_words"), parseUnitWord)
        .map((word) => [keyOf(word.scope, word.measurement, word.field), word]),
    );
    return this.#known;
  }
}

function keyOf(scope: Scope, measurement: string, field: string): string {
  return JSON.stringify([scopeText(scope), measurement, field]);
}
