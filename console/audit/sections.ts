import type { Database } from "../database/database.ts";
import { sectionIn, thinnedWord, type ThinnedSection } from "./thinned-section.ts";

/** The sections that the log says were thinned, in their order: each is told of by an entry far behind it. */
export class Sections {
  readonly #select;
  #at = 0;
  #current: ThinnedSection | undefined;

  constructor(database: Database) {
    this.#select = database.prepare(
      `SELECT n, detail FROM audit WHERE what = '${thinnedWord}' AND n > ? ORDER BY n LIMIT 1`,
    );
  }

  /** The first section that ends at a number or behind it. To be asked of growing numbers; one that is not told of yet may be later. */
  endingAt(n: number): ThinnedSection | undefined {
    while (!this.#current || this.#current.to < n) {
      const row = this.#select.get(this.#at) as { n: number; detail: string } | undefined;
      if (!row) return undefined;
      this.#at = row.n;
      const section = sectionIn(row.detail);
      // What does not follow is no section, and whoever verifies says so.
      if (section && section.from > (this.#current?.to ?? 0)) this.#current = section;
    }
    return this.#current;
  }

  /** The section that something went out of, of which a number may be. To be asked of growing numbers. */
  thinnedAt(n: number): ThinnedSection | undefined {
    const section = this.endingAt(n);
    return section && section.from <= n && section.gone > 0 ? section : undefined;
  }
}

/** Whether the log says that an entry with this number may have been taken out. */
export function isThinnedOut(database: Database, n: number): boolean {
  return new Sections(database).thinnedAt(n) !== undefined;
}
