import * as z from "zod/mini";
import { personsName } from "#shared/device-labels";
import { BadInputError } from "#shared/errors";
import { check, json, type Json } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { parserOf } from "../database/row-fields.ts";
import type { Row } from "../database/row.ts";

/** A command that is to be sent again. Times are milliseconds. */
export interface KeptCommand {
  readonly key: string;
  readonly args: Readonly<Record<string, Json>>;
  readonly timeout?: number | undefined;
  readonly ttl?: number | undefined;
}

/** How somebody looks at the fleet. */
export interface KeptView {
  /** Of the page's address. */
  readonly query: string;
}

/** What is kept of each kind. */
export interface KeptByKind {
  readonly command: KeptCommand;
  readonly view: KeptView;
}
export type KeptKind = keyof KeptByKind;

/** Things of one kind that an account keeps at most: more are no shortcut, and all are sent with each list. */
export const maxKept = 100;
/** Bytes of one, as JSON: a command's arguments or a filter, and not a file. */
export const maxKeptBytes = 8_192;

const documents: { readonly [K in KeptKind]: z.ZodMiniType<KeptByKind[K]> } = {
  command: z.object({
    key: z.string(),
    args: z.record(z.string(), json),
    timeout: z.optional(z.number()),
    ttl: z.optional(z.number()),
  }),
  view: z.object({ query: z.string() }),
};
const parseRow = parserOf(z.object({ kind: z.enum(["command", "view"]), name: z.string(), document: z.string() }));

type Named<K extends KeptKind> = { readonly name: string } & KeptByKind[K];

/** @throws Error for a row that does not read */
export const parseFavourite = (row: Row): Named<KeptKind> => readAs(parseRow(row).kind, row);

function readAs<K extends KeptKind>(kind: K, row: Row): Named<K> {
  const { name, document } = parseRow(row);
  return { name, ...check<KeptByKind[K]>(documents[kind], parseJson(document), "the document") };
}

/** What each person keeps for himself, by names of his own. It goes with his account. */
export class Favourites {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By their names. */
  list<K extends KeptKind>(account: string, kind: K): readonly Named<K>[] {
    const select = this.#database.prepare(
      "SELECT account, kind, name, document FROM favourites WHERE account = ? AND kind = ? ORDER BY name",
    );
    return damageOf(this.#database).all("favourites", select, (row) => readAs(kind, row), account, kind);
  }

  /**
   * Keeps one, in the place of what was kept by that name. Within a transaction of the caller, or alone. @returns its name, as it is kept
   * @throws BadInputError where it is too large, too many are kept, or the name is none
   */
  put<K extends KeptKind>(account: string, kind: K, as: string, document: KeptByKind[K]): string {
    const name = personsName(as);
    if (name === "") throw new BadInputError("it needs a name to be kept under");
    const text = JSON.stringify(document);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxKeptBytes)
      throw new BadInputError(`this ${kind} has ${bytes} bytes as JSON: expected ${maxKeptBytes} at most to be kept`);
    const known = this.list(account, kind);
    if (known.length >= maxKept && !known.some((one) => one.name === name))
      throw new BadInputError(`you keep ${known.length} ${kind}s, and no more may be: forget another one first`);
    this.#database
      .prepare("INSERT OR REPLACE INTO favourites (account, kind, name, document) VALUES (?, ?, ?, ?)")
      .run(account, kind, name, text);
    return name;
  }

  /** Whether {@link put} would leave all as it is. */
  has<K extends KeptKind>(account: string, kind: K, as: string, document: KeptByKind[K]): boolean {
    return (
      this.#database
        .prepare("SELECT 1 FROM favourites WHERE account = ? AND kind = ? AND name = ? AND document = ?")
        .get(account, kind, personsName(as), JSON.stringify(document)) !== undefined
    );
  }

  /** @returns whether it was there */
  drop(account: string, kind: KeptKind, name: string): boolean {
    const { changes } = this.#database
      .prepare("DELETE FROM favourites WHERE account = ? AND kind = ? AND name = ?")
      .run(account, kind, name);
    return changes > 0;
  }
}
