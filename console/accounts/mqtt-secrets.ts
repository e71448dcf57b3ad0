import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import type { LoginSource } from "#shared/login-throttle";
import { generatedLength, generateSecret, hashSecret, rounds, verifySecret } from "#shared/password";
import type { Principal } from "#shared/principal";
import { principalOf } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import type { Database } from "../database/database.ts";

export interface MqttSecretsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
}

/**
 * Secrets of people for MQTT alone, beside their passwords. Mosquitto hashes in its only thread, so that a password's
 * 100,000 rounds would hold everybody up at each login, right or wrong; a generated secret needs few. Nobody has one
 * unless it was asked for, and the page and the API do not take it.
 */
export class MqttSecrets {
  readonly #options: MqttSecretsOptions;

  constructor(options: MqttSecretsOptions) {
    this.#options = options;
  }

  /** Gives a person a new secret, in place of any before. @throws BadInputError where there is no such person */
  issue(name: string): string {
    const role = this.#options.accounts.find(name)?.role;
    if (role === undefined || role === "device" || role === "console")
      throw new BadInputError(
        `${quoted(name)} is ${role === undefined ? "nobody" : `a ${role}`}: a secret for MQTT is for viewers, operators and admins`,
      );
    const secret = generateSecret();
    this.#options.database
      .prepare(
        "INSERT INTO mqtt_secrets (account, hash) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET hash = excluded.hash",
      )
      .run(name, hashSecret(secret, rounds.generated));
    this.#options.accounts.changed(name);
    return secret;
  }

  /** @returns whether there was one */
  revoke(name: string): boolean {
    const revoked = this.#options.database.prepare("DELETE FROM mqtt_secrets WHERE account = ?").run(name).changes > 0;
    if (revoked) this.#options.accounts.changed(name);
    return revoked;
  }

  /** The hash of a person's secret, in the format of Mosquitto's password file. */
  hashOf(name: string): string | undefined {
    const row = this.#options.database.prepare("SELECT hash FROM mqtt_secrets WHERE account = ?").get(name);
    return (row as { hash: string } | undefined)?.hash;
  }

  /** Who comes to the embedded broker with this name and secret: a password does as well there. */
  async verify(name: string, secret: Buffer, source?: LoginSource): Promise<Principal | undefined> {
    const { accounts } = this.#options;
    const hash = secret.length === generatedLength ? this.hashOf(name) : undefined;
    const account = accounts.find(name);
    // It has a certificate instead.
    if (account?.certified) return undefined;
    if (hash !== undefined && account && (await verifySecret(secret, hash))) return principalOf(account);
    const principal = await accounts.verify(name, secret, source);
    // There is no place for a code in a CONNECT: who has a second factor comes with a secret for MQTT.
    return principal && accounts.factors.isOn(principal.name) ? undefined : principal;
  }
}
