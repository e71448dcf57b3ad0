import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { hashOfNothing, rounds } from "#shared/password";
import type { Role } from "#shared/principal";
import type { Database } from "../database/database.ts";
import type { Account } from "./account.ts";
import { toColumn } from "./group-limits.ts";

/** What becomes of an account when its person comes from the identity provider. */
export interface Provision {
  readonly name: string;
  readonly role: Extract<Role, "viewer" | "operator" | "admin">;
  readonly groups?: readonly string[] | undefined;
}

interface Others {
  readonly find: (name: string) => Account | undefined;
  /** Ends what was opened with it, and tells whoever listens. */
  readonly ended: (name: string) => void;
}

/**
 * Accounts of people whom an identity provider knows. They have no password: their hash is one that no secret has. They are bound to the
 * provider's own word for the person and not to the name, which people can often change there.
 */
export class ProvidedAccounts {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #others: Others;

  constructor(database: Database, clock: Clock, others: Others) {
    this.#database = database;
    this.#clock = clock;
    this.#others = others;
  }

  /** The account of somebody whom the provider calls so; undefined where there is none yet. */
  find(identity: string): Account | undefined {
    const row = this.#database.prepare("SELECT name FROM accounts WHERE identity = ?").get(identity);
    return typeof row?.["name"] === "string" ? this.#others.find(row["name"]) : undefined;
  }

  /** Whether anybody is called so, in large or small letters: people choose their names there themselves, and may want to pass for somebody. */
  isTaken(name: string): boolean {
    return this.#database.prepare("SELECT 1 FROM accounts WHERE name = ? COLLATE NOCASE").get(name) !== undefined;
  }

  /** Makes the account. @throws BadInputError where the name is taken: by whomever, it is not handed over */
  add(identity: string, { name, role, groups }: Provision): void {
    if (this.isTaken(name)) throw new BadInputError(`"${name}" is taken`);
    this.#database
      .prepare("INSERT INTO accounts (name, role, hash, created, only_groups, identity) VALUES (?, ?, ?, ?, ?, ?)")
      .run(name, role, hashOfNothing(rounds.generated), this.#clock.now(), toColumn(groups), identity);
    this.#others.ended(name);
  }

  /** Gives it what the provider says now, and ends what was opened under what it said before. */
  change({ name, role, groups }: Provision): void {
    this.#database
      .prepare("UPDATE accounts SET role = ?, only_groups = ? WHERE name = ? AND identity IS NOT NULL")
      .run(role, toColumn(groups), name);
    this.#others.ended(name);
  }
}
