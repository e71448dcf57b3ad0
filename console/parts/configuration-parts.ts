import { Configurations } from "../configuration/configurations.ts";
import { Configurator } from "../configuration/configurator.ts";
import { Configured } from "../configuration/configured.ts";
import type { Desk } from "../desk/desk.ts";
import { UnitWords } from "../units/unit-words.ts";
import type { DeviceParts } from "./device-parts.ts";
import { failedListener, type Surroundings } from "./surroundings.ts";

export type ConfigurationParts = ReturnType<typeof configurationParts>;

/** The settings that people want devices to have, and what brings devices to them; and what they call fields. */
export function configurationParts(
  given: Surroundings,
  { desk, devices: { registry } }: { readonly desk: Desk; readonly devices: DeviceParts },
) {
  const { clock, log } = given;
  const { database, groups } = given.state;
  const configurations = new Configurations(database, (device) => groups.of(device), failedListener(given));
  const configured = new Configured(database);
  const unitWords = new UnitWords(database, (device) => groups.of(device));
  const configurator = new Configurator({ configurations, configured, desk, registry, groups, clock, log });
  return { configurations, configured, configurator, unitWords };
}
