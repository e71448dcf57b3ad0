import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { parseDelivery, type Delivery } from "./delivery.ts";
import { parseNotice, type Notice } from "./notice.ts";
import { browserIn, browsersChannel, isForBrowser, parseBrowser, queueNameOf } from "./push/browser.ts";

/** Rows that are looked at for one answer: of who may see few of them. */
export const maxDeliveriesLookedAt = 5_000;

const isBrowsers = `channel GLOB '${queueNameOf("*")}'`;

/** Which deliveries somebody asks for. */
export interface DeliveriesAsked {
  /** `browsers` for all of them. */
  readonly channel?: string | undefined;
  /** Whose browsers are among them: this account's; everybody's where it is null. */
  readonly browsersOf: string | null;
  readonly state?: Delivery["state"] | undefined;
  readonly alert?: string | undefined;
  /** Those whose number is lower. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Whether whoever asks may know of what is about this device, or about none. */
  readonly sees: (device: string | null) => boolean;
}

export interface ToldDelivery {
  readonly delivery: Delivery;
  readonly notice: Notice;
  /** Where it went to a person's browser that is still known. */
  readonly browser: { readonly account: string; readonly name: string } | null;
}

/** Deliveries for people, the newest first. */
export class ToldDeliveries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns them, and where the next ones begin */
  list({ channel, browsersOf, state, alert, before, limit, sees }: DeliveriesAsked): {
    readonly deliveries: readonly ToldDelivery[];
    readonly next: number | null;
  } {
    const select = this.#database.prepare(
      `SELECT * FROM deliveries WHERE id < ?1 AND (?2 IS NULL OR channel = ?2 OR (?2 = '${browsersChannel}' AND ${isBrowsers}))
       AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR alert = ?4)
       AND (NOT ${isBrowsers} OR ?5 IS NULL OR channel IN (SELECT '${queueNameOf("")}' || id FROM browsers WHERE account = ?5))
       ORDER BY id DESC LIMIT ?6`,
    );
    const found = damageOf(this.#database).all(
      "deliveries",
      select,
      parseDelivery,
      before ?? Number.MAX_SAFE_INTEGER,
      channel ?? null,
      state ?? null,
      alert ?? null,
      browsersOf,
      maxDeliveriesLookedAt,
    );
    const deliveries: ToldDelivery[] = [];
    for (const delivery of found) {
      const notice = this.#notice(delivery.notice);
      if (!notice || !sees(notice.device)) continue;
      if (deliveries.length === limit) return { deliveries, next: deliveries.at(-1)?.delivery.id ?? 1 };
      deliveries.push({ delivery, notice, browser: this.#browser(delivery.channel) });
    }
    const last = found.at(-1);
    return { deliveries, next: found.length === maxDeliveriesLookedAt && last ? last.id : null };
  }

  /** How a channel stands. */
  standing(channel: string): {
    readonly waiting: number;
    readonly failed: number;
    readonly last: { readonly state: string; readonly ts: number; readonly said: string | null } | null;
  } {
    const counts = this.#database
      .prepare(
        `SELECT COUNT(*) FILTER (WHERE state = 'waiting') AS waiting, COUNT(*) FILTER (WHERE state = 'failed') AS failed
         FROM deliveries WHERE channel = ?`,
      )
      .get(channel) as { readonly waiting: number; readonly failed: number };
    const select = this.#database.prepare(
      "SELECT * FROM deliveries WHERE channel = ? AND ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1",
    );
    const last = damageOf(this.#database).one("deliveries", select, parseDelivery, channel);
    return { ...counts, last: last ? { state: last.state, ts: last.ended ?? 0, said: last.said } : null };
  }

  /** Since when the notice is tried that has been tried most often and still waits, epoch ms; undefined where none was tried so often. @param tries from how many on */
  stuck(channel: string, tries: number): number | undefined {
    const select = this.#database.prepare(
      "SELECT * FROM deliveries WHERE channel = ? AND state = 'waiting' AND tries >= ? ORDER BY tries DESC, id LIMIT 1",
    );
    const found = damageOf(this.#database).one("deliveries", select, parseDelivery, channel, tries);
    return found && (found.since ?? found.next);
  }

  #browser(channel: string): ToldDelivery["browser"] {
    if (!isForBrowser(channel)) return null;
    const select = this.#database.prepare("SELECT * FROM browsers WHERE id = ?");
    const found = damageOf(this.#database).one("browsers", select, parseBrowser, browserIn(channel));
    return found ? { account: found.account, name: found.name } : null;
  }

  #notice(id: number): Notice | undefined {
    const select = this.#database.prepare("SELECT * FROM notices WHERE id = ?");
    return damageOf(this.#database).one("notices", select, parseNotice, id);
  }
}
