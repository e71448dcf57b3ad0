import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import { damageOf } from "../database/damage.ts";
import type { Row } from "../database/row.ts";
import { transaction, type Database } from "../database/database.ts";
import { keptDeviceId, parserOf } from "../database/row-fields.ts";

const parseRow = parserOf(z.object({ name: z.string() }));
const parseName = (row: Row): string => parseRow(row).name;
/** Rows that are read at once for a list of all. */
const chunk = 200;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const parseMember = parserOf(
  z.object({ name: z.string().check(z.regex(namePattern, "expected a group's name")), device: keptDeviceId }),
);

/** Names that operators give to sets of devices. A group is there as long as a device is in it. */
export class Groups {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The groups of one device, sorted. */
  of(device: DeviceId): readonly string[] {
    return this.#names("SELECT name FROM device_groups WHERE device = ? ORDER BY name", device);
  }

  /** Puts the device into these groups and no others. @throws BadInputError naming the one that cannot be a name */
  set(device: DeviceId, groups: readonly string[]): readonly string[] {
    const wrong = groups.find((name) => !namePattern.test(name));
    if (wrong !== undefined)
      throw new BadInputError(
        `group ${quoted(wrong)} is not valid: expected 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
      );
    transaction(this.#database, () => {
      this.#database.prepare("DELETE FROM device_groups WHERE device = ?").run(device);
      const insert = this.#database.prepare("INSERT OR IGNORE INTO device_groups (device, name) VALUES (?, ?)");
      for (const name of groups) insert.run(device, name);
    });
    return this.of(device);
  }

  /** Takes the device out of all groups. @throws Error of the database */
  erase(device: DeviceId): void {
    this.#database.prepare("DELETE FROM device_groups WHERE device = ?").run(device);
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

  #names(sql: string, ...parameters: string[]): string[] {
    return damageOf(this.#database).all("device_groups", this.#database.prepare(sql), parseName, ...parameters);
  }
}
