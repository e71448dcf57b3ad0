import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { asDeviceId, parseDeviceId, quoted } from "#shared/ids";
import { generatedLength, generateSecret, hashSecret, rounds, verifySecret } from "#shared/password";
import type { Principal, Role } from "#shared/principal";
import { transaction, type Database } from "./store/database.ts";

export interface Account extends Principal {
  /** In the format of Mosquitto's password file. */
  readonly hash: string;
}

const operatorPattern = /^[A-Za-z][A-Za-z0-9._@-]{0,62}$/;
/** A password of a person is at least this long. */
const shortestPassword = 8;

/** Who may come in: devices, operators, the console itself; and the tokens that stand for them in HTTP. */
export class Accounts {
  readonly #database: Database;
  readonly #clock: Clock;
  /** Name → fast digest of a secret that has been verified against the stored hash, so that a session's many requests pay for one. */
  readonly #verified = new Map<string, { readonly hash: string; readonly digest: string }>();
  readonly #pepper = randomBytes(16);

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Makes an account, or gives an existing one a new secret and role.
   * @returns the secret: the given one, or a generated one
   * @throws BadInputError when the name does not fit the role, or the password is too short
   */
  set(name: string, role: Role, secret?: string): string {
    checkName(name, role);
    if (secret !== undefined && secret.length < shortestPassword) {
      throw new BadInputError(
        `the password for "${name}" has ${secret.length} characters: expected at least ${shortestPassword}`,
      );
    }
    this.#assertSameKind(name, role);
    const chosen = secret ?? generateSecret();
    const hash = hashSecret(chosen, isGenerated(role, chosen) ? rounds.generated : rounds.person);
    this.#database
      .prepare(
        `INSERT INTO accounts (name, role, hash, created) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET role = excluded.role, hash = excluded.hash`,
      )
      .run(name, role, hash, this.#clock.now());
    this.#database.prepare("DELETE FROM tokens WHERE account = ?").run(name);
    return chosen;
  }

  /**
   * Gives devices one secret for all, with one hash and in one transaction: for thousands of simulated ones.
   * @throws BadInputError when a name is no device's id or has an account already
   */
  addDevices(names: readonly string[], secret: string): void {
    const hash = hashSecret(secret, isGenerated("device", secret) ? rounds.generated : rounds.person);
    const add = this.#database.prepare("INSERT INTO accounts (name, role, hash, created) VALUES (?, 'device', ?, ?)");
    transaction(this.#database, () => {
      for (const name of names) {
        if (this.find(parseDeviceId(name))) throw new BadInputError(`"${name}" has an account already`);
        add.run(name, hash, this.#clock.now());
      }
    });
  }

  /** A device must not turn into a person, nor the other way round, because somebody typed a name twice. */
  #assertSameKind(name: string, role: Role): void {
    const present = this.find(name)?.role;
    if (present === undefined || isPerson(present) === isPerson(role)) return;
    throw new BadInputError(`"${name}" is taken by a ${present}: choose another name, or remove it first`);
  }

  /** @returns whether there was such an account */
  remove(name: string): boolean {
    this.#verified.delete(name);
    return this.#database.prepare("DELETE FROM accounts WHERE name = ?").run(name).changes > 0;
  }

  find(name: string): Account | undefined {
    return this.#database.prepare("SELECT name, role, hash FROM accounts WHERE name = ?").get(name) as
      | Account
      | undefined;
  }

  list(): readonly Account[] {
    return this.#database.prepare("SELECT name, role, hash FROM accounts ORDER BY name").all();
  }

  /** Who `name` with `secret` is, or undefined where the two do not belong together. */
  async verify(name: string, secret: string | Buffer): Promise<Principal | undefined> {
    const account = this.find(name);
    const digest = createHash("sha256").update(this.#pepper).update(secret).digest("base64");
    const known = this.#verified.get(name);
    if (!account || known?.hash !== account.hash || known.digest !== digest) {
      // An unknown name takes as long as a known one, so that the time tells nothing.
      if (!(await verifySecret(secret, account?.hash ?? nobody)) || !account) return undefined;
      this.#verified.set(name, { hash: account.hash, digest });
    }
    return { name, role: account.role };
  }

  /** A bearer token or session cookie for `account`, good for `ttl` milliseconds. Only its hash is kept. */
  issueToken(account: string, kind: "session" | "token", ttl: number): string {
    const token = generateSecret();
    const now = this.#clock.now();
    this.#database.prepare("DELETE FROM tokens WHERE expires < ?").run(now);
    this.#database
      .prepare("INSERT INTO tokens (hash, account, kind, created, expires) VALUES (?, ?, ?, ?, ?)")
      .run(digestOf(token), account, kind, now, now + ttl);
    return token;
  }

  /** Who holds `token`, while it is good. */
  ofToken(token: string): Principal | undefined {
    const found = this.#database
      .prepare("SELECT name, role FROM tokens JOIN accounts ON name = account WHERE tokens.hash = ? AND expires > ?")
      .get(digestOf(token), this.#clock.now());
    return found as Principal | undefined;
  }

  revokeToken(token: string): void {
    this.#database.prepare("DELETE FROM tokens WHERE hash = ?").run(digestOf(token));
  }
}

/** A hash that no secret has. */
const nobody = `$7$${rounds.person}$${randomBytes(12).toString("base64")}$${randomBytes(64).toString("base64")}`;

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

/** Programs are given generated secrets; should somebody have typed one, it is treated like a person's. */
function isGenerated(role: Role, secret: string): boolean {
  return !isPerson(role) && secret.length >= generatedLength;
}

function isPerson(role: Role): boolean {
  return role !== "device" && role !== "console";
}

/** Devices and operators share one name space, because they share one broker. */
function checkName(name: string, role: Role): void {
  if (role === "device") {
    parseDeviceId(name);
  } else if (role === "console" ? asDeviceId(name) !== undefined : !operatorPattern.test(name) || name === "console") {
    throw new BadInputError(
      `${quoted(name)} is not a valid ${role}'s name: expected letters, digits, ".", "_", "@" and "-", beginning with a letter`,
    );
  }
}
