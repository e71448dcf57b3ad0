import type { State } from "../../console/state/state.ts";
import { ago, table } from "../../cli/text-table.ts";

/** The accounts of people and programs as they stand in a data directory, as a table. */
export function operatorTable({ accounts }: Pick<State, "accounts">, now: number): string {
  const standings = accounts.standings();
  const rows = accounts.people().map(({ name, role, groups, identity }) => {
    const { lastSeen = null, mqttSecret = false, secondFactor = false } = standings.get(name) ?? {};
    return [
      name,
      role,
      groups?.join(", ") ?? "all devices",
      identity === undefined ? "password" : "identity provider",
      secondFactor ? "yes" : "\u2013",
      mqttSecret ? "yes" : "\u2013",
      lastSeen === null ? "\u2013" : ago(lastSeen, now),
    ];
  });
  return table(["NAME", "ROLE", "GROUPS", "LOGIN", "SECOND FACTOR", "MQTT SECRET", "SEEN"], rows);
}
