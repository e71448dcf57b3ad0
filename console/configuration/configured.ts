import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { count } from "#shared/messages/payload-schema";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { instant, keptCommandId, keptDeviceId, parserOf } from "../database/row-fields.ts";

const row = z.object({
  device: keptDeviceId,
  /** Of the settings that were sent last. */
  version: count,
  hash: z.string(),
  command: keptCommandId,
  ts: instant,
  /** How that ended; null while it is open. */
  state: z.nullable(z.string()),
  why: z.nullable(z.string()),
});
/** The settings that were sent to a device last, and what became of them. */
export type Sent = z.output<typeof row>;

/** @throws Error for a row that does not read */
export const parseSent = parserOf<Sent>(row);

/** What was sent to each device last. */
export class Configured {
  readonly #database: Database;
  #known: Map<DeviceId, Sent> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  of(device: DeviceId): Sent | undefined {
    return this.#all.get(device);
  }

  put(sent: Sent): void {
    this.#all.set(sent.device, sent);
    persistOf(this.#database).write(`settings of ${sent.device}`, () => this.#write(sent.device));
  }

  forget(device: DeviceId): void {
    this.#all.delete(device);
  }

  get #all(): Map<DeviceId, Sent> {
    this.#known ??= new Map(
      damageOf(this.#database)
        .all("configured", this.#database.prepare("SELECT * FROM configured"), parseSent)
        .map((one) => [one.device, one]),
    );
    return this.#known;
  }

  #write(device: DeviceId): void {
    const sent = this.of(device);
    if (!sent) return;
    const { version, hash, command, ts, state, why } = sent;
    this.#database
      .prepare(
        "INSERT OR REPLACE INTO configured (device, version, hash, command, ts, state, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
      )
      .run(device, version, hash, command, ts, state, why);
  }
}
