import type { DeviceId } from "#shared/ids";
import { isSent, type JobRow } from "./job.ts";
import { Tally, type Counts } from "./tally.ts";

/** A job's devices in the order of sending, the canaries first. */
export class Table {
  readonly #rows: JobRow[];
  readonly #positions: ReadonlyMap<DeviceId, number>;
  readonly #canaries: number;
  readonly #tally: Tally;
  /** Rows before this one are not waiting. */
  #cursor = 0;

  constructor(rows: readonly JobRow[]) {
    this.#rows = [...rows];
    this.#positions = new Map(rows.map(({ device, position }) => [device, position]));
    this.#canaries = rows.filter(({ canary }) => canary).length;
    this.#tally = new Tally(rows);
  }

  get rows(): readonly JobRow[] {
    return this.#rows;
  }

  get canaries(): readonly JobRow[] {
    return this.#rows.slice(0, this.#canaries);
  }

  get waiting(): readonly JobRow[] {
    return this.#rows.filter(({ state }) => state === "waiting");
  }

  /** Sent and not ended. */
  get sent(): readonly JobRow[] {
    return this.#rows.filter(isSent);
  }

  get counts(): Counts {
    return this.#tally.counts();
  }

  get judged(): Tally["judged"] {
    return this.#tally.judged;
  }

  of(device: DeviceId): JobRow | undefined {
    return this.#rows[this.#positions.get(device) ?? -1];
  }

  /** The row to be served next; none while the canaries have not all ended. */
  next(): JobRow | undefined {
    while (this.#rows[this.#cursor] && this.#rows[this.#cursor]?.state !== "waiting") this.#cursor += 1;
    const row = this.#rows[this.#cursor];
    return row && !row.canary && this.canaries.some(({ ended }) => ended === null) ? undefined : row;
  }

  /** @returns the row as it is now */
  change(row: JobRow, changes: Partial<JobRow>): JobRow {
    const before = this.#rows[row.position] ?? row;
    const after = { ...before, ...changes };
    this.#rows[row.position] = after;
    this.#tally.change(before, after);
    if (after.state === "waiting") this.#cursor = Math.min(this.#cursor, row.position);
    return after;
  }
}
