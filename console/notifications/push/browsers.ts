import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import { personsName } from "#shared/device-labels";
import { BadInputError } from "#shared/errors";
import { mayReach, type GroupsOf, type Principal } from "#shared/principal";
import { damageOf } from "../../database/damage.ts";
import type { Database } from "../../database/database.ts";
import type { Channel } from "../channel.ts";
import { DeliveryRows } from "../delivery-rows.ts";
import type { Notice } from "../notice.ts";
import {
  browserIn,
  channelFor,
  checkSubscription,
  idOf,
  isForBrowser,
  parseBrowser,
  parsePushKey,
  queueNameOf,
  type Browser,
} from "./browser.ts";
import { newVapidKey, vapidKeyOf, type VapidKey } from "./vapid.ts";

/** Browsers of one person at most. */
export const maxBrowsersOfPerson = 10;
/** And of all together: each notice is written down for each of them. */
export const maxBrowsers = 200;

export interface BrowsersOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly personOf: (account: string) => Pick<Principal, "groups"> | undefined;
  readonly groupsOf: GroupsOf;
  /** Devices whose alerts one alert stands for. */
  readonly devicesBehind: (alert: string) => Iterable<string>;
  /** Whether an address may be spoken to that a browser has named. */
  readonly mayReach: (address: string) => boolean;
}

/** What a browser says when its person has it told of alerts. */
export type BrowserWord = Pick<Browser, "account" | "name" | "endpoint" | "p256dh" | "auth">;

/** Browsers of people that are told of alerts, each of what its person may see. */
export class Browsers {
  readonly #options: BrowsersOptions;

  constructor(options: BrowsersOptions) {
    this.#options = options;
  }

  /** By which push services know this console: made when it is first needed. @throws Error of the database */
  key(): VapidKey {
    const { database } = this.#options;
    const select = database.prepare("SELECT id, secret FROM push_key");
    const kept = damageOf(database).one("push_key", select, (row) => vapidKeyOf(parsePushKey(row).secret));
    if (kept) return kept;
    const made = newVapidKey();
    database.prepare("INSERT OR REPLACE INTO push_key (id, secret) VALUES (1, ?)").run(made.secret);
    return made;
  }

  get mayReach(): (address: string) => boolean {
    return this.#options.mayReach;
  }

  /** A person's, the newest first. */
  list(account: string): readonly Browser[] {
    const { database } = this.#options;
    const select = database.prepare("SELECT * FROM browsers WHERE account = ? ORDER BY ts DESC, id");
    return damageOf(database).all("browsers", select, parseBrowser, account);
  }

  find(id: string): Browser | undefined {
    const { database } = this.#options;
    const select = database.prepare("SELECT * FROM browsers WHERE id = ?");
    return damageOf(database).one("browsers", select, parseBrowser, id);
  }

  /** What a name of the queue stands for. */
  inQueue(name: string): Channel | undefined {
    const browser = isForBrowser(name) ? this.find(browserIn(name)) : undefined;
    return browser?.gone === null ? channelFor(browser) : undefined;
  }

  /** Whether {@link put} would leave all as it is. */
  has({ account, endpoint, p256dh, auth }: BrowserWord): boolean {
    const known = this.find(idOf(endpoint));
    return known?.gone === null && known.account === account && known.p256dh === p256dh && known.auth === auth;
  }

  /**
   * Has a browser told from now on. One of somebody else's, who was logged in there before, is this person's then. Within a transaction of
   * the caller.
   * @returns its id
   * @throws BadInputError where it is no subscription, there is no room for one more, or its address is known with other keys
   */
  put(subscription: BrowserWord): string {
    const { database, clock, mayReach: reachable } = this.#options;
    checkSubscription(subscription, reachable);
    const { account, name: as, endpoint, p256dh, auth } = subscription;
    const [id, name] = [idOf(endpoint), personsName(as)];
    if (name === "") throw new BadInputError("the browser needs a name");
    const known = this.find(id);
    // Who has learned its address alone must not take it from whose it is.
    if (known?.gone === null && (known.p256dh !== p256dh || known.auth !== auth))
      throw new BadInputError("this endpoint is known with other keys: subscribe anew in the browser");
    // What was this browser before, as far as a person can tell.
    database.prepare("DELETE FROM browsers WHERE account = ? AND name = ? AND gone IS NOT NULL").run(account, name);
    if (known?.account !== account) this.#assertRoom(account);
    database
      .prepare(
        "INSERT OR REPLACE INTO browsers (id, account, name, endpoint, p256dh, auth, ts, gone) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
      )
      .run(id, account, name, endpoint, p256dh, auth, Math.round(clock.now()));
    return id;
  }

  /** What waits for it is given up. Within a transaction of the caller. */
  remove({ id }: Browser, by: string): void {
    this.#options.database.prepare("DELETE FROM browsers WHERE id = ?").run(id);
    this.#giveUp(id, `the browser was removed by ${by}`);
  }

  /** Its push service says that it is there no more: it stays in its person's list, for him to see, and is told nothing. Within a transaction. */
  gone({ id }: Browser, why: string): void {
    const { database, clock } = this.#options;
    database
      .prepare("UPDATE browsers SET gone = ?, endpoint = '', p256dh = '', auth = '' WHERE id = ?")
      .run(Math.round(clock.now()), id);
    this.#giveUp(id, why);
  }

  /** For which browsers a notice is, as names of the queue. */
  hearing(notice: Notice): readonly string[] {
    const { database } = this.#options;
    const rows = database
      .prepare("SELECT id, account FROM browsers WHERE gone IS NULL ORDER BY id")
      .all() as unknown as {
      readonly id: string;
      readonly account: string;
    }[];
    if (rows.length === 0) return [];
    const wanted = new Map<string, boolean>();
    const hears = (account: string): boolean => {
      const known = wanted.get(account) ?? this.#concerns(notice, account) !== "nothing";
      wanted.set(account, known);
      return known;
    };
    const told = new Set(notice.device === null && notice.kind !== "firing" ? this.#toldOf(notice.alert) : []);
    return rows
      .filter(({ id, account }) => told.has(queueNameOf(id)) || hears(account))
      .map(({ id }) => queueNameOf(id));
  }

  /**
   * How much of a notice somebody may know: `part` of one about several devices, of which some are in his reach, and then not which they are.
   * @param wasTold whether the alert itself was told him before, by which its end is his as well
   */
  reach(notice: Notice, { id, account }: Pick<Browser, "id" | "account">): "all" | "part" | "nothing" {
    const reach = this.#concerns(notice, account);
    if (reach !== "nothing" || notice.device !== null || !this.#options.personOf(account)) return reach;
    // Written down for him when he was in reach of some; by now those may be well.
    return [...this.#toldOf(notice.alert)].includes(queueNameOf(id)) ? "part" : "nothing";
  }

  #concerns(notice: Notice, account: string): "all" | "part" | "nothing" {
    const { personOf, groupsOf, devicesBehind } = this.#options;
    const person = personOf(account);
    if (!person) return "nothing";
    if (notice.kind === "test" || person.groups === undefined) return "all";
    if (notice.device !== null) return mayReach(person, notice.device, groupsOf) ? "all" : "nothing";
    for (const device of devicesBehind(notice.alert)) if (mayReach(person, device, groupsOf)) return "part";
    return "nothing";
  }

  /** Names of the queue by which an alert was told. */
  #toldOf(alert: string): readonly string[] {
    const rows = this.#options.database
      .prepare("SELECT DISTINCT channel FROM deliveries WHERE alert = ?")
      .all(alert) as unknown as { readonly channel: string }[];
    return rows.map(({ channel }) => channel).filter(isForBrowser);
  }

  #assertRoom(account: string): void {
    const { count, own } = this.#options.database
      .prepare("SELECT COUNT(*) AS count, COUNT(*) FILTER (WHERE account = ?) AS own FROM browsers WHERE gone IS NULL")
      .get(account) as { readonly count: number; readonly own: number };
    if (own >= maxBrowsersOfPerson)
      throw new BadInputError(
        `you have ${counted(own, "browser")} told of alerts, and no more may be: remove one first`,
      );
    if (count >= maxBrowsers)
      throw new BadInputError(`${counted(count, "browser")} are told of alerts, and no more may be: use a channel`);
  }

  #giveUp(id: string, why: string): void {
    const { database, clock } = this.#options;
    new DeliveryRows(database).giveUp(queueNameOf(id), why, clock.now());
  }
}
