import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configurableKeys, configurationFaults, nameOfKey } from "#shared/configuration";
import { asError, BadInputError } from "#shared/errors";
import { helpOf } from "#shared/settings";
import { parseSettingsText } from "#shared/settings-file";

type Settings = Readonly<Record<string, string>>;

/**
 * Has a person write settings in an editor of theirs.
 * @returns undefined where they have left an empty file, which says that nothing is to be changed
 * @throws BadInputError for what does not read, and where the editor ends with an error
 */
export function editSettings(scope: string, before: Settings): Settings | undefined {
  const editor = process.env["VISUAL"] || process.env["EDITOR"] || "vi";
  const directory = mkdtempSync(join(tmpdir(), "muster-config-"));
  const path = join(directory, "settings.toml");
  try {
    writeFileSync(path, settingsText(scope, before), { mode: 0o600 });
    // By a shell, as git does: an editor may have words, such as `code --wait`.
    const { status, error } = spawnSync("/bin/sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit" });
    if (error || status !== 0)
      throw new BadInputError(`the editor (${editor}) ended with ${error?.message ?? status}: nothing was changed`);
    const text = readFileSync(path, "utf8");
    return text.trim() === "" ? undefined : settingsIn(text);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Those that are set, and all others as a comment each. */
export function settingsText(scope: string, settings: Settings): string {
  const lines = configurableKeys.flatMap((key) => {
    const name = nameOfKey(key);
    const value = settings[key];
    // What JSON writes as a text, TOML reads as the same one.
    return [
      `# ${name ? helpOf(name) : ""}`,
      value === undefined ? `#${key} = ""` : `${key} = ${JSON.stringify(value)}`,
      "",
    ];
  });
  return [`# Settings of ${scope}. What is left out is as another says, or the machine itself.`, "", ...lines].join(
    "\n",
  );
}

/** @throws BadInputError */
export function settingsIn(text: string): Settings {
  let table: Record<string, unknown>;
  try {
    table = parseSettingsText(text);
  } catch (thrown) {
    throw new BadInputError(`what was written does not read: ${asError(thrown).message}`);
  }
  const settings = Object.fromEntries(Object.entries(table).map(([key, value]) => [key, String(value)]));
  const faults = configurationFaults(settings);
  if (faults.length > 0) throw new BadInputError(faults.join("; "));
  return settings;
}
