import { randomUUID } from "node:crypto";
import { counted } from "#shared/counted";
import { quoted } from "#shared/printable";
import type { Database } from "../database/database.ts";
import { fitted, noticeRow, type Notice } from "./notice.ts";
import { browsersChannel } from "./push/browser.ts";

/** Notices that wait for one channel: of a fleet that goes away and comes back as a whole, and more than anybody reads. */
export const maxWaitingNotices = 1_000;

/** So many make room at once: it is a walk over all that wait. */
export const roomAtOnce = 20;

/**
 * Writes down that there is something to say, for each channel that is to say it. Inserts rows and does nothing else: called in the
 * transaction in which the alert changes its state, so that the change and the word of it are one commit. Behind that, `Courier.wake`.
 * @param channels by name; those that are for all alerts where none are named. One that is switched off says nothing.
 * @param browsers those of people who are to hear of it, by their names in the queue; asked where the notice goes to browsers
 * @returns how many are to say it
 * @throws Error of the database
 */
export function enqueue(
  database: Database,
  notice: Notice,
  channels?: readonly string[],
  browsers?: (notice: Notice) => readonly string[],
): number {
  const rows = rowsOf(database);
  const isForBrowsers = channels?.includes(browsersChannel) ?? true;
  const told = isForBrowsers && browsers ? browsers(notice).map((name) => ({ name, isKnown: true })) : [];
  const ways = [...rows.ways(channels), ...told];
  if (ways.length === 0) return 0;
  const id = rows.notice(notice);
  for (const { name, isKnown } of ways) rows.delivery(id, notice.alert, name, isKnown);
  return ways.length;
}

interface WayRow {
  readonly name: string;
  readonly enabled: number;
  readonly usual: number;
}

/** Prepared once: a fleet's alerts come together. */
class QueueRows {
  readonly #channels;
  readonly #notice;
  readonly #delivery;
  readonly #waiting;
  readonly #drop;

  constructor(database: Database) {
    this.#channels = database.prepare("SELECT name, enabled, usual FROM channels ORDER BY name");
    this.#notice = database.prepare("INSERT INTO notices (alert, kind, device, document) VALUES (?, ?, ?, ?)");
    this.#delivery = database.prepare(
      "INSERT INTO deliveries (notice, channel, alert, key, state, tries, next, said) VALUES (?, ?, ?, ?, ?, 0, 0, ?)",
    );
    this.#waiting = database.prepare(
      "SELECT COUNT(*) AS count FROM deliveries WHERE channel = ? AND state = 'waiting'",
    );
    // Reminders go first: what they say was said before. Then what matters least, and of that what is of the device with the most.
    this.#drop = database.prepare(
      `UPDATE deliveries SET state = 'failed', said = ? WHERE id IN (
         SELECT deliveries.id FROM deliveries JOIN notices ON notices.id = notice
         WHERE channel = ? AND state = 'waiting'
         ORDER BY kind <> 'reminder',
           CASE json_extract(document, '$.severity') WHEN 'critical' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END,
           CASE WHEN device IS NULL THEN 1 ELSE COUNT(*) OVER (PARTITION BY device) END DESC,
           deliveries.id LIMIT ${roomAtOnce})`,
    );
  }

  ways(named: readonly string[] | undefined): { readonly name: string; readonly isKnown: boolean }[] {
    const known = this.#channels.all() as unknown as WayRow[];
    if (!named) return known.filter((one) => one.usual && one.enabled).map(({ name }) => ({ name, isKnown: true }));
    return [...new Set(named)].flatMap((name) => {
      const one = known.find((channel) => channel.name === name);
      if (!one && name === browsersChannel) return [];
      return one && !one.enabled ? [] : [{ name, isKnown: one !== undefined }];
    });
  }

  notice(notice: Notice): number {
    return Number(this.#notice.run(...noticeRow(fitted(notice))).lastInsertRowid);
  }

  delivery(notice: number, alert: string, channel: string, isKnown: boolean): void {
    // A rule that names what there is not is somebody's mistake, and must be seen.
    const said = isKnown
      ? null
      : `there is no channel ${quoted(channel)}: make one, or have the rule name another (muster notify list)`;
    this.#delivery.run(notice, channel, alert, randomUUID(), isKnown ? "waiting" : "failed", said);
    if (isKnown) this.#makeRoom(channel);
  }

  #makeRoom(channel: string): void {
    const { count } = this.#waiting.get(channel) as { count: number };
    if (count <= maxWaitingNotices) return;
    const why = `${counted(maxWaitingNotices, "notice")} waited for the channel, and no more may: this one had to make room for others`;
    this.#drop.run(why, channel);
  }
}

const known = new WeakMap<Database, QueueRows>();

function rowsOf(database: Database): QueueRows {
  let rows = known.get(database);
  if (!rows) known.set(database, (rows = new QueueRows(database)));
  return rows;
}
