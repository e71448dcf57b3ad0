import { BadInputError } from "#shared/errors";
import type { Client } from "#api/client";
import type { ConsoleSettingDocument } from "#api/console-settings-routes";
import { forTerminal } from "#shared/printable";
import { asJson, table } from "./text-table.ts";

export interface ConsoleSettingsFlags {
  readonly json?: boolean;
  readonly all?: boolean;
}

const acts = ["list", "get", "set", "reset"] as const;

/** What `muster settings` does and prints. @throws BadInputError for a line that says too little or too much */
export async function consoleSettings(
  client: Client,
  [act = "list", name, value, ...rest]: readonly string[],
  { json = false, all = false }: ConsoleSettingsFlags,
): Promise<string> {
  const told = (one: ConsoleSettingDocument): string => (json ? asJson(one) : sentenceOf(one));
  if (!acts.some((one) => one === act)) throw new BadInputError(`expected one of ${acts.join(", ")}, not "${act}"`);
  if (rest.length > 0 || (act !== "set" && value !== undefined))
    throw new BadInputError(`expected muster settings ${usage(act)}; a value with blanks goes into quotes`);
  if (act === "list") {
    const { settings } = await client.listConsoleSettings();
    const shown = all ? settings : settings.filter(({ changeable, source }) => changeable || source !== "default");
    return json ? asJson(shown) : list(shown, all);
  }
  if (name === undefined || (act === "set" && value === undefined))
    throw new BadInputError(`expected muster settings ${usage(act)}`);
  if (act === "set") return told(await client.setConsoleSetting(name, { value: value ?? "" }));
  if (act === "reset") return told(await client.resetConsoleSetting(name));
  const { settings } = await client.listConsoleSettings();
  const found = settings.find((one) => one.name === name || one.env === name);
  if (!found) throw new BadInputError(`the console has no setting "${name}": muster settings list --all has them`);
  return told(found);
}

function usage(act: string): string {
  return { list: "list", get: "get NAME", set: "set NAME VALUE", reset: "reset NAME" }[act] ?? act;
}

function sentenceOf({ name, value, source, changeable, why, set, idle }: ConsoleSettingDocument): string {
  const by = set ? `, set by ${forTerminal(set.by)} over ${forTerminal(set.over)}` : "";
  const fixed = changeable ? "" : `; it does not change while Muster runs: ${why ?? ""}`;
  return `${name} is ${forTerminal(value ?? "secret")} (${sourceWord(source)}${by})${fixed}${idle === undefined ? "" : `; ${idle}`}`;
}

/** @param withWhy whether it says of each why it is taken at a start */
function list(settings: readonly ConsoleSettingDocument[], withWhy: boolean): string {
  const rows = settings.map(({ name, value, source, changeable, why, idle }) => [
    name,
    value ?? "(secret)",
    sourceWord(source),
    changeable ? "while it runs" : "at a start",
    ...(withWhy ? [why ?? idle ?? ""] : []),
  ]);
  return table(["SETTING", "VALUE", "FROM", "CHANGES", ...(withWhy ? ["WHY"] : [])], rows);
}

function sourceWord(source: string): string {
  return source === "console" ? "muster settings" : source;
}
