import { counted } from "#shared/counted";
import { BadInputError } from "#shared/errors";
import { checkChannelName } from "#shared/channels/channel-settings";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { parseChannel, type Channel } from "./channel.ts";
import { DeliveryRows } from "./delivery-rows.ts";
import { browsersChannel } from "./push/browser.ts";

/** Channels at most: all of them are in memory, and each may have a connection. */
export const maxChannels = 50;

/** The ways by which people hear of alerts, as they are kept. */
export class Channels {
  readonly #database: Database;
  #known: Map<string, Channel> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By their names. */
  list(): readonly Channel[] {
    return [...this.#all.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  find(name: string): Channel | undefined {
    return this.#all.get(name);
  }

  /**
   * Makes one, or has it be another one. What waits for one that is switched off is given up. Within a transaction of the caller.
   * @returns to be called when that is through
   * @throws BadInputError for a name that cannot be, and where there is no room for one more
   */
  put(channel: Channel): () => void {
    const { name, kind, settings, enabled, usual, by, ts } = channel;
    checkChannelName(name);
    if (name === browsersChannel && !this.#all.has(name))
      throw new BadInputError(
        `"${browsersChannel}" stands for the browsers in which people have switched notices on: expected another name`,
      );
    if (!this.#all.has(name) && this.#all.size >= maxChannels)
      throw new BadInputError(`there are ${counted(this.#all.size, "channel")}, and no more may: remove one first`);
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO channels (name, kind, settings, enabled, usual, by, ts) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(name, kind, JSON.stringify(settings), Number(enabled), Number(usual), by, ts);
    if (!enabled) new DeliveryRows(this.#database).giveUp(name, `the channel was switched off by ${by}`, ts);
    return () => void this.#all.set(name, channel);
  }

  /** What waits for it is given up; what became of the rest stays. Within a transaction of the caller. @returns to be called when that is through */
  remove({ name }: Channel, by: string, now: number): () => void {
    this.#database.prepare("DELETE FROM channels WHERE name = ?").run(name);
    new DeliveryRows(this.#database).giveUp(name, `the channel was removed by ${by}`, now);
    return () => void this.#all.delete(name);
  }

  get #all(): Map<string, Channel> {
    this.#known ??= new Map(
      damageOf(this.#database)
        .all("channels", this.#database.prepare("SELECT * FROM channels"), parseChannel)
        .map((channel) => [channel.name, channel]),
    );
    return this.#known;
  }
}
