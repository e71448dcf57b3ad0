import * as z from "zod/mini";
import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { shortId } from "#shared/ids";
import { generateSecret } from "#shared/password";
import { roles, type Principal, type Role } from "#shared/principal";
import { forTerminal } from "#shared/printable";
import { KnownMoment } from "../clock/known-moment.ts";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import type { Row } from "../database/row.ts";
import { parserOf } from "../database/row-fields.ts";
import { persistOf } from "../database/persist.ts";
import { both, limitedTo, onlyGroups, toColumn } from "./group-limits.ts";
import type { TokenScope } from "./token-scope.ts";

/** A session is a browser's cookie, a token a program's bearer token: neither passes for the other. */
export type TokenKind = "session" | "token";

/** Milliseconds after which a session that nobody uses ends. */
export const sessionIdle = 7 * 86_400_000;
/** Milliseconds that a session lasts, used or not. */
export const sessionLength = 30 * 86_400_000;
/** Milliseconds that a session lasts of somebody who comes from an identity provider, used or not: who is gone there is gone here the same day. */
export const providedSessionLength = 12 * 3_600_000;
/** Tokens of one account at once: another one is refused, because a program does not log in again. */
export const maxTokens = 50;
/** Milliseconds that a token is good for at most: whoever has forgotten it is rid of it some day. */
export const maxTokenAge = 2 * 366 * 86_400_000;
/** Sessions of one account at once; the one that was used longest ago ends for a new one. */
export const sessionsOfAccount = 20;
/** Characters kept of what a browser calls itself: enough to tell one's own apart. */
export const agentLength = 120;
/** Milliseconds between two notes of when a session was used: a page asks many times a second. */
const usedEvery = 60_000;

/** A session or token as it is listed; its id is no secret and opens nothing. */
export interface Token {
  readonly id: string;
  readonly account: string;
  readonly kind: TokenKind;
  readonly created: number;
  readonly used: number;
  readonly expires: number;
  /** Where it was made: the address, and what the program there calls itself. */
  readonly address: string;
  readonly agent: string;
  /** Of a token: what it is for, what it may at most, and from where it was used last; empty where it never was. */
  readonly name: string;
  readonly role: Role | null;
  readonly groups?: readonly string[] | undefined;
  readonly usedFrom: string;
}

const personRole = z.nullable(z.enum(["viewer", "operator", "admin"]));
const parseRow = parserOf(
  z.object({
    id: z.string(),
    account: z.string(),
    kind: z.enum(["session", "token"]),
    created: z.number(),
    used: z.number(),
    expires: z.number(),
    address: z.string(),
    agent: z.string(),
    name: z.string(),
    role: personRole,
    only_groups: onlyGroups,
    used_from: z.string(),
  }),
);

export function parseToken(row: Row): Token {
  const { only_groups, used_from: usedFrom, ...token } = parseRow(row);
  return { ...token, usedFrom, ...limitedTo(only_groups) };
}

const parseHolder = parserOf(
  z.object({
    id: z.string(),
    name: z.string(),
    role: z.enum(["device", "console", "viewer", "operator", "admin"]),
    groups: onlyGroups,
    token_role: personRole,
    token_groups: onlyGroups,
    used: z.number(),
    used_from: z.string(),
    local: z.number(),
  }),
);

export interface Holder {
  readonly principal: Principal;
  readonly token: string;
  /** Whether it is the token of this machine's command line. */
  readonly local: boolean;
}

export interface NewToken {
  readonly account: string;
  readonly kind: TokenKind;
  /** Milliseconds that it is good for. */
  readonly ttl: number;
  readonly address?: string;
  readonly agent?: string;
  readonly name?: string;
  /** What it may at most; as much as its account where it is left out. */
  readonly scope?: TokenScope;
  /** Whether it is made for this machine's command line, and kept in the data directory. */
  readonly local?: boolean;
}

/** An account has all the tokens that it may have. */
export class TooManyTokensError extends BadInputError {
  constructor(account: string) {
    super(`"${account}" has ${maxTokens} tokens: revoke one that nobody needs any more`);
  }
}

/** Sessions of browsers and tokens of programs. Of each only a hash is kept: 160 random bits need no slow one. */
export class Tokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #known: KnownMoment;
  readonly #holder;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#known = new KnownMoment(database);
    this.#holder = database.prepare(
      `SELECT id, accounts.name, accounts.role, accounts.only_groups AS groups,
       tokens.role AS token_role, tokens.only_groups AS token_groups, used, used_from, local
       FROM tokens JOIN accounts ON accounts.name = account WHERE tokens.hash = ? AND kind = ? AND ${good}`,
    );
  }

  /**
   * Those that have ended stay until there are too many of one account: a clock that is wrong for a moment must end nobody's for good.
   * @returns its id, and the secret itself, this once
   * @throws TooManyTokensError where the account has all the tokens that it may have
   */
  issue({ account, kind, ttl, address = "", agent = "", name = "", scope, local = false }: NewToken): {
    readonly id: string;
    readonly secret: string;
  } {
    const most = kind === "token" ? maxTokens : sessionsOfAccount;
    if (kind === "token" && this.list(account).filter((one) => one.kind === kind).length >= most)
      throw new TooManyTokensError(account);
    const [id, secret] = [shortId(), generateSecret()];
    const [now] = this.#now();
    this.#database
      .prepare(
        `INSERT INTO tokens (id, hash, account, kind, created, used, expires, address, agent, name, role, only_groups, local)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        digestOf(secret),
        account,
        kind,
        now,
        now,
        now + ttl,
        address,
        forTerminal(agent, agentLength),
        forTerminal(name, agentLength),
        scope?.role ?? null,
        toColumn(scope?.groups),
        local ? 1 : 0,
      );
    this.#database
      .prepare(
        `DELETE FROM tokens WHERE id IN
         (SELECT id FROM tokens WHERE account = ? AND kind = ? ORDER BY ${good} DESC, used DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      )
      .run(account, kind, ...this.#now(), most);
    return { id, secret };
  }

  /** Who holds `secret`, while it is good; its use is noted. @param from the address that it is used from */
  holder(secret: string, kind: TokenKind, from = ""): Holder | undefined {
    const [now, idle] = this.#now();
    const found = damageOf(this.#database).one("tokens", this.#holder, parseHolder, digestOf(secret), kind, now, idle);
    if (!found) return undefined;
    if (Math.abs(now - found.used) >= usedEvery || (from !== "" && found.used_from === "")) {
      const use = this.#database.prepare("UPDATE tokens SET used = ?, used_from = ? WHERE id = ?");
      // On a full disk people are let in all the same.
      persistOf(this.#database).write(`use of token ${found.id}`, () => use.run(now, from, found.id));
    }
    const groups = both(found.groups ?? undefined, found.token_groups ?? undefined);
    return {
      principal: { name: found.name, role: lower(found.role, found.token_role), ...limitedTo(groups) },
      token: found.id,
      local: found.local === 1,
    };
  }

  /** Whether the token with this id is still good. */
  live(id: string): boolean {
    return (
      this.#database.prepare(`SELECT 1 FROM tokens WHERE id = ? AND ${good}`).get(id, ...this.#now()) !== undefined
    );
  }

  /** @param account of one, or of all; what was used last comes first */
  list(account?: string): readonly Token[] {
    const select = this.#database.prepare(
      `SELECT id, account, kind, created, used, expires, address, agent, name, role, only_groups, used_from FROM tokens
       WHERE (?1 IS NULL OR account = ?1) AND ${good} ORDER BY used DESC, rowid DESC`,
    );
    return damageOf(this.#database).all("tokens", select, parseToken, account ?? null, ...this.#now());
  }

  /** @param account only where it is this one's @param kind only where it is one @returns whose it was */
  end(id: string, account?: string, kind?: TokenKind): string | undefined {
    const ended = this.#database
      .prepare(
        "DELETE FROM tokens WHERE id = ?1 AND (?2 IS NULL OR account = ?2) AND (?3 IS NULL OR kind = ?3) RETURNING account",
      )
      .get(id, account ?? null, kind ?? null) as { account: string } | undefined;
    return ended?.account;
  }

  /** @returns whose it was */
  endSecret(secret: string): string | undefined {
    const ended = this.#database
      .prepare("DELETE FROM tokens WHERE hash = ? RETURNING account")
      .get(digestOf(secret)) as { account: string } | undefined;
    return ended?.account;
  }

  /** Ends a person's sessions. @param but the one that stays */
  endSessions(account: string, but?: string): void {
    this.#database
      .prepare("DELETE FROM tokens WHERE account = ? AND kind = 'session' AND id <> ?")
      .run(account, but ?? "");
  }

  endAll(account: string): void {
    this.#database.prepare("DELETE FROM tokens WHERE account = ?").run(account);
  }

  /** The values of {@link good}. Before what the console has known already nothing that has ended comes back. */
  #now(): [number, number] {
    const now = Math.max(this.#clock.now(), this.#known.read()?.moment ?? 0);
    return [now, now - sessionIdle];
  }
}

/** What a token may is never more than what its account may by now. */
function lower(account: Role, token: Role | null): Role {
  return token !== null && roles.indexOf(token) < roles.indexOf(account) ? token : account;
}

/** A token of a program may rest for months; a browser's session may not. */
const good = "(expires > ? AND (kind = 'token' OR used > ?))";

function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}
