import * as z from "zod/mini";
import { relabelled, type DeviceLabels, type LabelChange } from "#shared/device-labels";
import type { DeviceId } from "#shared/ids";
import { check } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { Signal } from "#shared/signal";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { keptDeviceId, parserOf } from "../database/row-fields.ts";
import type { Row } from "../database/row.ts";

const parseRow = parserOf(z.object({ device: keptDeviceId, name: z.string(), note: z.string(), tags: z.string() }));
const words = z.array(z.string());

/** @throws Error for a row that does not read */
export function parseLabels(row: Row): { readonly device: DeviceId; readonly labels: DeviceLabels } {
  const { device, name, note, tags } = parseRow(row);
  return { device, labels: relabelled({}, { name, note, tags: check(words, parseJson(tags), "tags") }) };
}

const none: DeviceLabels = {};

/** What people call devices and write down about them. All is in memory: it is in each list and event. */
export class Labels {
  /** Whose have changed. */
  readonly changes: Signal<DeviceId>;
  readonly #database: Database;
  #known: Map<DeviceId, DeviceLabels> | undefined;

  constructor(database: Database, failed?: (thrown: unknown) => void) {
    this.#database = database;
    this.changes = new Signal(failed);
  }

  of(device: DeviceId): DeviceLabels {
    return this.#all.get(device) ?? none;
  }

  /**
   * Changes some of a device's. Within a transaction of the caller. @returns what they are then, and what to call when that is through
   * @throws BadInputError naming what cannot be; Error of the database
   */
  put(device: DeviceId, change: LabelChange): { readonly labels: DeviceLabels; readonly done: () => void } {
    const labels = relabelled(this.of(device), change);
    const { name = "", note = "", tags = [] } = labels;
    if (Object.keys(labels).length === 0) this.#delete(device);
    else
      this.#database
        .prepare("INSERT OR REPLACE INTO device_labels (device, name, note, tags) VALUES (?, ?, ?, ?)")
        .run(device, name, note, JSON.stringify(tags));
    const done = (): void => {
      this.#all.set(device, labels);
      this.changes.emit(device);
    };
    return { labels, done };
  }

  /** Whether {@link put} would leave all as it is. @throws BadInputError naming what cannot be */
  has(device: DeviceId, change: LabelChange): boolean {
    const [before, then] = [this.of(device), relabelled(this.of(device), change)];
    return before.name === then.name && before.note === then.note && before.tags?.join() === then.tags?.join();
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#delete(device);
    this.#known?.delete(device);
  }

  #delete(device: DeviceId): void {
    this.#database.prepare("DELETE FROM device_labels WHERE device = ?").run(device);
  }

  get #all(): Map<DeviceId, DeviceLabels> {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read(): Map<DeviceId, DeviceLabels> {
    const select = this.#database.prepare("SELECT device, name, note, tags FROM device_labels");
    const rows = damageOf(this.#database).all("device_labels", select, parseLabels);
    return new Map(rows.map(({ device, labels }) => [device, labels]));
  }
}
