import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { transaction, type Database } from "../database/database.ts";
import { otpauthUri, stepAt, stepOf, stepsAside, toBase32 } from "./totp.ts";

/** Bytes of a key: as many as the hash has (RFC 4226 §4, R6). */
const keyBytes = 20;
/** Recovery codes that one is given, each good once. */
export const recoveryCodes = 10;
const recoveryAlphabet = "abcdefghjkmnpqrstuvwxyz23456789";

/** What an authenticator is told, this once. */
export interface NewFactor {
  readonly secret: string;
  readonly uri: string;
}

/** Codes of people's authenticators (TOTP), beside their passwords. The keys have to be kept as they are; recovery codes are kept as hashes. */
export class SecondFactors {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Whether the account's password alone is not enough. */
  isOn(account: string): boolean {
    return this.#find(account)?.confirmed === 1;
  }

  /** Makes a key for a person, which counts once it is confirmed. @throws BadInputError where there is one that counts */
  begin(account: string): NewFactor {
    if (this.isOn(account))
      throw new BadInputError(`"${account}" has a second factor: an administrator can take it away`);
    const key = randomBytes(keyBytes);
    this.#database
      .prepare("INSERT OR REPLACE INTO second_factors (account, secret, confirmed, used) VALUES (?, ?, 0, 0)")
      .run(account, key.toString("base64"));
    return { secret: toBase32(key), uri: otpauthUri(account, key) };
  }

  /** Has the key count from now on, once a code shows that the authenticator has it. @returns the recovery codes, this once; undefined for a wrong code */
  confirm(account: string, code: string): readonly string[] | undefined {
    const factor = this.#find(account);
    if (!factor || factor.confirmed === 1)
      throw new BadInputError("there is no key that waits to be confirmed: begin anew");
    const step = this.#stepOf(factor, code);
    if (step === undefined) return undefined;
    const codes = Array.from({ length: recoveryCodes }, recoveryCode);
    transaction(this.#database, () => {
      this.#database.prepare("UPDATE second_factors SET confirmed = 1, used = ? WHERE account = ?").run(step, account);
      this.#database.prepare("DELETE FROM recovery_codes WHERE account = ?").run(account);
      const insert = this.#database.prepare("INSERT INTO recovery_codes (account, hash) VALUES (?, ?)");
      for (const one of codes) insert.run(account, digest(account, one));
    });
    return codes;
  }

  /** Whether this code is the account's now, or a recovery code that is left. It is not taken again. */
  take(account: string, code: string): boolean {
    const typed = code.replaceAll(/[\s-]/g, "").toLowerCase();
    const factor = this.#find(account);
    const step = factor && this.#stepOf(factor, typed);
    // In one statement: two logins may come with it at the same moment.
    if (step !== undefined)
      return (
        this.#database
          .prepare("UPDATE second_factors SET used = ? WHERE account = ? AND confirmed = 1 AND used < ?")
          .run(step, account, step).changes > 0
      );
    return (
      this.#database
        .prepare("DELETE FROM recovery_codes WHERE account = ? AND hash = ?")
        .run(account, digest(account, typed)).changes > 0
    );
  }

  /** Takes it away: the password is enough again. @returns whether there was one that counted */
  reset(account: string): boolean {
    const was = this.isOn(account);
    for (const table of ["second_factors", "recovery_codes"])
      this.#database.prepare(`DELETE FROM ${table} WHERE account = ?`).run(account);
    return was;
  }

  /** A clock that was ahead for a while must lock nobody out: what was used lies in the future then, and counts no more. */
  #stepOf({ secret, used }: Factor, code: string): number | undefined {
    const now = this.#clock.now();
    const after = used > stepAt(now) + stepsAside ? 0 : used;
    return stepOf(Buffer.from(secret, "base64"), code, now, after);
  }

  #find(account: string): Factor | undefined {
    const row = this.#database
      .prepare("SELECT secret, confirmed, used FROM second_factors WHERE account = ?")
      .get(account);
    return row as Factor | undefined;
  }
}

interface Factor {
  readonly secret: string;
  readonly confirmed: number;
  /** The last step whose code was taken. */
  readonly used: number;
}

/** 12 characters, 59 random bits: guessed through the login's throttle, never. */
function recoveryCode(): string {
  return Array.from({ length: 12 }, () => recoveryAlphabet[randomInt(recoveryAlphabet.length)]).join("");
}

function digest(account: string, code: string): string {
  return createHash("sha256").update(`${account}\n${code}`).digest("base64");
}
