import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { groupPattern } from "#shared/principal";
import { quoted } from "#shared/printable";
import { Signal } from "#shared/signal";
import { damageOf } from "../database/damage.ts";
import type { Row } from "../database/row.ts";
import { transaction, type Database } from "../database/database.ts";
import { keptDeviceId, parserOf } from "../database/row-fields.ts";

const parseRow = parserOf(z.object({ name: z.string() }));
const parseName = (row: Row): string => parseRow(row).name;
/** Rows that are read at once for a list of all. */
const chunk = 200;
export const parseMember = parserOf(
  z.object({ name: z.string().check(z.regex(groupPattern, "expected a group's name")), device: keptDeviceId }),
);

/** A device that was put into other groups. */
export interface Regrouped {
  readonly device: DeviceId;
  readonly before: readonly string[];
  readonly now: readonly string[];
}

/** Names that operators give to sets of devices. A group is there as long as a device is in it. */
export class Groups {
  /** Whenever a device is put into other groups, by this process. */
  readonly changes = new Signal<Regrouped>();
  readonly #database: Database;
  readonly #told: () => void;
  /** The groups of each device that is in one; read when somebody first asks. Who is limited to groups asks with each event. */
  #known: Map<string, readonly string[]> | undefined;

  /** @param told called after a change, so that other processes that work on the same database hear of it */
  constructor(database: Database, told: () => void = () => {}) {
    this.#database = database;
    this.#told = told;
  }

  /** The groups of one device, sorted; none for one that nobody knows. */
  of(device: string): readonly string[] {
    this.#known ??= this.#read();
    return this.#known.get(device) ?? [];
  }

  /** Another process may have changed them. */
  changedElsewhere(): void {
    this.#known = undefined;
  }

  /** @throws BadInputError naming the one that cannot be a name */
  check(groups: readonly string[]): void {
    const wrong = groups.find((name) => !groupPattern.test(name));
    if (wrong !== undefined)
      throw new BadInputError(
        `group ${quoted(wrong)} is not valid: expected 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
      );
  }

  /** Puts the device into these groups and no others. @throws BadInputError naming the one that cannot be a name */
  set(device: DeviceId, groups: readonly string[]): readonly string[] {
    transaction(this.#database, () => this.put(device, groups))();
    return this.of(device);
  }

  /** As {@link set}, within a transaction of the caller. @returns to be called when that is through @throws BadInputError */
  put(device: DeviceId, groups: readonly string[]): () => void {
    this.check(groups);
    const before = this.of(device);
    this.#database.prepare("DELETE FROM device_groups WHERE device = ?").run(device);
    this.#insert(device, groups);
    return () => this.#changed(device, before, [...new Set(groups)].sort());
  }

  /** Puts the device into these groups as well, within a transaction of the caller. @returns to be called when that is through */
  add(device: DeviceId, groups: readonly string[]): () => void {
    const before = this.of(device);
    this.#insert(device, groups);
    return () => this.#changed(device, before, [...new Set([...before, ...groups])].sort());
  }

  #insert(device: DeviceId, groups: readonly string[]): void {
    const insert = this.#database.prepare("INSERT OR IGNORE INTO device_groups (device, name) VALUES (?, ?)");
    for (const name of groups) insert.run(device, name);
  }

  /** Takes the device out of all groups. @throws Error of the database */
  erase(device: DeviceId): void {
    const before = this.of(device);
    this.#database.prepare("DELETE FROM device_groups WHERE device = ?").run(device);
    this.#changed(device, before, []);
  }

  /** The devices in a group; none where there is no such group. */
  members(group: string): readonly DeviceId[] {
    return this.#names("SELECT device AS name FROM device_groups WHERE name = ? ORDER BY device", group) as DeviceId[];
  }

  names(): readonly string[] {
    return this.#names("SELECT DISTINCT name FROM device_groups ORDER BY name");
  }

  /** Every group with each of its devices, by their names; a few read at a time. */
  *walk(): Generator<{ readonly group: string; readonly device: string }, void, void> {
    const select = this.#database.prepare(
      `SELECT device, name FROM device_groups WHERE (name, device) > (?, ?) ORDER BY name, device LIMIT ${chunk}`,
    );
    let last = { name: "", device: "" };
    for (let read = chunk; read === chunk;) {
      read = 0;
      const parse = (row: Row): { group: string; device: string } => {
        read += 1;
        last = row as typeof last;
        const { name, device } = parseMember(row);
        return { group: name, device };
      };
      yield* damageOf(this.#database).each("device_groups", select, parse, last.name, last.device);
    }
  }

  #changed(device: DeviceId, before: readonly string[], now: readonly string[]): void {
    if (now.length > 0) this.#known?.set(device, now);
    else this.#known?.delete(device);
    if (before.join() === now.join()) return;
    this.#told();
    this.changes.emit({ device, before, now });
  }

  #read(): Map<string, readonly string[]> {
    const known = new Map<string, string[]>();
    for (const { device, group } of this.walk()) {
      const its = known.get(device);
      if (its) its.push(group);
      else known.set(device, [group]);
    }
    return known;
  }

  #names(sql: string, ...parameters: string[]): string[] {
    return damageOf(this.#database).all("device_groups", this.#database.prepare(sql), parseName, ...parameters);
  }
}
