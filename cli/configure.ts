import { readFileSync } from "node:fs";
import type { Client } from "#api/client";
import type { ScopeDocument } from "#api/configuration-routes";
import { configurableKeys } from "#shared/configuration";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { deviceSettingsText, driftTable, historyTable, settingsTable } from "./configuration-tables.ts";
import { editSettings } from "./edit-settings.ts";
import type { Terminal } from "./live-command.ts";
import type { Sign } from "./send-command.ts";
import { asJson } from "./text-table.ts";

export interface ConfigFlags {
  readonly group?: string;
  readonly default?: boolean;
  readonly json?: boolean;
}

type Settings = Readonly<Record<string, string>>;

/** What is asked of whom: a device's settings, or those of several. */
interface Asked {
  readonly client: Client;
  readonly scope: string;
  readonly device: string | undefined;
  readonly rest: readonly string[];
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly sign: Sign | undefined;
}

/** `muster config`. @returns the exit status: 1 where a device does not have what is wanted of it */
export async function configure(
  client: Client,
  words: readonly string[],
  { group, default: ofAll = false, json = false }: ConfigFlags,
  terminal: Terminal,
  sign?: Sign,
): Promise<number> {
  const out = (text: string): void => terminal.out(text);
  const isOfMany = group !== undefined || ofAll;
  const [first, ...others] = words;
  if (first === undefined && !isOfMany) return overview(client, json, out);
  const device = isOfMany ? undefined : first;
  const scope = ofAll ? "default" : group === undefined ? `device:${first}` : `group:${group}`;
  const [action = "show", ...rest] = isOfMany ? words : others;
  const act = actions[action];
  if (!act) throw new BadInputError(`${forTerminal(action)}: expected one of ${Object.keys(actions).join(", ")}`);
  return act({ client, scope, device, rest, json, out, sign });
}

const actions: Readonly<Record<string, (asked: Asked) => Promise<number>>> = {
  show,
  set: (asked) => change(asked, (before) => ({ ...before, ...pairsOf(asked.rest) })),
  unset: (asked) => change(asked, (before) => without(before, asked.rest)),
  edit: (asked) => change(asked, (before) => editSettings(asked.scope, before)),
  history: async ({ client, scope, json, out }) => {
    const { history } = await client.getConfigurationHistory(scope);
    out(json ? asJson({ history }) : historyTable(history));
    return 0;
  },
  apply,
};

async function overview(client: Client, json: boolean, out: Asked["out"]): Promise<number> {
  const all = await client.listConfigurations();
  if (json) out(asJson(all));
  else {
    out(settingsTable(all.scopes));
    if (all.drift.length > 0) out(`\n${driftTable(all.drift, all.more)}`);
  }
  return all.drift.length > 0 ? 1 : 0;
}

async function show({ client, scope, device, json, out }: Asked): Promise<number> {
  if (device === undefined) {
    const said = await client.getConfiguration(scope);
    out(json ? asJson(said) : settingsTable([said]));
    return 0;
  }
  const settings = await client.getDeviceSettings(device);
  out(json ? asJson(settings) : deviceSettingsText(settings));
  return settings.state === "none" || settings.state === "in-step" ? 0 : 1;
}

/** Of two that change at the same time the second is told, and has the first one's before its eyes. */
async function change(
  { client, scope, device, json, out }: Asked,
  changed: (before: Settings) => Settings | undefined,
): Promise<number> {
  const { settings: before, version } = await client.getConfiguration(scope);
  const settings = changed(before);
  if (!settings || isSame(before, settings)) {
    out("nothing was changed");
    return 0;
  }
  const said: ScopeDocument = await client.setConfiguration(scope, { settings: { ...settings }, version });
  if (json) out(asJson(said));
  else
    out(
      `${scope} has version ${said.version} now; ${device === undefined ? "muster config shows how far its devices are" : `muster config ${device} shows what became of it`}`,
    );
  return 0;
}

async function apply({ client, device, out, sign }: Asked): Promise<number> {
  if (device === undefined) throw new BadInputError("apply is for one device: muster config DEVICE apply");
  if (!sign) {
    const { command } = await client.applySettings(device);
    out(`command ${command} is on its way; muster explain ${command} says what became of it`);
    return 0;
  }
  const { desired } = await client.getDeviceSettings(device);
  const args = { version: desired.version, settings: desired.settings };
  const { id } = await client.sendCommand(device, sign({ key: "configure", args, ttl: "1h", timeout: 5_000 }, device), {
    wait: false,
  });
  out(`command ${id} is signed and on its way; muster explain ${id} says what became of it`);
  return 0;
}

/** `interval=5s`; `ca=@file` is what stands in the file. */
function pairsOf(words: readonly string[]): Settings {
  if (words.length === 0) throw new BadInputError("set what? Expected KEY=VALUE, such as interval=5s");
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at < 1)
        throw new BadInputError(`${forTerminal(word)} is not usable: expected KEY=VALUE, such as interval=5s`);
      const value = word.slice(at + 1);
      return [word.slice(0, at), value.startsWith("@") ? readFileSync(value.slice(1), "utf8") : value];
    }),
  );
}

function without(before: Settings, keys: readonly string[]): Settings {
  const unknown = keys.find((key) => !Object.hasOwn(before, key));
  if (keys.length === 0 || unknown !== undefined)
    throw new BadInputError(
      `unset what? ${unknown === undefined ? "" : `${forTerminal(unknown)} is not set there; `}expected one of ${Object.keys(before).join(", ") || configurableKeys.join(", ")}`,
    );
  return Object.fromEntries(Object.entries(before).filter(([key]) => !keys.includes(key)));
}

function isSame(one: Settings, other: Settings): boolean {
  const [a, b] = [one, other].map((settings) => JSON.stringify(Object.entries(settings).sort()));
  return a === b;
}
