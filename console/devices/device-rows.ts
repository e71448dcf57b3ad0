import * as z from "zod/mini";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { status as statusSchema, type Birth } from "#shared/messages/presence-messages";
import { check } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { keptDeviceId, moment, parserOf } from "../database/row-fields.ts";
import { introduced, newEntry, type DeviceEntry } from "./device.ts";

/** A device's row in the database. */
const row = z.object({
  id: keptDeviceId,
  last_seen: moment,
  since: moment,
  online: z.number(),
  reason: z.nullable(z.string()),
  status: z.nullable(z.string()),
});
export type DeviceRow = z.infer<typeof row>;

/** @throws BadInputError for a row that does not read */
export const parseDeviceRow = parserOf(row);

/** What the device had said about itself. @throws Error for what does not read */
export function keptBirth({ id, status }: DeviceRow): Birth | undefined {
  const kept = status === null ? undefined : check(statusSchema, parseJson(status), `the kept status of ${id}`);
  return kept?.online ? kept : undefined;
}

function fromRow(row: DeviceRow, birth: Birth | undefined): DeviceEntry {
  return {
    ...newEntry(row.id),
    ...(birth ? introduced(birth) : {}),
    presumed: true,
    lastSeen: row.last_seen,
    kept: row.last_seen,
    since: row.online ? row.last_seen : row.since,
    reason: row.online ? "not heard since the console started" : row.reason,
  };
}

/** The devices in the database. */
export class DeviceRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What is kept. Nobody counts as online before being heard. */
  *all(): Generator<DeviceEntry, void, void> {
    const rows = damageOf(this.#database).all(
      "devices",
      this.#database.prepare("SELECT * FROM devices"),
      parseDeviceRow,
    );
    for (const row of rows) yield fromRow(row, this.#birthIn(row));
  }

  /** The device is known without it, and says it again when it comes back. */
  #birthIn(row: DeviceRow): Birth | undefined {
    const database = this.#database;
    try {
      return keptBirth(row);
    } catch (thrown) {
      const why = `what ${row.id} had said about itself does not read: ${asError(thrown).message}`;
      damageOf(database).note("devices", row.id, why, row.status ?? "");
      const forget = database.prepare("UPDATE devices SET status = NULL WHERE id = ?");
      persistOf(database).write(rowName(row.id), () => forget.run(row.id));
      return undefined;
    }
  }

  /** What the disk does not take now is written when it does. @throws Error of the database for what no wait would mend */
  save(entry: DeviceEntry, now: number): void {
    persistOf(this.#database).write(rowName(entry.id), () => this.#write(entry, now));
  }

  /** @throws Error of the database */
  erase(id: DeviceId): void {
    const erase = this.#database.prepare("DELETE FROM devices WHERE id = ?");
    persistOf(this.#database).demand(() => erase.run(id), rowName(id));
  }

  #write(entry: DeviceEntry, now: number): void {
    const { id, lastSeen, since, online, reason, problem, birth } = entry;
    entry.kept = lastSeen;
    this.#database
      .prepare(
        `INSERT INTO devices (id, first_seen, last_seen, since, online, reason, problem, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, since = excluded.since, online = excluded.online,
           reason = excluded.reason, problem = excluded.problem, status = excluded.status`,
      )
      .run(id, now, lastSeen, since, online ? 1 : 0, reason, problem, birth ? JSON.stringify(birth) : null);
  }
}

/** What a device's row is called among those that wait for the disk. */
function rowName(id: DeviceId): string {
  return `device ${id}`;
}
