import type { DeviceSettingsDocument, DriftDocument, SaidDocument, ScopeDocument } from "#api/configuration-routes";
import { configurableKeys } from "#shared/configuration";
import { forTerminal } from "#shared/printable";
import { shortened, table } from "./text-table.ts";

/** Characters of a value that are shown: a certificate authority is longer. */
const maxShownValue = 80;

/** Who has which settings. */
export function settingsTable(scopes: readonly ScopeDocument[]): string {
  const rows = scopes.flatMap(({ scope, version, settings, by }) =>
    Object.entries(settings).map(([key, value]) => [scope, key, shown(value), String(version), by]),
  );
  if (rows.length === 0) return "nothing is set from here: muster config DEVICE set interval=5s";
  return table(["FOR", "SETTING", "VALUE", "VERSION", "BY"], rows);
}

/** Devices that do not have what is wanted of them. */
export function driftTable(drift: readonly DriftDocument[], more: number): string {
  const rows = drift.map(({ device, state, why }) => [device, state, why]);
  return `${table(["DEVICE", "STATE", ""], rows)}${more > 0 ? `\nand ${more} more` : ""}`;
}

/** One device: what is wanted, whose word that is, and what it has. */
export function deviceSettingsText({ device, state, why, desired, reported }: DeviceSettingsDocument): string {
  const rows = Object.entries(desired.settings).map(([key, value]) => [key, shown(value), desired.from[key] ?? ""]);
  const wanted = rows.length === 0 ? nothingSet(device) : table(["SETTING", "VALUE", "FROM"], rows);
  const has = reported
    ? `has version ${reported.version} (${reported.hash})`
    : "has said nothing of settings from here";
  return `${wanted}\n\n${device} ${has}; wanted is version ${desired.version} (${desired.hash})\n${state}: ${forTerminal(why, 1_000)}`;
}

/** Of whom nothing is wanted: what holds then, and how to want something. */
function nothingSet(device: string): string {
  return `nothing is set for ${device} from here: what its machine says holds (muster send ${device} info tells it). Set something with
  muster config ${device} set interval=5s
The keys are ${configurableKeys.join(", ")}.`;
}

/** What was said before. */
export function historyTable(history: readonly SaidDocument[]): string {
  if (history.length === 0) return "nothing was ever set there";
  const rows = history.map(({ version, ts, by, settings }) => [
    String(version),
    new Date(ts).toISOString(),
    by,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${shown(value)}`)
      .join(" ") || "(none)",
  ]);
  return table(["VERSION", "WHEN", "BY", "SETTINGS"], rows);
}

function shown(value: string): string {
  return shortened(value.replaceAll("\n", " "), maxShownValue);
}
