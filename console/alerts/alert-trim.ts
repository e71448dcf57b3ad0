import type { AlertRows } from "./alert-rows.ts";

/** Alerts that end until old ones are looked for: no more than are then let go of at once. */
const trimEach = 1_000;
/** The same, of one device. */
const trimDeviceEach = 200;

/** Lets go of old alerts as fast as new ones end. */
export class AlertTrim {
  readonly #rows: Pick<AlertRows, "trim" | "trimDevice">;
  /** Alerts that have ended since old ones were looked for: in all, and of a device. */
  #over = trimEach;
  readonly #overOf = new Map<string, number>();

  constructor(rows: Pick<AlertRows, "trim" | "trimDevice">) {
    this.#rows = rows;
  }

  /** One of a device has ended; of none where that is empty. */
  count(device: string): void {
    this.#over += 1;
    if (device !== "") this.#overOf.set(device, (this.#overOf.get(device) ?? 0) + 1);
  }

  /** Within a transaction. @throws Error of the database */
  trim(): void {
    for (const [device, over] of this.#overOf) {
      if (over < trimDeviceEach) continue;
      this.#rows.trimDevice(device);
      this.#overOf.delete(device);
    }
    if (this.#over < trimEach) return;
    this.#rows.trim();
    this.#over = 0;
  }

  forget(device: string): void {
    this.#overOf.delete(device);
  }
}
