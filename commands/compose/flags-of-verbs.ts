import { flagOf, settingOf, type Settings } from "#shared/settings";

/** What a verb is to be told to find the same console from the same directory. */
export function flagsOfVerbs(values: Partial<Pick<Settings, "data" | "httpPort" | "url" | "ca">>): string[] {
  return (["data", "httpPort", "url", "ca"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined || value === settingOf(name).default ? [] : [flagOf(name), String(value)];
  });
}
