import type { PresenceDocument } from "#api/device-routes";

/** Which devices the fleet's list shows. */
export type Shown = "all" | "online" | "offline";

/** Whether a device passes the filter: every word stands in its id or in one of its facts. */
export function matchesSearch(device: PresenceDocument, words: string, shown: Shown): boolean {
  if (shown !== "all" && device.online !== (shown === "online")) return false;
  const facts = Object.values(device.facts ?? {}).map((fact) =>
    typeof fact === "string" ? fact : JSON.stringify(fact),
  );
  const text = [device.id, ...facts].join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
