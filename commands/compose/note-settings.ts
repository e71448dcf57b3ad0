import { settingOf, settingsOf } from "#shared/settings";
import { holdsSecret, type GivenSettings } from "#shared/settings/load-settings";
import type { State } from "../../console/state/state.ts";

/** Tells the audit log which settings are others than at the last start of a console with this data directory. */
export async function noteSettings({ database, audit }: State, given: GivenSettings): Promise<void> {
  const { KeptSettings } = await import("../../console/audit/kept-settings.ts");
  const names = settingsOf("start").filter((name) => given.has(name));
  const told = names.map((name) => {
    const text = given.texts.get(name) ?? "";
    return { name: settingOf(name).env, text, secret: holdsSecret(name, text) };
  });
  await new KeptSettings(database, audit).note(told);
}
