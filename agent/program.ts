import "./small-heap.ts";
import { parseArgs } from "node:util";
import { systemClock } from "#shared/clock";
import { asError, SettingsError } from "#shared/errors";
import { createLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { fail, serve } from "#shared/service";
import { flagOf, helpOf, settingsOf } from "#shared/settings";
import { loadSettings } from "#shared/settings/load-settings";
import { keepFilesPrivate } from "#shared/umask";
import { version } from "#shared/version";
import { runAgent } from "./agent-service.ts";
import { executableHere } from "./update/agent-versions.ts";
import { thriftyMalloc } from "./install/starter.ts";

const agentSettings = settingsOf("agent");

/**
 * The agent as a program of its own: what `muster agent` runs, with the same settings, built into one file that a device needs
 * nothing beside but Node. Its command line is Node's own, and what it does not use stays out of memory.
 */
function help(): string {
  const lines = agentSettings.map((name) => `  ${`${flagOf(name)} <value>`.padEnd(28)}${helpOf(name)}`);
  const verbs = "       node muster-agent.cjs join | leave | doctor (--help tells more)";
  const usage = `Usage: node muster-agent.cjs [options]\n${verbs}\n\nMuster's agent, alone in one file.\n\nOptions:`;
  const note = "Each setting may also be given as a MUSTER_* variable or in muster.toml; flags come first.";
  const config = `  ${"--config <file>".padEnd(28)}settings file (default: ./muster.toml, where there is one)`;
  return `${usage}\n${[config, ...lines].join("\n")}\n\n${note}\n`;
}

/** The flags by the names of their settings. @throws SettingsError that names the one that is not known */
function readFlags(): {
  flags: Record<string, unknown>;
  file: string | undefined;
  show: "help" | "version" | undefined;
} {
  const text = { type: "string" } as const;
  const names = agentSettings.map((name) => [flagOf(name).slice(2), name] as const);
  const options = { ...Object.fromEntries(names.map(([flag]) => [flag, text])), config: text };
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" }, version: { type: "boolean" } } });
    const given: Record<string, unknown> = values;
    const show = values.help ? "help" : values.version ? "version" : undefined;
    return { flags: Object.fromEntries(names.map(([flag, name]) => [name, given[flag]])), file: values.config, show };
  } catch (error) {
    throw new SettingsError([`${asError(error).message} (--help tells more)`]);
  }
}

/** What is asked of a machine by hand, now and then: loaded then. @returns whether it was one of these verbs */
async function isVerb([verb, ...words]: readonly string[]): Promise<boolean> {
  if (verb === "doctor") {
    const { doctorByWords } = await import("./doctor-words.ts");
    await doctorByWords(words, (text) => void process.stdout.write(text));
    return true;
  }
  if (verb !== "join" && verb !== "leave") return false;
  const { joinByWords, leaveByWords } = await import("./join/join-words.ts");
  if (verb === "join") await joinByWords(words, executableHere() ?? __filename);
  else await leaveByWords(words);
  return true;
}

async function main(): Promise<void> {
  keepFilesPrivate();
  // For this process alone, and not for the executables that it runs.
  for (const name of Object.keys(thriftyMalloc)) delete process.env[name];
  if (await isVerb(process.argv.slice(2))) return;
  const { flags, file, show } = readFlags();
  if (show) return void process.stdout.write(show === "help" ? help() : `${version}\n`);
  const { values, given } = loadSettings({ flags, env: process.env, file });
  const net = new SafetyNet(createLog("agent", values.logLevel), systemClock);
  await serve((lifetime) => runAgent(values, given, lifetime, net), net);
}

main().catch(fail);
