import { quoted } from "#shared/printable";
import { mayReach, type GroupsOf } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import type { Database } from "../database/database.ts";
import type { Limit } from "./code-maker.ts";
import { JoinRefusedError } from "./join-refused.ts";

export interface NamesInReachOptions {
  readonly database: Database;
  readonly accounts: Pick<Accounts, "find">;
  readonly groupsOf: GroupsOf;
}

/** Everything that stays of a device that was removed, and is told to whoever reaches the name. */
const past = `SELECT 1 FROM devices WHERE id = ?1
  UNION ALL SELECT 1 FROM removed_devices WHERE device = ?1
  UNION ALL SELECT 1 FROM retired_devices WHERE device = ?1
  UNION ALL SELECT 1 FROM commands WHERE device = ?1
  UNION ALL SELECT 1 FROM outboxes WHERE device = ?1
  UNION ALL SELECT 1 FROM certificates WHERE device = ?1
  UNION ALL SELECT 1 FROM joins WHERE device = ?1
  UNION ALL SELECT 1 FROM job_devices WHERE device = ?1
  UNION ALL SELECT 1 FROM audit WHERE object = ?1 AND result = 'ok' AND what IN ('device.enrolled', 'device.removed') LIMIT 1`;

/** Which names those may give who are limited to groups: what they do not reach must neither become theirs by its name, nor be told. */
export class NamesInReach {
  readonly #options: NamesInReachOptions;

  constructor(options: NamesInReachOptions) {
    this.#options = options;
  }

  /** @throws JoinRefusedError, in one sentence for all, where the name is or was another's that is out of reach */
  check(name: string, limit: Limit): void {
    if (limit === undefined || mayReach({ groups: limit }, name, this.#options.groupsOf)) return;
    const { accounts, database } = this.#options;
    const account = accounts.find(name);
    const because = account
      ? `${name} is a ${account.role}'s`
      : database.prepare(past).get(name) && `${name} has a past`;
    if (because)
      throw new JoinRefusedError(
        "taken",
        `the name ${quoted(name)} cannot be given by whoever is limited to groups of devices: choose another one`,
        `${because}, out of reach of who made the code`,
      );
  }
}
