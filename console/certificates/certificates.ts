import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import { Signal } from "#shared/signal";
import type { Principal } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import { principalOf } from "../accounts/account.ts";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";

export interface CertificatesOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly audit: Pick<Audit, "record">;
}

/** What a certificate shows of itself. */
interface Shown {
  readonly name: string;
  readonly serial: string;
}

/**
 * Devices' certificates by their serial numbers. That they are of the right authority TLS has seen; here it is decided whether they let
 * anybody in. Triggers in the database end those of an account that goes or gets another secret.
 */
export class Certificates {
  /** Some were issued, or replaced by others. What is revoked changes the account. */
  readonly changes = new Signal<void>();
  readonly #options: CertificatesOptions;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** Whom it lets in; or a sentence of why nobody. */
  letIn({ name, serial }: Shown): Principal | string {
    const { accounts, clock } = this.#options;
    const certificate = this.find(serial);
    if (!certificate || certificate.device !== name) return `the certificate of ${quoted(name)} is not known here`;
    const { state, expires, device } = certificate;
    if (state === "replaced") return `this certificate of ${device} was replaced by a newer one`;
    if (state === "revoked") return `this certificate of ${device} was revoked`;
    if (expires <= clock.now())
      return `the certificate of ${device} was over at ${new Date(expires).toISOString()}: enrol it again (muster enroll ${device} --again --certificate)`;
    const account = accounts.find(device);
    if (account?.role !== "device" || !account.certified) return `${device} is no device with a certificate`;
    return principalOf(account);
  }

  find(serial: string): Certificate | undefined {
    return this.#one("serial = ?", serial);
  }

  /** The newest of a key that still lets its device in. */
  ofKey(device: DeviceId, key: string): Certificate | undefined {
    return this.#one(
      "device = ? AND key = ? AND state IN ('waiting', 'used') ORDER BY issued DESC LIMIT 1",
      device,
      key,
    );
  }

  /** What a device identifies itself with at present; undefined where that is a secret, or nothing. */
  present(device: DeviceId): Certificate | undefined {
    return this.#one(
      "device = ? AND state IN ('waiting', 'used') ORDER BY state = 'used' DESC, issued DESC LIMIT 1",
      device,
    );
  }

  /** Whether this one, as a device names it, lets it in at present. */
  isGood(device: string, serial: string): boolean {
    return typeof this.letIn({ name: device, serial }) !== "string";
  }

  /** Whether there is anything by which a device could come in: a secret, or a certificate that is good. */
  comesIn(device: DeviceId): boolean {
    const { accounts, clock } = this.#options;
    const account = accounts.find(device);
    if (account?.role !== "device") return false;
    return !account.certified || (this.present(device)?.expires ?? 0) > clock.now();
  }

  /** How many were issued to a device since this moment (epoch ms). */
  issuedSince(device: DeviceId, since: number): number {
    const row = this.#options.database
      .prepare("SELECT count(*) AS count FROM certificates WHERE device = ? AND issued > ?")
      .get(device, since);
    return (row as { count: number }).count;
  }

  /** Notes one that was just issued. Of those that were not used yet it is the only one from now on. */
  add(certificate: Certificate): void {
    const { database, clock } = this.#options;
    const { serial, device, key, pem, issued, expires, state, authority } = certificate;
    transaction(database, () => {
      database.prepare("DELETE FROM certificates WHERE expires <= ?").run(Math.round(clock.now()));
      database.prepare("UPDATE certificates SET state = 'replaced' WHERE device = ? AND state = 'waiting'").run(device);
      database
        .prepare(
          "INSERT INTO certificates (serial, device, key, pem, issued, expires, state, authority) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .run(serial, device, key, pem, issued, expires, state, authority);
    });
    this.changes.emit();
  }

  /** A device says which one it is connected with: those of before end. @returns whether that is news */
  confirm(device: string, serial: string): boolean {
    const { database } = this.#options;
    const known = this.find(serial);
    if (known?.device !== device || known.state !== "waiting") return false;
    transaction(database, () => {
      database.prepare("UPDATE certificates SET state = 'replaced' WHERE device = ? AND state = 'used'").run(device);
      database.prepare("UPDATE certificates SET state = 'used' WHERE serial = ?").run(serial);
    });
    this.changes.emit();
    return true;
  }

  /**
   * Ends all of a device's, and what it has open with one.
   * @returns how many; 0 where it has none, and nothing has changed
   */
  revoke(device: DeviceId, { by, from }: { readonly by: string; readonly from: string }): number {
    const { database, audit, accounts } = this.#options;
    const ended = transaction(database, () => {
      const { changes } = database
        .prepare("UPDATE certificates SET state = 'revoked' WHERE device = ? AND state IN ('waiting', 'used')")
        .run(device);
      if (changes > 0)
        audit.record({ who: by, from, what: "certificate.revoked", on: device, detail: { certificates: changes } });
      return changes;
    });
    if (ended > 0) accounts.changed(device);
    return ended;
  }

  /** Devices that could not come in any more if no authority but this one were trusted. */
  lacking(authority: string): readonly string[] {
    return this.#column(
      `SELECT DISTINCT device AS one FROM certificates AS old WHERE expires > ?1 AND state IN ('waiting', 'used') AND authority IS NOT ?2
       AND NOT EXISTS (SELECT 1 FROM certificates AS good WHERE good.device = old.device AND good.expires > ?1 AND good.state = 'used' AND good.authority IS ?2)
       ORDER BY device`,
      authority,
    );
  }

  /** How many devices have a certificate. */
  holders(): number {
    const { database, clock } = this.#options;
    const row = database
      .prepare(
        "SELECT count(DISTINCT device) AS count FROM certificates WHERE expires > ? AND state IN ('waiting', 'used')",
      )
      .get(Math.round(clock.now()));
    return (row as { count: number }).count;
  }

  /** Ends all that other authorities than this one have signed, and what is open with one. */
  endOthers(authority: string): void {
    const { database, clock, accounts } = this.#options;
    const rows = database
      .prepare(
        "UPDATE certificates SET state = 'revoked' WHERE expires > ? AND state IN ('waiting', 'used') AND authority IS NOT ? RETURNING device",
      )
      .all(Math.round(clock.now()), authority) as { device: DeviceId }[];
    for (const device of new Set(rows.map((row) => row.device))) accounts.changed(device);
  }

  /** Serial numbers of those that let nobody in any more, though they are not over: for a broker that cannot ask. */
  endedSerials(): readonly string[] {
    return this.#column(
      "SELECT serial AS one FROM certificates WHERE expires > ? AND state IN ('replaced', 'revoked')",
    );
  }

  /** Of whom there are such, and so may have something open with one. */
  withEnded(): ReadonlySet<string> {
    return new Set(
      this.#column(
        "SELECT DISTINCT device AS one FROM certificates WHERE expires > ? AND state IN ('replaced', 'revoked')",
      ),
    );
  }

  /** Who has had a certificate, and now has neither one nor a secret. */
  shutOut(): readonly string[] {
    return this.#column(
      `SELECT DISTINCT device AS one FROM certificates AS ended WHERE expires > ?1
       AND NOT EXISTS (SELECT 1 FROM certificates AS good WHERE good.device = ended.device AND good.expires > ?1 AND good.state IN ('waiting', 'used'))
       AND NOT EXISTS (SELECT 1 FROM accounts WHERE name = ended.device AND certified = 0)`,
    );
  }

  /** @param select takes this moment first */
  #column(select: string, ...values: string[]): string[] {
    const { database, clock } = this.#options;
    const rows = database.prepare(select).all(Math.round(clock.now()), ...values) as { one: string }[];
    return rows.map(({ one }) => one);
  }

  #one(where: string, ...values: string[]): Certificate | undefined {
    const { database } = this.#options;
    const select = database.prepare(`SELECT * FROM certificates WHERE ${where}`);
    return damageOf(database).one("certificates", select, parseCertificate, ...values);
  }
}
