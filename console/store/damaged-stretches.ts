import type { Database } from "../database/database.ts";
import { DamagedStretchError } from "./stretch/byte-reader.ts";

/** A stretch that does not read, or a field of it. */
export interface DamagedStretch {
  readonly device: string;
  readonly measurement: string;
  /** As JSON. */
  readonly tags: string;
  /** Its first and its last moment, epoch ms. */
  readonly first: number;
  readonly last: number;
  readonly why: string;
}

interface Place {
  readonly series: number;
  readonly first: number;
  readonly last: number;
}

/** Collects the stretches that one answer has had to leave out, each once. */
export class DamagedStretches {
  readonly #nameOf: ReturnType<Database["prepare"]>;
  readonly #found = new Map<string, DamagedStretch>();

  constructor(database: Database) {
    this.#nameOf = database.prepare("SELECT device, measurement, tags FROM series WHERE id = ?");
  }

  /** @param field undefined where it is of all fields @returns what `read` returns; undefined where it does not read, which is noted */
  reading<T>({ series, first, last }: Place, field: string | undefined, read: () => T): T | undefined {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof DamagedStretchError)) throw thrown;
      const name = this.#nameOf.get(series) as Pick<DamagedStretch, "device" | "measurement" | "tags"> | undefined;
      const key = `${series} ${first}`;
      const why = field === undefined ? thrown.message : `${field}: ${thrown.message}`;
      if (name && !this.#found.has(key)) this.#found.set(key, { ...name, first, last, why });
      return undefined;
    }
  }

  /** What was found since the last time that this was asked. */
  taken(): readonly DamagedStretch[] {
    if (this.#found.size === 0) return none;
    const found = [...this.#found.values()];
    this.#found.clear();
    return found;
  }
}

const none: readonly DamagedStretch[] = [];

/** How it is told: by what it is known in a list, and what it costs. */
export function tellOf({ device, measurement, tags, first, last, why }: DamagedStretch): {
  readonly name: string;
  readonly why: string;
} {
  const series = tags === "{}" ? measurement : `${measurement} ${tags}`;
  return {
    name: `${device} ${series} from ${moment(first)} to ${moment(last)}`,
    why: `samples of this time cannot be shown, all others can (${why})`,
  };
}

/** A number that was damaged itself may be beyond every calendar. */
function moment(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
