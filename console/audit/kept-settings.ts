import { hashSecret, rounds, verifySecret } from "#shared/password";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import type { Audit } from "./audit.ts";
import type { AuditDetail } from "./entry.ts";

/** A setting as it was given to this start. */
export interface GivenSetting {
  /** The name of its variable. */
  readonly name: string;
  readonly text: string;
  /** Whether it is or holds a secret, of which nothing is written down. */
  readonly secret: boolean;
}

interface Kept {
  readonly name: string;
  /** The text; of a secret its hash, as of a password: it may be one that somebody has made up. */
  readonly value: string;
  readonly secret: number;
}

/** What a console was given to start with, so that the audit log can say what is another than at the last start. */
export class KeptSettings {
  readonly #database: Database;
  readonly #audit: Pick<Audit, "along">;

  constructor(database: Database, audit: Pick<Audit, "along">) {
    this.#database = database;
    this.#audit = audit;
  }

  /** Writes an entry for each that was added, changed or left out. @param given by what flags, variables and file say; defaults are not among them */
  async note(given: readonly GivenSetting[]): Promise<void> {
    const select = this.#database.prepare("SELECT name, value, secret FROM kept_settings ORDER BY name");
    const before = new Map((select.all() as unknown as Kept[]).map((kept) => [kept.name, kept]));
    for (const one of given) {
      const kept = before.get(one.name);
      before.delete(one.name);
      if (!(await isSame(one, kept))) this.#write(one.name, detailOf(kept, one), one);
    }
    for (const kept of before.values()) this.#write(kept.name, detailOf(kept, undefined), undefined);
  }

  #write(name: string, detail: AuditDetail, now: GivenSetting | undefined): void {
    const event = { who: "console", from: "console", what: "setting.changed", on: name, detail };
    const value = now && (now.secret ? hashSecret(now.text, rounds.person) : now.text);
    // On a full disk it starts all the same, and tells this once there is room.
    persistOf(this.#database).write(`setting ${name}`, () =>
      this.#audit.along(
        event,
        () => {
          if (value === undefined) return this.#database.prepare("DELETE FROM kept_settings WHERE name = ?").run(name);
          return this.#database
            .prepare("INSERT OR REPLACE INTO kept_settings (name, value, secret) VALUES (?, ?, ?)")
            .run(name, value, now?.secret ? 1 : 0);
        },
        true,
      ),
    );
  }
}

async function isSame({ text, secret }: GivenSetting, kept: Kept | undefined): Promise<boolean> {
  if (!kept || (kept.secret === 1) !== secret) return false;
  return secret ? verifySecret(text, kept.value) : kept.value === text;
}

/** What holds a secret, or has held one, is told by its name alone. */
function detailOf(kept: Kept | undefined, now: GivenSetting | undefined): AuditDetail {
  if (kept?.secret === 1 || now?.secret)
    return { secret: now === undefined ? "left out" : kept === undefined ? "given" : "changed" };
  return { from: kept?.value ?? null, to: now?.text ?? null };
}
