import type { PresenceDocument } from "#api/device-routes";
import type { Liveness } from "#shared/liveness";

/** Which devices the fleet's list shows. */
export type Shown = "all" | "retired" | Liveness;

/** Whether the list shows a device: one that is retired stands among the retired alone. */
export function isShown(shown: Shown, { retired }: PresenceDocument, state: Liveness): boolean {
  return retired ? shown === "retired" : shown === "all" || shown === state;
}

/** Whether a device passes the filter: every word stands in its id or in one of its facts. */
export function matchesSearch(device: PresenceDocument, words: string): boolean {
  const facts = Object.values(device.facts ?? {}).map((fact) =>
    typeof fact === "string" ? fact : JSON.stringify(fact),
  );
  const text = [device.id, device.name ?? "", ...(device.tags ?? []), ...(device.groups ?? []), ...facts]
    .join("\n")
    .toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
