import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { parseDelivery, type Delivery } from "./delivery.ts";
import { longestRetryAfter, type DeliveryStep } from "./delivery-step.ts";
import { parseNotice, type Notice } from "./notice.ts";

/** Notices that are remembered, with what became of them: a year of a fleet that is looked after. Those that wait stay beyond it. */
export const maxNoticesKept = 20_000;
/** Notices that are let go of, or looked at, at once. */
const trimmedAtOnce = 500;

/** Milliseconds beyond which nothing waits, but by a clock that was put back. */
const longestWait = longestRetryAfter * 2;
/** Of a channel, and of each alert the first that waits. */
const foremost = `channel = ?1 AND state = 'waiting' AND NOT EXISTS (SELECT 1 FROM deliveries AS other
  WHERE other.channel = ?1 AND other.state = 'waiting' AND other.alert = one.alert AND other.id < one.id)`;

/** The rows of deliveries, for who carries them out. */
export class DeliveryRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Channels for which something waits. */
  waitingFor(): readonly string[] {
    const rows = this.#database
      .prepare("SELECT DISTINCT channel FROM deliveries WHERE state = 'waiting'")
      .all() as unknown as { readonly channel: string }[];
    return rows.map(({ channel }) => channel);
  }

  /** Those that are new are dated: a notice's own times may be long ago. @throws Error of the database */
  date(now: number): void {
    this.#database.prepare("UPDATE deliveries SET since = ? WHERE state = 'waiting' AND since IS NULL").run(now);
  }

  /**
   * What goes by a channel next: what has had the fewest tries, so that one that is never taken holds up nothing else; but of one alert
   * nothing before what was said earlier. One that is to wait for longer than anything may, by a clock that was put back, is due.
   */
  next(channel: string, now: number): Delivery | undefined {
    const select = this.#database.prepare(
      `SELECT * FROM deliveries AS one WHERE ${foremost} AND (next <= ?2 OR next > ?3) ORDER BY tries, id LIMIT 1`,
    );
    return damageOf(this.#database).one("deliveries", select, parseDelivery, channel, now, now + longestWait);
  }

  /** Those that were given up as they were written down: the queue was full, or there is no such channel. */
  untold(): readonly Delivery[] {
    const select = this.#database.prepare(
      `SELECT * FROM deliveries WHERE state = 'failed' AND ended IS NULL ORDER BY id LIMIT ${trimmedAtOnce}`,
    );
    return damageOf(this.#database).all("deliveries", select, parseDelivery);
  }

  /** When something of a channel's is due, epoch ms; undefined where nothing waits. */
  due(channel: string, now: number): number | undefined {
    const row = this.#database
      .prepare(`SELECT MIN(CASE WHEN next > ?2 THEN 0 ELSE next END) AS next FROM deliveries AS one WHERE ${foremost}`)
      .get(channel, now + longestWait) as { readonly next: number | null };
    return row.next ?? undefined;
  }

  notice(id: number): Notice | undefined {
    const select = this.#database.prepare("SELECT * FROM notices WHERE id = ?");
    const row = damageOf(this.#database).one("notices", select, parseNotice, id);
    if (!row) return undefined;
    const { id: _, ...notice } = row;
    return notice;
  }

  /** @throws Error of the database */
  put(id: number, { state, tries, next, said, ended }: Omit<DeliveryStep, "pause">): void {
    this.#database
      .prepare("UPDATE deliveries SET state = ?, tries = ?, next = ?, said = ?, ended = ? WHERE id = ?")
      .run(state, tries, Math.round(next), said, ended === null ? null : Math.round(ended), id);
  }

  /** What waits for a channel is due now. @throws Error of the database */
  hurry(channel: string): void {
    this.#database.prepare("UPDATE deliveries SET next = 0 WHERE channel = ? AND state = 'waiting'").run(channel);
  }

  /** Nothing of what waits for a channel goes out any more. Within a transaction of the caller. @returns how many these are */
  giveUp(channel: string, why: string, now: number): number {
    const { changes } = this.#database
      .prepare("UPDATE deliveries SET state = 'failed', said = ?, ended = ? WHERE channel = ? AND state = 'waiting'")
      .run(why, Math.round(now), channel);
    return changes;
  }

  /** Lets go of the oldest notices, where nothing of them waits. @throws Error of the database */
  trim(): void {
    this.#database
      .prepare(
        `DELETE FROM notices WHERE id IN (
           SELECT id FROM notices WHERE id <= (SELECT id FROM notices ORDER BY id DESC LIMIT 1 OFFSET ${maxNoticesKept})
           AND NOT EXISTS (SELECT 1 FROM deliveries WHERE notice = notices.id AND state = 'waiting')
           ORDER BY id LIMIT ${trimmedAtOnce})`,
      )
      .run();
  }
}
