import * as z from "zod/mini";
import { counted } from "#shared/counted";
import { configurationHash, type Configuration } from "#shared/configuration";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { check, count } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { Signal } from "#shared/signal";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import type { Row } from "../database/row.ts";
import { instant, parserOf } from "../database/row-fields.ts";
import { everyone, parseScope, scopeText, type Scope } from "./scope.ts";

/** Settings as somebody has said them, once. */
export interface SaidSettings {
  /** Grows by one with each change at this console, whoever it is for. */
  readonly version: number;
  readonly values: Configuration;
  readonly by: string;
  readonly ts: number;
}

/** Settings of one device, of all that is said for it. */
export interface DesiredSettings {
  /** Of the newest word among them; 0 where nobody has ever said any. */
  readonly version: number;
  readonly hash: string;
  readonly values: Configuration;
  /** Whose word each is. */
  readonly from: Readonly<Record<string, string>>;
}

/** Changes remembered for each device, group and for all: what was before can be looked up and put back. */
export const maxRememberedSettings = 50;
/** Groups that have settings: all of them are in memory, and anybody who may send commands can think of names without end. */
export const maxConfiguredGroups = 500;

const parseRow = parserOf(
  z.object({ version: count, scope: z.string(), settings: z.string(), by: z.string(), ts: instant }),
);
const values = z.record(z.string(), z.string());

/** @throws Error for a row that does not read */
export function parseSaid(row: Row): SaidSettings & { readonly scope: Scope } {
  const { version, scope: text, settings, by, ts } = parseRow(row);
  const scope = parseScope(text);
  if (!scope) throw new Error(`${text} is no scope of settings`);
  return { version, scope, values: check(values, parseJson(settings), "settings"), by, ts };
}

/** The settings that people want devices to have: for a device over those of its groups over those of all. */
export class Configurations {
  /** Whose have changed. */
  readonly changes: Signal<Scope>;
  readonly #database: Database;
  readonly #groupsOf: (device: string) => readonly string[];
  #current: Map<string, SaidSettings> | undefined;
  #newest = 0;

  constructor(database: Database, groupsOf: (device: string) => readonly string[], failed?: (thrown: unknown) => void) {
    this.#database = database;
    this.#groupsOf = groupsOf;
    this.changes = new Signal(failed);
  }

  /** Whether anybody has ever said any. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** The newest number that was given. */
  get newest(): number {
    return this.#all.size === 0 ? 0 : this.#newest;
  }

  of(scope: Scope): SaidSettings | undefined {
    return this.#all.get(scopeText(scope));
  }

  /** Everybody's of whom there are any. */
  list(): readonly [Scope, SaidSettings][] {
    return [...this.#all].flatMap(([text, said]) => {
      const scope = parseScope(text);
      return scope ? [[scope, said] as [Scope, SaidSettings]] : [];
    });
  }

  /** Of two groups that say different things the later one by name counts. */
  desired(device: string): DesiredSettings {
    const scopes: Scope[] = [
      everyone,
      ...[...this.#groupsOf(device)].sort().map((name) => ({ kind: "group", name }) as const),
      { kind: "device", name: device },
    ];
    const merged: Record<string, string> = {};
    const from: Record<string, string> = {};
    let version = 0;
    for (const scope of scopes) {
      const said = this.of(scope);
      if (!said) continue;
      version = Math.max(version, said.version);
      for (const [key, value] of Object.entries(said.values)) {
        merged[key] = value;
        from[key] = scopeText(scope);
      }
    }
    return { version, hash: configurationHash(merged), values: merged, from };
  }

  /**
   * Says them for a scope, in place of all that was said for it. Within a transaction of the caller. @returns to be called when that is through
   * @throws BadInputError where there are too many groups with settings
   */
  put(scope: Scope, said: Omit<SaidSettings, "version">): { readonly said: SaidSettings; readonly done: () => void } {
    const text = scopeText(scope);
    const forgotten = scope.kind === "group" && !this.#all.has(text) ? this.#makeRoom() : undefined;
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO configurations (scope, settings, by, ts) VALUES (?, ?, ?, ?)")
      .run(text, JSON.stringify(said.values), said.by, said.ts);
    this.#database
      .prepare(
        `DELETE FROM configurations WHERE scope = ? AND version NOT IN
         (SELECT version FROM configurations WHERE scope = ? ORDER BY version DESC LIMIT ${maxRememberedSettings})`,
      )
      .run(text, text);
    const numbered = { ...said, version: Number(lastInsertRowid) };
    const done = (): void => {
      if (forgotten !== undefined) this.#all.delete(forgotten);
      this.#all.set(text, numbered);
      this.#newest = Math.max(this.#newest, numbered.version);
      this.changes.emit(scope);
    };
    return { said: numbered, done };
  }

  /** What was said for it, the newest first. */
  history(scope: Scope): readonly SaidSettings[] {
    const select = this.#database.prepare("SELECT * FROM configurations WHERE scope = ? ORDER BY version DESC");
    return damageOf(this.#database).all("configurations", select, parseSaid, scopeText(scope));
  }

  /** Nothing is wanted of a device any more; within a transaction of the caller. @throws Error of the database */
  erase(device: DeviceId): void {
    const scope = scopeText({ kind: "device", name: device });
    this.#database.prepare("DELETE FROM configurations WHERE scope = ?").run(scope);
    this.#database.prepare("DELETE FROM configured WHERE device = ?").run(device);
    this.#current?.delete(scope);
  }

  /** For one more group: of those of which nothing is wanted any more the oldest is forgotten. @returns its scope @throws BadInputError where there is none */
  #makeRoom(): string | undefined {
    const groups = [...this.#all].filter(([text]) => text.startsWith("group:"));
    if (groups.length < maxConfiguredGroups) return undefined;
    const [oldest] = groups
      .filter(([, { values }]) => Object.keys(values).length === 0)
      .sort(([, one], [, other]) => one.version - other.version);
    if (!oldest)
      throw new BadInputError(
        `${counted(groups.length, "group")} have settings, and no more may: take those of another group away first, with muster config --group NAME unset KEY`,
      );
    this.#database.prepare("DELETE FROM configurations WHERE scope = ?").run(oldest[0]);
    return oldest[0];
  }

  get #all(): Map<string, SaidSettings> {
    this.#current ??= this.#read();
    return this.#current;
  }

  #read(): Map<string, SaidSettings> {
    const all = new Map<string, SaidSettings>();
    const select = this.#database.prepare(
      "SELECT * FROM configurations WHERE version IN (SELECT max(version) FROM configurations GROUP BY scope)",
    );
    for (const { scope, ...said } of damageOf(this.#database).all("configurations", select, parseSaid)) {
      all.set(scopeText(scope), said);
      this.#newest = Math.max(this.#newest, said.version);
    }
    return all;
  }
}
