import type { Database } from "../database/database.ts";

/** How a person's account stands, beside what it may. */
export interface Standing {
  /** When somebody was there last under this name: with a session, a token or the password. Epoch ms; null where that is not known. */
  readonly lastSeen: number | null;
  /** Whether a code of an authenticator is asked for. */
  readonly secondFactor: boolean;
  /** Whether it has a secret for MQTT alone. */
  readonly mqttSecret: boolean;
}

/** By the name of each person's account. */
export function standings(database: Database): ReadonlyMap<string, Standing> {
  const rows = database
    .prepare(
      `SELECT person.name,
       (SELECT MAX(at) FROM (SELECT used AS at FROM tokens WHERE account = person.name AND (kind = 'session' OR used_from <> '')
        UNION ALL SELECT last FROM login_places WHERE account = person.name)) AS seen,
       EXISTS (SELECT 1 FROM second_factors WHERE account = person.name AND confirmed = 1) AS factor,
       EXISTS (SELECT 1 FROM mqtt_secrets WHERE account = person.name) AS mqtt
       FROM accounts AS person WHERE role NOT IN ('device', 'console')`,
    )
    .all() as { name: string; seen: number | null; factor: number; mqtt: number }[];
  return new Map(
    rows.map(({ name, seen, factor, mqtt }) => [
      name,
      { lastSeen: seen, secondFactor: factor === 1, mqttSecret: mqtt === 1 },
    ]),
  );
}
