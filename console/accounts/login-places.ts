import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import type { Database } from "../database/database.ts";
import { persistOf, type Persist } from "../database/persist.ts";

/** Networks remembered of one account at most: those that were used last. */
export const maxPlaces = 20;
/** Milliseconds after which a place is forgotten, and within which using it again is not written down. */
export const placeAge = 90 * 86_400_000;
const written = 86_400_000;

/**
 * From which networks each account has come in. Who comes from one of them again goes before the crowd when passwords are being guessed:
 * a flood of strangers' logins then delays strangers alone.
 */
export class LoginPlaces {
  readonly #clock: Pick<Clock, "now">;
  readonly #persist: Persist;
  readonly #find;
  readonly #note;
  readonly #trim;
  readonly #forget;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#clock = clock;
    this.#persist = persistOf(database);
    this.#find = database.prepare("SELECT last FROM login_places WHERE account = ? AND network = ?");
    this.#note = database.prepare("INSERT OR REPLACE INTO login_places (account, network, last) VALUES (?, ?, ?)");
    this.#forget = database.prepare("DELETE FROM login_places WHERE account = ?");
    this.#trim = database.prepare(
      `DELETE FROM login_places WHERE account = ?1 AND network NOT IN
       (SELECT network FROM login_places WHERE account = ?1 ORDER BY last DESC LIMIT ${maxPlaces})`,
    );
  }

  isKnown(account: string, address: string): boolean {
    return this.#ageOf(account, networkOf(address)) < placeAge;
  }

  /** That the account has come in from this address. @returns whether the place was known, by one look: thousands of devices may come at once */
  note(account: string, address: string): boolean {
    const network = networkOf(address);
    const age = this.#ageOf(account, network);
    if (age >= written) this.#write(account, network);
    return age < placeAge;
  }

  #write(account: string, network: string): void {
    const now = Math.round(this.#clock.now());
    // On a full disk people come in all the same.
    this.#persist.write(`login of ${account}`, () => {
      this.#note.run(account, network, now);
      this.#trim.run(account);
    });
  }

  /** No place is known of the account any more. */
  forget(account: string): void {
    this.#persist.write(`places of ${account}`, () => this.#forget.run(account));
  }

  /** Milliseconds since it was written down. Of a moment that lies ahead, because the clock was set back since, nothing is known. */
  #ageOf(account: string, network: string): number {
    const last = Number(this.#find.get(account, network)?.["last"] ?? Number.NaN);
    const age = this.#clock.now() - last;
    return age >= 0 ? age : Infinity;
  }
}
