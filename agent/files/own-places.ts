import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Settings } from "#shared/settings";
import { defaultFile } from "#shared/settings-file";
import { packagedLayout } from "../install/layout.ts";
import { executableHere, startedBy } from "../update/agent-versions.ts";

type OwnSettings = Pick<
  Settings,
  "data" | "ca" | "joinFile" | "execDirectory" | "metricsDirectory" | "remoteDirectories"
>;

/** What decides who the agent is and what it runs: no file of it is fetched or put from afar, whatever directories are named. */
export function ownPlaces(
  { data, ca, joinFile, execDirectory, metricsDirectory, remoteDirectories }: OwnSettings,
  { argv, env }: Pick<NodeJS.Process, "argv" | "env"> = process,
): string[] {
  const config = argv.flatMap((word, at) => (word === "--config" ? [argv[at + 1]] : /^--config=(.*)/.exec(word)?.[1]));
  const secrets = Object.keys(env).flatMap((name) => (/^MUSTER_\w+_FILE$/.test(name) ? [env[name]] : []));
  const run = [execDirectory, metricsDirectory, ...remoteDirectories, startedBy(env)?.state];
  const program = [...programPlaces(argv[1]), ...executablePlaces(env), dirname(packagedLayout.program)];
  const path = env["NODE_PATH"]?.split(":").filter((one) => one !== "") ?? [];
  return [data, ca, joinFile, defaultFile, ...config, ...secrets, ...run, ...program, ...path].flatMap((one) =>
    one === undefined ? [] : [resolve(one)],
  );
}

/**
 * Where the code is that runs: the whole package of which the program is one file, or the directory in which the agent's one file lies; and wherever
 * Node looks for packages on its behalf, should somebody put one there.
 */
export function programPlaces(program: string | undefined): string[] {
  if (program === undefined) return [];
  const file = realOf(program);
  const above = ancestors(file);
  const home = file.endsWith(".cjs") ? dirname(file) : above.find((one) => existsSync(join(one, "package.json")));
  const packages = above.map((one) => join(one, "node_modules"));
  // One that lies in / would put all of the machine out of reach.
  return [file, ...packages, ...(home === undefined || home === "/" ? [] : [home])];
}

/** An executable, and what it or another version of it has unpacked. */
function executablePlaces(env: NodeJS.ProcessEnv): string[] {
  const file = executableHere(env);
  if (file === undefined) return [];
  const beside = [env["MUSTER_RUNTIME_DIRECTORY"], dirname(file), env["HOME"] && join(env["HOME"], ".cache")];
  return [file, ...beside.flatMap((one) => (one ? unpackedIn(one) : []))];
}

function unpackedIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /^\.muster-[0-9a-f]{16}$/.test(name));
    return names.map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function ancestors(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...ancestors(above)];
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
