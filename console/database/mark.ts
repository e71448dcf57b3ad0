import { randomBytes } from "node:crypto";
import * as z from "zod/mini";
import { instant, parserOf } from "./row-fields.ts";
import type { Database } from "./database.ts";

/** What all databases of one console share, and change together: by it one that was put back to an older copy is known. */
export interface Mark {
  /** Grows by one with each change. */
  readonly number: number;
  /** No two are alike, also where two copies of a directory have gone on with the same numbers. */
  readonly mark: string;
  /** When it was made, epoch ms by the console's clock. */
  readonly at: number;
  /** The number of the one with which this run of the console began. */
  readonly started: number;
  /** The databases that have it. */
  readonly files: readonly string[];
}

/** A migration of each of the console's databases. */
export const markSchema = `
  CREATE TABLE mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    mark TEXT NOT NULL,
    at INTEGER NOT NULL,
    started INTEGER NOT NULL,
    files TEXT NOT NULL
  ) STRICT;
  `;

const parseRow = parserOf(
  z
    .object({ number: z.number(), mark: z.string(), at: instant, started: z.number(), files: z.string() })
    // A flipped bit must not make all other files older ones.
    .check(
      z.refine(({ number, mark }) => mark.startsWith(`${number}-`), "expected a mark that begins with its number"),
    ),
);

/** The mark after `last`. */
export function nextMark(last: number, rest: Pick<Mark, "at" | "started" | "files">): Mark {
  const number = last + 1;
  return { ...rest, number, mark: `${number}-${randomBytes(6).toString("hex")}` };
}

/** @returns undefined where there is none yet, or where it does not read */
export function readMark(database: Database): Mark | undefined {
  try {
    const row = database.prepare("SELECT number, mark, at, started, files FROM mark WHERE id = 1").get();
    if (row === undefined) return undefined;
    const { files, ...mark } = parseRow(row as Record<string, unknown>);
    return { ...mark, files: files.split(" ") };
  } catch {
    return undefined;
  }
}

/** @throws Error where the disk does not take it */
export function writeMark(database: Database, { number, mark, at, started, files }: Mark): void {
  database
    .prepare("INSERT OR REPLACE INTO mark (id, number, mark, at, started, files) VALUES (1, ?, ?, ?, ?, ?)")
    .run(number, mark, Math.round(at), started, files.join(" "));
}
