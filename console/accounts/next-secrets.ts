import { generatedLength, verifySecret } from "#shared/password";
import { transaction, type Database } from "../database/database.ts";

/** Secrets of devices that are to take the place of the present ones: right beside these, until a device has come in with its own. */
export class NextSecrets {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** In place of one that was to come before. @throws Error of the database where there is no such account */
  put(name: string, hash: string): void {
    this.#database
      .prepare(
        "INSERT INTO next_secrets (account, hash) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET hash = excluded.hash",
      )
      .run(name, hash);
  }

  /** Another secret was given to the account by other means. */
  forget(name: string): void {
    this.#database.prepare("DELETE FROM next_secrets WHERE account = ?").run(name);
  }

  /** Whether `secret` is the next one of the account: then it is the present one from now on, and the one before is none any more. */
  async take(name: string, secret: string | Buffer): Promise<boolean> {
    const hash = secret.length === generatedLength ? this.#hashOf(name) : undefined;
    if (hash === undefined || !(await verifySecret(secret, hash))) return false;
    return transaction(this.#database, () => {
      // The hashing takes time.
      if (this.#hashOf(name) !== hash) return false;
      this.#database.prepare("UPDATE accounts SET hash = ? WHERE name = ?").run(hash, name);
      this.forget(name);
      return true;
    });
  }

  #hashOf(name: string): string | undefined {
    const row = this.#database.prepare("SELECT hash FROM next_secrets WHERE account = ?").get(name);
    return (row as { hash: string } | undefined)?.hash;
  }
}
