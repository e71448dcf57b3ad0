import { realpathSync, statSync } from "node:fs";
import { sep } from "node:path";
import { parseBrokerUrl, type BrokerAddress } from "#shared/address";
import { configurableKeys, nameOfKey, parseConfigured, type Configuration } from "#shared/configuration";
import { asError } from "#shared/errors";
import { settingOf, type SettingName, type Settings } from "#shared/settings";

/** What an agent is made of, as far as it can be changed from the console. */
export interface ConfiguredValues<V> {
  readonly values: V;
  /** Certificates of the authorities that are trusted in place of the machine's, as PEM. */
  readonly ca: string | undefined;
  /** Patterns of commands and of executables, each of which a name has to pass: the machine's own, and the console's. */
  readonly allow: readonly string[];
  readonly execAllow: readonly string[];
}

/** Lists by which a machine says what may be done with it: the console can only make them shorter. */
const narrowed = ["allow", "execAllow"] as const satisfies readonly SettingName[];

/**
 * The machine's settings with the console's over them. What the console says comes first, but for `allow` and `exec-allow`, of which both
 * hold. A value that does not read, as of a newer agent, is passed over: the agent that would not start could not be mended from afar.
 */
export function configuredValues<V extends Pick<Settings, (typeof narrowed)[number]>>(
  machine: V,
  configuration: Configuration,
): ConfiguredValues<V> {
  const values: Record<string, unknown> = { ...machine };
  const lists: Record<(typeof narrowed)[number], string[]> = { allow: [], execAllow: [] };
  for (const name of narrowed) if (machine[name] !== undefined) lists[name].push(machine[name]);
  let ca: string | undefined;
  for (const [key, text] of Object.entries(configuration)) {
    const name = nameOfKey(key);
    const value = name && parsed(name, text);
    if (value === undefined) continue;
    if (name === "ca") ca = text;
    else if (name === "allow" || name === "execAllow") lists[name].push(text);
    else values[name as string] = value;
  }
  return { values: values as V, ca, ...lists };
}

function parsed(name: Parameters<typeof parseConfigured>[0], text: string): unknown {
  try {
    return parseConfigured(name, text);
  } catch {
    return undefined;
  }
}

/** What the machine says of itself, by which settings are judged. */
export interface Machine extends Pick<Settings, "remoteDirectories" | "remoteBrokers"> {
  readonly mqttUrl: string;
  /** Whether it shows a certificate to brokers, and no secret. */
  readonly certified: boolean;
}

/** What of it this machine does not take: a sentence for each. */
export function machineFaults(configuration: Configuration, machine: Machine): string[] {
  const directories = ["exec-directory", "metrics-directory"].flatMap((key) => {
    const path = configuration[key];
    const fault = path === undefined ? undefined : directoryFault(path, machine.remoteDirectories);
    return fault === undefined ? [] : `${key} is ${path}: ${fault}`;
  });
  const url = configuration["mqtt-url"];
  const fault = url === undefined || machine.certified ? undefined : brokerFault(url, machine);
  return fault === undefined ? directories : [...directories, `mqtt-url is ${url}: ${fault}`];
}

/**
 * An agent brings its secret to whatever broker it is sent to, before anything is tried: who may change settings would have it by naming
 * a host of his own. A certificate is shown to nobody who could use it.
 */
function brokerFault(given: string, { mqttUrl, remoteBrokers }: Machine): string | undefined {
  const own = parseBrokerUrl(mqttUrl);
  const to = brokerIn(given);
  // What does not read is told by whoever reads it.
  if (!to) return undefined;
  if (isSecure(own) && !isSecure(to))
    return "everybody on the way would read this machine's secret: expected mqtts or wss";
  if ([own.host, ...remoteBrokers].some((host) => host.toLowerCase() === to.host.toLowerCase())) return undefined;
  return `this machine brings its secret to ${[own.host, ...remoteBrokers].join(", ")} alone: set MUSTER_REMOTE_BROKERS on it, or let it in by a certificate`;
}

function isSecure({ protocol }: BrokerAddress): boolean {
  return protocol === "mqtts" || protocol === "wss";
}

function brokerIn(url: string): BrokerAddress | undefined {
  try {
    return parseBrokerUrl(url);
  } catch {
    return undefined;
  }
}

/** Whoever names a directory of programs has them run: the machine says where these may be. Links are followed first. */
function directoryFault(path: string, within: readonly string[]): string | undefined {
  if (within.length === 0)
    return "this machine lets nobody name directories of executables from afar: set MUSTER_REMOTE_DIRECTORIES on it";
  try {
    const real = realpathSync(path);
    if (!statSync(real).isDirectory()) return "it is no directory";
    const roots = within.map((one) => realpathSync(one));
    if (roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)))
      return undefined;
    return `expected a directory in ${within.join(" or ")}`;
  } catch (thrown) {
    return `it cannot be used: ${asError(thrown).message}`;
  }
}

/** Each setting that can be changed, as it holds, and who has said so. */
export function toldSettings(
  values: Partial<Settings>,
  configuration: Configuration,
  given: ReadonlySet<SettingName>,
): Record<string, { value: string | null; from: "console" | "machine" | "default" }> {
  return Object.fromEntries(
    configurableKeys.map((key) => {
      const name = nameOfKey(key) as SettingName;
      const own = configuration[key];
      if (own !== undefined) return [key, { value: own, from: "console" }] as const;
      const from = given.has(name) ? "machine" : "default";
      return [key, { value: written(name, values[name]), from }] as const;
    }),
  );
}

/** A broker's URL may hold a password, of which nobody else is to know. */
function written(name: SettingName, value: unknown): string | null {
  const { write, secret } = settingOf(name);
  if (typeof value === "number") return write ? write(value) : String(value);
  if (typeof value === "string") return secret ? value.replace(/\/\/[^@/]*@/, "//") : value;
  if (typeof value !== "object" || value === null) return null;
  return Object.entries(value)
    .map(([one, other]) => `${one}=${String(other)}`)
    .join(",");
}
