import { existsSync } from "node:fs";
import { join } from "node:path";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { openForReading, openForWriting, shapeOf, type Database } from "./database.ts";
import { closeDatabase } from "./group-sync.ts";
import { nextMark, readMark, writeMark, type Mark } from "./mark.ts";
import { listName } from "./files-of-before.ts";
import { databaseFiles } from "./mend.ts";

/** A file that was put back to an older copy, while others were not. */
export interface Older {
  readonly file: string;
  /** It is as it was at this moment (epoch ms); null where that is not known. */
  readonly since: number | null;
  readonly why: string;
}

/** Marks that one file may be behind the others: a kill comes between the writing of one and of the next, and so does a copy of them all. */
export const maxMarksBehind = 1;

const meanings: Readonly<Record<string, string>> = {
  "muster.db":
    "accounts, devices, jobs and commands are as they were then. Batches that were acknowledged since count as forgotten; of a command that was queued then its device is asked, it is not begun, and where nobody knows what became of it, it ends as interrupted; jobs that ran are paused",
  "metrics.db": "what the embedded store has taken since is gone, and counts as missing with each device",
  "spool.db":
    "simple samples that came since and had not reached the store are lost; those that it holds are stored once more, which changes nothing",
  "held.db":
    "values that were held since, until somebody settles their type, are lost; those that were settled since are held again",
  "files.json": "a file that is new since then is not missed, should it go",
};

interface Peeked {
  readonly file: string;
  readonly mark: Mark | undefined;
  /** Written by a Muster that knew no marks. */
  readonly isOld: boolean;
}

/** What the marks in a data directory tell, to be asked before anything is opened, which may change it. */
export class OlderFiles {
  readonly older: readonly Older[];
  /** The newest number that any of them has; 0 where there is none. */
  readonly newest: number;
  /** When the newest mark of `muster.db` was made, epoch ms; undefined where it has none. */
  readonly lastKnown: number | undefined;
  /** The number with which the run began that made the newest mark; at least what stands in the list of files. */
  readonly started: number;
  readonly #directory: string;
  readonly #top: Mark | undefined;

  /** @param listed the number that stands in the list of files; 0 where there is none */
  constructor(directory: string, listed: number) {
    const peeked = databaseFiles.flatMap((file) => peek(directory, file) ?? []);
    const marks = peeked.flatMap(({ mark }) => mark ?? []);
    const [top] = marks.toSorted((a, b) => b.number - a.number);
    this.#directory = directory;
    this.#top = top;
    this.lastKnown = peeked.find(({ file }) => file === "muster.db")?.mark?.at;
    this.newest = Math.max(listed, top?.number ?? 0);
    this.started = Math.max(listed, top?.started ?? 0);
    this.older = top ? [...olderOf(peeked, top, listed), ...listBehind(top, listed)] : [];
  }

  /** Marks what was older as the others are, so that it is told once. @param now epoch ms */
  settle(now: number, log: Log): void {
    const files = [...databaseFiles];
    const isTop = this.#top?.number === this.newest;
    const mark = isTop ? this.#top : nextMark(this.newest - 1, { at: now, started: this.started, files });
    for (const { file } of this.older) {
      if (file === listName) continue;
      try {
        const database = openForWriting(join(this.#directory, file));
        try {
          writeMark(database, mark);
        } finally {
          closeDatabase(database);
        }
      } catch (thrown) {
        log.warn({ file, err: asError(thrown) }, "a database could not be marked: that it is older is told once more");
      }
    }
  }
}

function olderOf(peeked: readonly Peeked[], top: Mark, listed: number): Older[] {
  // The list alone was kept: all of the databases went back together.
  const newest = Math.max(top.number, listed);
  return peeked.flatMap(({ file, mark, isOld }): Older[] => {
    if (!mark) return isOld && top.files.includes(file) ? [told(file, null, top)] : [];
    if (newest - mark.number > maxMarksBehind && top.files.includes(file)) return [told(file, mark.at, top)];
    const isAnothers = mark.number === top.number && mark.mark !== top.mark;
    return isAnothers ? [{ file, since: null, why: `it is of another copy of this directory: ${meanings[file]}` }] : [];
  });
}

function listBehind(top: Mark, listed: number): Older[] {
  return listed > 0 && listed < top.started ? [told(listName, null, top)] : [];
}

function told(file: string, since: number | null, top: Mark): Older {
  const then = since === null ? "an earlier moment" : iso(since);
  const others = since === top.at ? "what stands in files.json" : `the others, which go on to ${iso(top.at)}`;
  return { file, since, why: `it was put back to a copy of ${then}, without ${others}: ${meanings[file]}` };
}

function peek(directory: string, file: string): Peeked | undefined {
  const path = join(directory, file);
  if (!existsSync(path)) return undefined;
  let database: Database | undefined;
  try {
    database = openForReading(path);
    const isOld = !shapeOf(database).has("mark");
    return { file, mark: isOld ? undefined : readMark(database), isOld };
  } catch {
    // A damaged one is told by whoever opens it.
    return undefined;
  } finally {
    if (database?.isOpen) database.close();
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
