import { createHash } from "node:crypto";
import { parseBrokerUrl } from "#shared/address";
import { asError, BadInputError } from "#shared/errors";
import { certificatesIn } from "#shared/pinned-ca";
import { quoted } from "#shared/printable";
import { kebab, settingOf, type SettingName } from "#shared/settings";
import { canonicalJson } from "#shared/signing/canonical-json";

/**
 * Settings of an agent that can be changed from the console. Who an agent is, whose commands it takes and where it keeps things is decided on
 * its machine alone: `device`, `signers`, `data`, `remote-directories` and the like are not among them.
 */
export const configurable = [
  "interval",
  "collectors",
  "interfaces",
  "mounts",
  "disks",
  "tags",
  "batchSize",
  "outboxSize",
  "outboxAge",
  "outboxSync",
  "maxBytesPerDay",
  "allow",
  "execDirectory",
  "execAllow",
  "metricsDirectory",
  "logLevel",
  "mqttUrl",
  "mqttVersion",
  "ca",
] as const satisfies readonly SettingName[];
export type ConfigurableName = (typeof configurable)[number];

/** What is otherwise from afar: certificates themselves, and no file of them. */
const saidFromAfar: Readonly<Partial<Record<ConfigurableName, string>>> = {
  ca: "the certificates of authorities that are trusted with TLS, and no others, as PEM",
  mqttUrl: "the broker: mqtt://host:1883, mqtts://, ws:// or wss://, without user and password",
};

/** What one is, for who changes it at the console. */
export function helpFromAfar(name: ConfigurableName): string {
  return saidFromAfar[name] ?? settingOf(name).help;
}

/** Those that decide whether the agent reaches its console at all: what is wrong in them is found out by trying. */
const reaching: ReadonlySet<string> = new Set<ConfigurableName>(["mqttUrl", "mqttVersion", "ca"]);

/** Settings by their keys in a settings file, as text: what is left out is as the machine has it. */
export type Configuration = Readonly<Record<string, string>>;

/** Bytes of one as JSON: a command has 32 KiB, and the longest part is a certificate authority or two. */
export const maxConfigurationBytes = 16 * 1024;

const byKey: ReadonlyMap<string, ConfigurableName> = new Map(configurable.map((name) => [kebab(name), name]));

/** Their keys. */
export const configurableKeys: readonly string[] = [...byKey.keys()];

export function nameOfKey(key: string): ConfigurableName | undefined {
  return byKey.get(key);
}

/** Whether a change from one to the other may cut the agent off. */
export function changesReach(from: Configuration, to: Configuration): boolean {
  return [...byKey].some(([key, name]) => reaching.has(name) && from[key] !== to[key]);
}

/** What is wrong with each, as far as it can be told without the machine: a sentence for each fault. */
export function configurationFaults(configuration: Configuration): string[] {
  const faults = Object.entries(configuration).flatMap(([key, value]) => faultOf(key, value) ?? []);
  const bytes = Buffer.byteLength(JSON.stringify(configuration));
  if (bytes > maxConfigurationBytes) faults.push(`they have ${bytes} bytes: expected ${maxConfigurationBytes} at most`);
  return faults;
}

function faultOf(key: string, value: string): string | undefined {
  const name = byKey.get(key);
  if (name === undefined)
    return `${quoted(key)} is no setting that is changed from the console: expected ${configurableKeys.join(", ")}`;
  try {
    parseConfigured(name, value);
    return undefined;
  } catch (thrown) {
    return `${key} is ${value.includes("@") ? "not usable" : quoted(value)}: ${asError(thrown).message}`;
  }
}

/** @returns the value as the setting has it; of `ca` the certificates themselves @throws Error whose message ends the sentence "KEY is …: " */
export function parseConfigured(name: ConfigurableName, value: string): unknown {
  if (name === "ca") {
    if (certificatesIn(value).length === 0)
      throw new BadInputError("expected the certificates themselves, as PEM with a line -----BEGIN CERTIFICATE-----");
    return value;
  }
  const parsed = settingOf(name).parse(value);
  if (name === "allow" && value.split(",").some((one) => one.trim() === "!configure"))
    throw new BadInputError("it would leave nobody able to change it back: configure is left out on the machine alone");
  if (name === "mqttUrl" && parseBrokerUrl(value).password)
    throw new BadInputError("expected a URL without user and password: the device keeps its own");
  return parsed;
}

/** By what two are told apart: 16 characters of the SHA-256 of their canonical JSON. */
export function configurationHash(configuration: Configuration): string {
  if (Object.keys(configuration).length === 0) return emptyHash;
  return createHash("sha256")
    .update(canonicalJson({ ...configuration }))
    .digest("base64url")
    .slice(0, 16);
}

/** What has no settings at all: of `{}`, and known in advance, for that is nearly every agent, which loads node:crypto for nothing else at its start. */
export const emptyHash = "RBNvo1WzZ4oRRq0W";
