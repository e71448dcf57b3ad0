import { farthestAhead } from "#shared/arrivals";
import type { DeviceId } from "#shared/ids";
import type { Database } from "../../database/database.ts";
import { markSchema } from "../../database/mark.ts";

/** One accepted message, with its moment of arrival in epoch ms: samples without a time of their own are of that moment. */
export interface SpooledMessage {
  readonly device: DeviceId;
  /** What its topic says after `metrics/`; of an earlier version the measurement, which is the same. */
  readonly path: string;
  readonly arrival: number;
  readonly payload: Buffer;
}

export interface SpoolRow extends SpooledMessage {
  readonly id: number;
}

/** One migration a step. */
export const spoolSchema = [
  `
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    measurement TEXT NOT NULL,
    arrival INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  `,
  // The last moment of arrival that was given, also after its message has left: the next run must not give it again.
  `
  CREATE TABLE latest (one INTEGER PRIMARY KEY CHECK (one = 1), arrival INTEGER NOT NULL) STRICT;
  `,
  markSchema,
];

/** Bytes of a row besides its payload, about. */
const rowOverhead = 64;

/** Bytes that a message counts for. */
export function sizeOf(payload: Buffer): number {
  return payload.length + rowOverhead;
}

export type Statements = ReturnType<typeof prepare>;

export function prepare(database: Database) {
  return {
    measure: database.prepare(
      `SELECT COUNT(*) AS count, SUM(length(payload) + ${rowOverhead}) AS bytes, MAX(id) AS last FROM messages`,
    ),
    dropDamaged: database.prepare(
      `DELETE FROM messages WHERE typeof(device) <> 'text' OR typeof(measurement) <> 'text' OR typeof(arrival) <> 'integer'
       OR arrival NOT BETWEEN 0 AND 8640000000000000 OR typeof(payload) <> 'blob' OR id NOT BETWEEN 0 AND 9007199254740991`,
    ),
    insert: database.prepare("INSERT INTO messages (id, device, measurement, arrival, payload) VALUES (?, ?, ?, ?, ?)"),
    remove: database.prepare("DELETE FROM messages WHERE id = ?"),
    latest: database.prepare("SELECT arrival FROM latest"),
    // What is earlier by more than a moment can be ahead is of a clock that was set back.
    keepLatest: database.prepare(
      `INSERT INTO latest (one, arrival) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET arrival =
       CASE WHEN excluded.arrival < arrival - ${farthestAhead} THEN excluded.arrival ELSE MAX(arrival, excluded.arrival) END`,
    ),
    oldest: database.prepare("SELECT id, device, measurement AS path, arrival, payload FROM messages ORDER BY id"),
  };
}
