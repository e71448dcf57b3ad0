import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { asDeviceId, parseDeviceId, type DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import type { LoginSource } from "#shared/login-throttle";
import { generatedLength, generateSecret, hashSecret, looksGenerated, rounds } from "#shared/password";
import { isPersonRole, maxPasswordLength, type Principal, type Role } from "#shared/principal";
import { Signal } from "#shared/signal";
import { parseAccount, type Account } from "./account.ts";
import { CodeGuesses } from "./code-guesses.ts";
import { KeptGuesses } from "./kept-guesses.ts";
import { LoginPlaces } from "./login-places.ts";
import { Logins } from "./logins.ts";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import { syncOf } from "../database/group-sync.ts";
import { toColumn } from "./group-limits.ts";
import { ProvidedAccounts } from "./provided-accounts.ts";
import { SecondFactors } from "./second-factors.ts";
import { standings, type Standing } from "./standing.ts";
import { NextSecrets } from "./next-secrets.ts";
import { Tokens, type Holder, type TokenKind } from "./tokens.ts";

export interface AccountChange {
  readonly name: string;
  /** `account`: nothing that was opened before holds; `token`: one of its sessions or tokens has ended. */
  readonly what: "account" | "token";
}

/** What is changed of a person's account; what is left out stays. */
export interface Rights {
  readonly role?: Role | undefined;
  /** The groups of devices that it is limited to; null for no limit. */
  readonly groups?: readonly string[] | null | undefined;
}

export interface AccountsOptions {
  /** Called after a change of an account in this process, so that others learn of it. */
  readonly onChange?: () => void;
}
const operatorPattern = /^[A-Za-z][A-Za-z0-9._@-]{0,62}$/;
/** The console's own account; and what `muster operator` takes for another word. */
const reserved: ReadonlySet<string> = new Set(["console", "list"]);
/** A password of a person is at least this long. */
const minPasswordLength = 8;

/** Who may come in: devices, operators, the console itself; and the tokens that stand for them in HTTP. */
export class Accounts {
  /**
   * Whenever an account's secret, role or existence has changed, or one of its sessions has ended: here, or in another process
   * that works on the same database. What was opened with it is ended by whoever holds it open.
   */
  readonly changes = new Signal<AccountChange>();
  /** Whenever another process has said that something about accounts has changed, whatever it was. */
  readonly elsewhere = new Signal<void>();
  readonly tokens: Tokens;
  readonly nextSecrets: NextSecrets;
  readonly factors: SecondFactors;
  readonly guesses: CodeGuesses;
  readonly provided: ProvidedAccounts;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: AccountsOptions;
  readonly #logins: Logins;

  constructor(database: Database, clock: Clock, options: AccountsOptions = {}) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
    this.tokens = new Tokens(database, clock);
    this.nextSecrets = new NextSecrets(database);
    this.factors = new SecondFactors(database, clock);
    this.guesses = new CodeGuesses(clock, new KeptGuesses(database, clock));
    this.#logins = new Logins(clock, (name) => this.find(name), {
      places: new LoginPlaces(database, clock),
      guesses: this.guesses,
      needsCode: (name) => this.factors.isOn(name),
    });
    this.provided = new ProvidedAccounts(database, clock, {
      find: (name) => this.find(name),
      ended: (name) => {
        this.tokens.endAll(name);
        this.changed(name);
      },
    });
  }

  /** Resolves once every change so far is on the disk: before a secret is handed out, or a file names it. @throws EnvironmentError */
  synced(): Promise<void> {
    return syncOf(this.#database).synced();
  }

  /**
   * Makes an account, or gives an existing one a new secret and role.
   * @param groups the groups of devices that a person is limited to, null for no limit; what it was where they are left out
   * @returns the secret: the given one, or a generated one
   * @throws BadInputError when the name does not fit the role, the password is too short, or no administrator would be left
   */
  set(name: string, role: Role, secret?: string, groups?: Rights["groups"]): string {
    checkName(name, role);
    if (secret !== undefined && (secret.length < minPasswordLength || secret.length > maxPasswordLength)) {
      throw new BadInputError(
        `the password for "${name}" has ${secret.length} characters: expected ${minPasswordLength} to ${maxPasswordLength}`,
      );
    }
    const limit = this.#limitOf(name, { role, groups });
    const chosen = secret ?? generateSecret();
    const hash = hashSecret(chosen, roundsFor(role, chosen));
    this.#database
      .prepare(
        `INSERT INTO accounts (name, role, hash, created, only_groups) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET role = excluded.role, hash = excluded.hash, only_groups = excluded.only_groups, certified = 0`,
      )
      .run(name, role, hash, this.#clock.now(), limit);
    this.nextSecrets.forget(name);
    this.tokens.endAll(name);
    // Who was in with the secret of before may have had a browser of his own told of alerts.
    this.#database.prepare("DELETE FROM browsers WHERE account = ?").run(name);
    this.guesses.forget(name);
    this.changed(name);
    // Whoever sets it need not wait in any queue.
    this.#logins.remember(name, hash, chosen);
    return chosen;
  }

  /**
   * Gives a device an account, or another secret, by the hash of one that only the device knows. Part of a transaction of whoever calls it, who
   * says {@link changed} when that is through.
   * @param certified whether it will identify itself by a certificate, and by the secret to nobody but the console's page for who has joined
   */
  putDevice(name: DeviceId, hash: string, certified = false): void {
    this.#assertSameKind(name, "device");
    this.#database
      .prepare(
        `INSERT INTO accounts (name, role, hash, created, certified) VALUES (?, 'device', ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, certified = excluded.certified`,
      )
      .run(name, hash, this.#clock.now(), certified ? 1 : 0);
    this.nextSecrets.forget(name);
  }

  /**
   * Gives devices one secret for all, with one hash and in one transaction: for thousands of simulated ones.
   * @throws BadInputError when a name is no device's id or has an account already
   */
  addDevices(names: readonly string[], secret: string): void {
    const hash = hashSecret(secret, roundsFor("device", secret));
    const add = this.#database.prepare("INSERT INTO accounts (name, role, hash, created) VALUES (?, 'device', ?, ?)");
    transaction(this.#database, () => {
      for (const name of names) {
        if (this.find(parseDeviceId(name))) throw new BadInputError(`"${name}" has an account already`);
        add.run(name, hash, this.#clock.now());
      }
    });
    this.#options.onChange?.();
  }

  /**
   * Gives a person's account another role or other groups; its secret stays, and what was opened under the old ones is ended.
   * @throws BadInputError when the account is a program's, or the last administrator's
   */
  setRights(name: string, rights: Rights): void {
    const role = rights.role ?? this.find(name)?.role;
    if (role === undefined) throw new BadInputError(`there is no account ${quoted(name)}`);
    const limit = this.#limitOf(name, { ...rights, role });
    this.#database.prepare("UPDATE accounts SET role = ?, only_groups = ? WHERE name = ?").run(role, limit, name);
    this.tokens.endAll(name);
    this.changed(name);
  }

  /** Checks what an account is to become. @returns its limit, for the row */
  #limitOf(name: string, { role, groups }: Rights & { readonly role: Role }): string | null {
    this.#assertSameKind(name, role);
    if (this.find(name)?.identity !== undefined)
      throw new BadInputError(
        `"${name}" comes from the identity provider, which says at each login what it may, and has no password here: expected --remove, --mqtt or --no-mqtt`,
      );
    const limit = toColumn(groups === undefined ? this.find(name)?.groups : groups);
    if (limit !== null && !isPersonRole(role))
      throw new BadInputError(`"${name}" is a ${role}: expected a viewer, operator or admin to be limited to groups`);
    this.#assertAdminStays(name, limit === null ? role : undefined);
    return limit;
  }

  /** A device must not turn into a person, nor the other way round, because somebody typed a name twice. */
  #assertSameKind(name: string, role: Role): void {
    const present = this.find(name)?.role;
    if (present === undefined || isPersonRole(present) === isPersonRole(role)) return;
    throw new BadInputError(`"${name}" is taken by a ${present}: choose another name`);
  }

  /**
   * Takes an account away, with its sessions, tokens and secret for MQTT; what it has open is ended.
   * @returns whether there was such an account
   * @throws BadInputError where it is the last administrator's
   */
  remove(name: string): boolean {
    // In one statement: two administrators may remove each other at the same moment, in two processes.
    const removed = this.#database
      .prepare(
        `DELETE FROM accounts WHERE name = ?1 AND NOT (role = 'admin' AND only_groups IS NULL AND identity IS NULL AND NOT EXISTS
         (SELECT 1 FROM accounts WHERE role = 'admin' AND only_groups IS NULL AND identity IS NULL AND name <> ?1))`,
      )
      .run(name);
    if (removed.changes > 0) this.changed(name);
    else if (this.isLastAdmin(name)) throw new BadInputError(lastAdmin(name));
    return removed.changes > 0;
  }

  /** Whether without this account there would be no administrator, who manages the others and is limited to no groups. */
  isLastAdmin(name: string): boolean {
    const admins = this.people().filter(isAdmin);
    return admins.length === 1 && admins[0]?.name === name;
  }

  /** Whom this machine's command line acts as: the administrator `admin`, or the first of the others. */
  mainAdmin(): string | undefined {
    const admins = this.people().filter(isAdmin);
    return (admins.find(({ name }) => name === "admin") ?? admins[0])?.name;
  }

  /** @param role undefined where it is to be limited */
  #assertAdminStays(name: string, role: Role | undefined): void {
    if (role !== "admin" && this.isLastAdmin(name)) throw new BadInputError(lastAdmin(name));
  }

  find(name: string): Account | undefined {
    const select = this.#database.prepare(
      "SELECT name, role, hash, only_groups, certified, identity FROM accounts WHERE name = ?",
    );
    return damageOf(this.#database).one("accounts", select, parseAccount, name);
  }

  /** When the account was made, epoch ms: it tells it from a later one of the same name. Undefined where there is none. */
  madeAt(name: string): number | undefined {
    const row = this.#database.prepare("SELECT created FROM accounts WHERE name = ?").get(name);
    return typeof row?.["created"] === "number" ? row["created"] : undefined;
  }

  /**
   * By name, all that decides who gets in as what: it differs when something of it has changed.
   * @param only of this account
   */
  fingerprints(only?: string): Map<string, string> {
    const rows = this.#database
      .prepare(
        `SELECT name, role || ' ' || accounts.hash || ' ' || coalesce(mqtt_secrets.hash, '') || ' ' || coalesce(only_groups, '') || ' ' || certified || ' ' ||
         (SELECT count(*) FROM certificates WHERE device = name AND state = 'revoked') AS fingerprint
         FROM accounts LEFT JOIN mqtt_secrets ON account = name WHERE ?1 IS NULL OR name = ?1`,
      )
      .all(only ?? null) as { name: string; fingerprint: string }[];
    return new Map(rows.map(({ name, fingerprint }) => [name, fingerprint]));
  }

  /** Viewers, operators and administrators, by name. */
  people(): readonly Account[] {
    const select = this.#database.prepare(
      "SELECT name, role, hash, only_groups, certified, identity FROM accounts WHERE role NOT IN ('device', 'console') ORDER BY name",
    );
    return damageOf(this.#database).all("accounts", select, parseAccount);
  }

  /** By name, how each person's account stands. */
  standings(): ReadonlyMap<string, Standing> {
    return standings(this.#database);
  }

  list(): readonly Account[] {
    const select = this.#database.prepare(
      "SELECT name, role, hash, only_groups, certified, identity FROM accounts ORDER BY name",
    );
    return damageOf(this.#database).all("accounts", select, parseAccount);
  }

  /**
   * Who `name` with `secret` is, or undefined where the two do not belong together.
   * @param source where the login comes from; without it, it is this process's own and waits for nobody
   * @throws LoginsBusyError when too many wait: the secret was not looked at
   */
  async verify(name: string, secret: string | Buffer, source?: LoginSource): Promise<Principal | undefined> {
    // What is open with the secret of before ends, before the one that comes in now is there.
    if (await this.nextSecrets.take(name, secret)) this.changed(name);
    return this.#logins.verify(name, secret, source);
  }

  /**
   * Looks at a code beside the password when it is its turn; a wrong one counts as a failed login.
   * @throws LoginsBusyError when too many wait
   */
  inTurn(name: string, source: LoginSource, check: () => boolean): Promise<boolean> {
    return this.#logins.inTurn(name, source, check);
  }

  /**
   * Whether a code beside a password that was right is one of the account's second factor, or a recovery code; it is not taken again.
   * @throws LoginsBusyError when too many wait, or while there have been too many wrong ones
   */
  takeCode(name: string, source: LoginSource, code: string): Promise<boolean> {
    return this.#logins.code(name, source, () => this.factors.take(name, code));
  }

  /**
   * A second factor counts from now on: what was opened by the password alone ends, and where the password alone has been is no known place.
   * @param source where it was set up @param session which stays
   */
  factorAdded(name: string, source: LoginSource, session?: string): void {
    this.tokens.endSessions(name, session);
    this.#logins.onlyFrom(name, source);
    this.changed(name);
  }

  /**
   * Who holds a bearer token or a session. A wrong one counts as a failed login.
   * @param token as it came in
   */
  holder(token: string, kind: TokenKind, source: LoginSource): Holder | undefined {
    const holder = this.tokens.holder(token, kind, source.address);
    if (!holder) this.#logins.wrongToken(source);
    return holder;
  }

  /** A code to join with that is not known counts as a failed login. */
  wrongCode(source: LoginSource): void {
    this.#logins.wrongToken(source);
  }

  /** A bearer token or session cookie for `account`, good for `ttl` milliseconds. */
  issueToken(account: string, kind: TokenKind, ttl: number): string {
    return this.tokens.issue({ account, kind, ttl }).secret;
  }

  /** Ends a session or token. @param account only where it is this one's @param kind only where it is one @returns whether there was one */
  endToken(id: string, account?: string, kind?: TokenKind): boolean {
    const name = this.tokens.end(id, account, kind);
    if (name !== undefined) this.changes.emit({ name, what: "token" });
    return name !== undefined;
  }

  /** Another process has changed the account: what is known of it here is forgotten, and whoever listens hears of it. */
  changedElsewhere(name: string): void {
    this.#logins.forget(name);
    this.guesses.forget(name);
    this.changes.emit({ name, what: "account" });
  }

  /** An account has changed here: whoever listens hears of it, and other processes as well. */
  changed(name: string): void {
    this.#logins.forget(name);
    this.#options.onChange?.();
    this.changes.emit({ name, what: "account" });
  }
}

/** One who can come in whatever becomes of an identity provider. */
function isAdmin({ role, groups, identity }: Account): boolean {
  return role === "admin" && groups === undefined && identity === undefined;
}

function lastAdmin(name: string): string {
  return `"${name}" is the last administrator: make another one first, with: npx muster operator NAME --role admin`;
}

function roundsFor(role: Role, secret: string): number {
  return looksGenerated(secret) || isGenerated(role, secret) ? rounds.generated : rounds.person;
}

/** Programs are given generated secrets; should somebody have typed one, it is treated like a person's. */
function isGenerated(role: Role, secret: string): boolean {
  return !isPersonRole(role) && secret.length >= generatedLength;
}

/** Whether a person's account can be called so. */
export function isPersonName(name: string): boolean {
  return operatorPattern.test(name) && !reserved.has(name);
}

/** Devices and operators share one name space, because they share one broker. */
function checkName(name: string, role: Role): void {
  if (role === "device") {
    parseDeviceId(name);
  } else if (role === "console" ? asDeviceId(name) !== undefined : !isPersonName(name)) {
    throw new BadInputError(
      `${quoted(name)} is not a valid ${role}'s name: expected letters, digits, ".", "_", "@" and "-", beginning with a letter`,
    );
  }
}
