import { rmSync } from "node:fs";
import { join } from "node:path";
import { openForReading } from "../../console/database/database.ts";
import { unpackColumn, unpackTimes } from "../../console/store/stretch/packed-column.ts";
import { connectionsGone } from "../connections.ts";
import type { Kept, Stored } from "./check.ts";

/** What still reads of an embedded store's file after a bit of it was turned. */
export class Remains {
  readonly #all = new Map<number, Set<number>>();

  constructor(samples: Iterable<Stored> = []) {
    for (const { at, n } of samples) this.#all.set(n, (this.#all.get(n) ?? new Set()).add(at));
  }

  has({ at, n }: Stored): boolean {
    return this.#all.get(n)?.has(at) ?? false;
  }
}

/**
 * Without what only a turned bit has made of a sample: a number that nobody has measured, or another time. Where neither SQLite nor Muster
 * has a checksum, that cannot be known.
 * @param turned what read after each turned bit
 */
export function genuine(
  stored: readonly Stored[],
  kept: readonly Kept[],
  turned: Iterable<Remains>,
): readonly Stored[] {
  const all = [...turned];
  const times = new Map(kept.flatMap(({ at, n }) => n.map((value, index) => [value, at[index]] as const)));
  return stored.filter((one) => times.get(one.n) === one.at || !all.some((remains) => remains.has(one)));
}

/**
 * Reads it as SQLite does that knows nothing of Muster: of a write-ahead log, up to the first frame that does not fit its checksum;
 * of the file itself, whatever stands there by now, up to the first page that does not read.
 * @param copy a directory as it stood when the bit had been turned, with nobody at work in it; it is removed
 */
export async function remainsOf(copy: string): Promise<Remains> {
  const remains = new Remains(samplesIn(join(copy, "metrics.db")));
  await connectionsGone(copy);
  rmSync(copy, { recursive: true, force: true });
  return remains;
}

function samplesIn(path: string): Stored[] {
  const samples: Stored[] = [];
  let database;
  try {
    database = openForReading(path);
    for (const row of database.prepare("SELECT ts, fields FROM samples").iterate()) {
      const { ts, fields } = row as { ts: number; fields: string };
      const n = numberIn(fields);
      if (n !== undefined) samples.push({ at: ts, n });
    }
    const packed = "SELECT times, data FROM stretches JOIN stretch_fields ON stretch = id AND field = 'n'";
    for (const row of database.prepare(packed).iterate()) samples.push(...unpacked(row));
  } catch {
    // As far as it goes.
  }
  if (database?.isOpen) database.close();
  return samples;
}

interface Packed {
  readonly times: Uint8Array;
  readonly data: Uint8Array;
}

function unpacked({ times, data }: Packed): Stored[] {
  try {
    const moments = unpackTimes(times);
    return unpackColumn(data, moments.length).flatMap((n, index) =>
      typeof n === "number" ? [{ at: moments[index] ?? 0, n }] : [],
    );
  } catch {
    // Its checksum does not fit: nobody reads it.
    return [];
  }
}

function numberIn(fields: string): number | undefined {
  try {
    const { n } = JSON.parse(fields) as { n?: unknown };
    return typeof n === "number" ? n : undefined;
  } catch {
    return undefined;
  }
}
