import { defaultOf, flagOf, rangeOf, secretNames, settingNames, settingOf, settings } from "#shared/settings";
import type { Program } from "#shared/settings/kinds";

const everybody = [...new Set(settingNames.flatMap((name) => settingOf(name).programs))];

/** What the README says of the settings, as it should be: from the one place that they are in. */
export function settingsTable(): string {
  const rows = settingNames.map((name) => {
    const { env, help, shown, programs } = settingOf(name);
    const cells = [
      `\`${env}\``,
      `\`${flagOf(name)}\``,
      shown ?? `\`${defaultOf(name)}\``,
      rangeOf(name) ?? "",
      takers(programs),
      help,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = ["| variable | flag | default | from, to | taken by | what it is |", "|---|---|---|---|---|---|"];
  const secrets = secretNames.map((name) => `\`${settings[name].env}\``);
  const inFiles = `${secrets.slice(0, -1).join(", ")} and ${secrets.at(-1)} may hold secrets: no message repeats them, and each may also stand in the first
line of a file, named by the same variable with \`_FILE\`, such as \`${settings.adminPassword.env}_FILE\`.`;
  return [...head, ...rows, "", inFiles].join("\n");
}

/** Who takes a setting, in as few words as it takes. */
function takers(programs: readonly Program[]): string {
  const others = everybody.filter((program) => !programs.includes(program));
  if (programs.length <= others.length) return programs.join(", ");
  return `all but ${others.join(", ")}`;
}
