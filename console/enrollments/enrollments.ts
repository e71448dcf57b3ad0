import { createHash } from "node:crypto";
import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { formatDuration } from "#shared/duration";
import { shortId } from "#shared/ids";
import { generateSecret } from "#shared/password";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import type { Groups } from "../devices/groups.ts";
import { toColumn } from "../accounts/group-limits.ts";
import type { Limit } from "./code-maker.ts";
import { parseEnrollment, parseJoin, type Enrollment, type Join, type KeptEnrollment } from "./enrollment.ts";
import { isRetired } from "../devices/retirements.ts";
import { checkName, isTemplate } from "./device-names.ts";
import { JoinRefusedError } from "./join-refused.ts";
import { NamesInReach } from "./names-in-reach.ts";

/** Codes that are kept at once, the ended ones among them: the oldest of these go first. */
export const maxEnrollments = 1_000;
/** Machines that one code lets in at most: what is more is a fleet's image, and asks for several codes. */
export const maxUses = 1_000;
/** Milliseconds that a code is good for at most: a month. What is carried around longer is found by somebody else. */
export const maxEnrollmentTtl = 31 * 86_400_000;
/** Milliseconds that it is good for where nobody says otherwise. */
export const defaultEnrollmentTtl = 3_600_000;

export interface EnrollmentsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly groups: Groups;
  readonly clock: Clock;
  /** In one transaction with what it tells of. */
  readonly audit: Pick<Audit, "record">;
}

export interface EnrollmentOrder {
  /** A device's id, or a template of it: `{hostname}`, `{serial}`, `{mac}`. */
  readonly name: string;
  readonly groups?: readonly string[] | undefined;
  /** Milliseconds that the code is good for. */
  readonly ttl?: number | undefined;
  /** Machines that it lets in. */
  readonly uses?: number | undefined;
  /** For a device that is enrolled already and has lost its secret: that of before ends when it joins. */
  readonly again?: boolean | undefined;
  /** Whether who comes in by it identifies itself by a certificate, in place of a secret. */
  readonly certificate?: boolean | undefined;
  readonly by: string;
  /** The groups to which whoever makes it is limited at present. */
  readonly limit?: Limit;
  /** Where it is asked for. */
  readonly from: string;
}

interface Wanted {
  readonly name: string;
  readonly ttl: number;
  readonly uses: number;
  readonly again: boolean;
  readonly limit: Limit;
}

/**
 * Codes by which machines come in by themselves. Of a code's secret only the hash is kept; of a machine's, nothing else ever comes here.
 *
 * open ── claim, `uses` times ──► used up;  open ── time ──► expired;  open ── a person ──► revoked
 */
export class Enrollments {
  readonly #options: EnrollmentsOptions;
  readonly #names: NamesInReach;

  constructor(options: EnrollmentsOptions) {
    this.#options = options;
    const { database, accounts } = options;
    this.#names = new NamesInReach({ database, accounts, groupsOf: this.#groupsOf });
  }

  readonly #groupsOf = (device: string): readonly string[] => this.#options.groups.of(device);

  /**
   * @returns the code's id and secret, this once
   * @throws BadInputError for what cannot be; JoinRefusedError where the name is taken, or there are too many codes
   */
  create(order: EnrollmentOrder): { readonly enrollment: Enrollment; readonly secret: string } {
    const { database, clock } = this.#options;
    const {
      name,
      groups = [],
      ttl = defaultEnrollmentTtl,
      uses = 1,
      again = false,
      certificate = false,
      by,
      from,
      limit,
    } = order;
    checkName(name);
    this.#assertSensible({ name, ttl, uses, again, limit });
    this.#options.groups.check(groups);
    const id = shortId();
    const secret = generateSecret();
    const now = Math.round(clock.now());
    transaction(database, () => {
      this.#assertRoom(now);
      database
        .prepare(
          `INSERT INTO enrollments (id, hash, name, groups, uses, used, again, certificate, by, created, expires, revoked, only_groups)
           VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 0, ?)`,
        )
        .run(
          id,
          digestOf(secret),
          name,
          groups.join(" "),
          uses,
          again ? 1 : 0,
          certificate ? 1 : 0,
          by,
          now,
          now + ttl,
          toColumn(limit),
        );
      const detail = { code: id, groups: groups.join(" "), uses, again, certificate, expires: now + ttl };
      this.#options.audit.record({ who: by, from, what: "enrollment.made", on: name, result: "ok", detail });
    });
    const revoked = false;
    return {
      enrollment: {
        id,
        name,
        groups,
        uses,
        used: 0,
        again,
        certificate,
        by,
        created: now,
        expires: now + ttl,
        revoked,
        limit,
      },
      secret,
    };
  }

  #assertSensible({ name, ttl, uses, again, limit }: Wanted): void {
    if (!(ttl > 0 && ttl <= maxEnrollmentTtl))
      throw new BadInputError(
        `the code would be good for ${ttl} ms: expected ${formatDuration(maxEnrollmentTtl)} at most`,
      );
    if (!Number.isInteger(uses) || uses < 1 || uses > maxUses)
      throw new BadInputError(`the code would let ${counted(uses, "machine")} in: expected 1 to ${maxUses}`);
    if (!isTemplate(name)) this.#names.check(name, limit);
    const role = isTemplate(name) ? undefined : this.#options.accounts.find(name)?.role;
    if (again && (isTemplate(name) || uses !== 1))
      throw new BadInputError("again is for one device by its name: expected no template, and one use");
    const retired = !isTemplate(name) && isRetired(this.#options.database, name);
    if (retired && !again)
      throw new JoinRefusedError(
        "taken",
        `${name} is retired: bring it back (muster device return ${name}), or have a new machine take its place (muster device replace ${name})`,
      );
    if (again && role !== "device" && !retired)
      throw new JoinRefusedError("taken", `${name} is not enrolled: without again, it is enrolled as a new device`);
    if (role === "device" && !again && uses === 1)
      throw new JoinRefusedError(
        "taken",
        `${name} is enrolled already: if it was wiped, enrol it again, which ends its old secret when it joins (muster enroll ${name} --again)`,
      );
    if (role !== undefined && role !== "device")
      throw new JoinRefusedError("taken", `"${name}" is taken by a ${role}: choose another name`);
  }

  /** @throws JoinRefusedError */
  #assertRoom(now: number): void {
    const { database } = this.#options;
    database
      .prepare(
        `DELETE FROM enrollments WHERE id IN (SELECT id FROM enrollments
         ORDER BY (revoked = 0 AND used < uses AND expires > ?) DESC, created DESC LIMIT -1 OFFSET ${maxEnrollments - 1})
         AND NOT (revoked = 0 AND used < uses AND expires > ?)`,
      )
      .run(now, now);
    const { count } = database.prepare("SELECT count(*) AS count FROM enrollments").get() as { count: number };
    if (count >= maxEnrollments)
      throw new JoinRefusedError(
        "full",
        `there are ${counted(count, "code")} that are still good: revoke some, or wait until they expire`,
      );
  }

  /** The newest first. */
  list(): readonly Enrollment[] {
    const { database } = this.#options;
    const select = database.prepare("SELECT * FROM enrollments ORDER BY created DESC, rowid DESC");
    return damageOf(database).all("enrollments", select, parseEnrollment);
  }

  find(id: string): Enrollment | undefined {
    return this.kept(id);
  }

  /** With what its secret is compared with. */
  kept(id: string): KeptEnrollment | undefined {
    const { database } = this.#options;
    return damageOf(database).one(
      "enrollments",
      database.prepare("SELECT * FROM enrollments WHERE id = ?"),
      parseEnrollment,
      id,
    );
  }

  /** Who has come in by it. */
  joins(id: string): readonly Join[] {
    const { database } = this.#options;
    const select = database.prepare("SELECT * FROM joins WHERE enrollment = ? ORDER BY ts, device");
    return damageOf(database).all("joins", select, parseJoin, id);
  }

  /** When a machine came in under the name of a device that was enrolled already, epoch ms; undefined where none did, or its code is forgotten. */
  enrolledAgain(device: string): number | undefined {
    const select = this.#options.database.prepare(
      // Of codes there are few, of those that joined many.
      "SELECT max(ts) AS ts FROM enrollments CROSS JOIN joins ON enrollment = id WHERE name = ? AND again = 1",
    );
    return (select.get(device) as { ts: number | null }).ts ?? undefined;
  }

  /** Lets nobody in by it any more. @returns whether there is such a code */
  revoke(id: string, { by, from }: Pick<EnrollmentOrder, "by" | "from">): boolean {
    const { database, audit } = this.#options;
    return transaction(database, () => {
      const { changes } = database.prepare("UPDATE enrollments SET revoked = 1 WHERE id = ?").run(id);
      if (changes > 0) audit.record({ who: by, from, what: "enrollment.revoked", on: id, result: "ok" });
      return changes > 0;
    });
  }

  /** What it is at present. */
  stateOf({ revoked, used, uses, expires }: Enrollment): "open" | "used" | "expired" | "revoked" {
    if (used >= uses) return "used";
    if (revoked) return "revoked";
    return expires > this.#options.clock.now() ? "open" : "expired";
  }
}

/** 160 random bits need no slow hash. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
