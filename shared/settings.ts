import { hostname } from "node:os";
import { parseBrokerUrl, parseConsoleUrl, parseListenAddress } from "#shared/address";
import { readDuration } from "#shared/duration";
import { asError, EnvironmentError, SettingsError } from "#shared/errors";
import { parseFieldTypes, type FieldType } from "#shared/field-types";
import { deviceIdFromHostname, parseDeviceId, quoted } from "#shared/ids";
import type { LogLevel } from "#shared/log";
import { isLoopback } from "#shared/loopback";
import { hostOf } from "#shared/origins";
import { secretInFile } from "#shared/secret-input";
import { defaultFile, readSettingsFile } from "#shared/settings-file";
import { TrustedProxies } from "#shared/trusted-proxies";

/**
 * Every setting of Muster, once: what is checked, shown by `--help` and written in the README. A value comes from the
 * flag, the variable, `muster.toml`, then the default, in that order; its flag and its key in the file are the name
 * in kebab case, its variable is given here.
 */
interface Setting<T> {
  readonly env: string;
  /** What it is, with the unit. */
  readonly help: string;
  /** From text to value. @throws Error whose message ends the sentence "MUSTER_… is …: " */
  readonly parse: (text: string) => T;
  readonly default: T;
  /** How the default reads, where it is not plain. */
  readonly shown?: string;
}

function setting<T>(one: Setting<T>): Setting<T> {
  return one;
}

export const settings = {
  data: setting({ env: "MUSTER_DATA", help: "directory of everything that is kept", parse: text, default: "./data" }),
  listen: setting({
    env: "MUSTER_LISTEN",
    help: "address or name to listen on, without a port; anything but loopback opens unencrypted MQTT and HTTP to that network",
    parse: parseListenAddress,
    default: "127.0.0.1",
  }),
  httpPort: setting({
    env: "MUSTER_HTTP_PORT",
    help: "port of the page and the API; 0 for a free one",
    parse: port,
    default: 3000,
  }),
  mqttPort: setting({
    env: "MUSTER_MQTT_PORT",
    help: "port of the embedded broker, MQTT and WebSocket alike; 0 for a free one",
    parse: port,
    default: 1883,
  }),
  mqttUrl: setting({
    env: "MUSTER_MQTT_URL",
    help: "an external broker instead of the embedded one: mqtt://user:password@host:1883, mqtts://, ws:// or wss://; what is special in a password as %XX",
    parse: brokerUrl,
    default: undefined,
    shown: "the embedded broker",
  }),
  influxUrl: setting({
    env: "MUSTER_INFLUX_URL",
    help: "InfluxDB for the metrics: http://user:password@host:8086/database",
    parse: influxUrl,
    default: undefined,
    shown: "the embedded store",
  }),
  adminPassword: setting({
    env: "MUSTER_ADMIN_PASSWORD",
    help: "password of the operator admin; made and printed once when none is given",
    parse: optionalText,
    default: undefined,
    shown: "made at the first start",
  }),
  device: setting({
    env: "MUSTER_DEVICE",
    help: "the agent's device id",
    parse: (value): string => parseDeviceId(value),
    default: deviceIdFromHostname(hostname()),
    shown: "from the host name",
  }),
  interval: setting({
    env: "MUSTER_INTERVAL",
    help: "time between the agent's samples",
    parse: readDuration,
    default: 10_000,
    shown: "10s; 1s for the agent inside `muster start`",
  }),
  batchSize: setting({
    env: "MUSTER_BATCH_SIZE",
    help: "samples that the agent sends in one message",
    parse: whole(1, 1_000),
    default: 1,
  }),
  outboxSize: setting({
    env: "MUSTER_OUTBOX_SIZE",
    help: "MiB of samples that the agent keeps on its disk at most until the console has them",
    parse: whole(1, 100_000),
    default: 64,
  }),
  outboxAge: setting({
    env: "MUSTER_OUTBOX_AGE",
    help: "how long it keeps them at most",
    parse: readDuration,
    default: 7 * 86_400_000,
    shown: "7d",
  }),
  influxRetention: setting({
    env: "MUSTER_INFLUX_RETENTION",
    help: "how long InfluxDB keeps samples, as the database's default retention policy",
    parse: (value): number | undefined => readDuration(value),
    default: undefined,
    shown: "the database's own: for ever",
  }),
  execDirectory: setting({
    env: "MUSTER_EXEC_DIRECTORY",
    help: "directory of executables that the agent offers as commands exec:NAME",
    parse: optionalText,
    default: undefined,
    shown: "none",
  }),
  execAllow: setting({
    env: "MUSTER_EXEC_ALLOW",
    help: "names of the executables that are offered, with commas between; all in the directory by default",
    parse: optionalText,
    default: undefined,
    shown: "all",
  }),
  rebootCommand: setting({
    env: "MUSTER_REBOOT_COMMAND",
    help: "what the command reboot runs, as words: for example systemctl reboot; without it the agent does not offer reboot",
    parse: optionalText,
    default: undefined,
    shown: "reboot is not offered",
  }),
  interfaces: setting({
    env: "MUSTER_INTERFACES",
    help: "network interfaces that the agent measures, with commas between: eth*, or !veth* for all but those",
    parse: optionalText,
    default: undefined,
    shown: "all but the containers'",
  }),
  mounts: setting({
    env: "MUSTER_MOUNTS",
    help: "mount points that it measures, in the same way",
    parse: optionalText,
    default: undefined,
    shown: "all but the containers'",
  }),
  disks: setting({
    env: "MUSTER_DISKS",
    help: "block devices that it measures, in the same way",
    parse: optionalText,
    default: undefined,
    shown: "all but loop and ram",
  }),
  metricsSocket: setting({
    env: "MUSTER_METRICS_SOCKET",
    help: "local socket where programs on the agent's machine leave metrics of their own; off for none",
    parse: optionalText,
    default: undefined,
    shown: "agent/metrics.sock in the data directory",
  }),
  metricsDirectory: setting({
    env: "MUSTER_METRICS_DIRECTORY",
    help: "directory of executables that the agent runs with each sample, and that print metrics",
    parse: optionalText,
    default: undefined,
    shown: "none",
  }),
  historyAge: setting({
    env: "MUSTER_HISTORY_AGE",
    help: "how long the embedded store keeps samples",
    parse: readDuration,
    default: 7 * 86_400_000,
    shown: "7d",
  }),
  historySize: setting({
    env: "MUSTER_HISTORY_SIZE",
    help: "MiB that the embedded store takes at most",
    parse: whole(1, 1_000_000),
    default: 256,
  }),
  fieldTypes: setting<ReadonlyMap<string, FieldType>>({
    env: "MUSTER_FIELD_TYPES",
    help: "types of fields, with commas between: counter.n=integer, room.window=string; float, integer, string or boolean",
    parse: parseFieldTypes,
    default: new Map(),
    shown: "what comes first decides",
  }),
  seriesBudget: setting({
    env: "MUSTER_SERIES_BUDGET",
    help: "series that one device may have; what is beyond is set aside",
    parse: whole(1, 1_000_000),
    default: 1_000,
  }),
  spoolSize: setting({
    env: "MUSTER_SPOOL_SIZE",
    help: "MiB of simple samples that wait on the console's disk while the store is away",
    parse: whole(1, 100_000),
    default: 64,
  }),
  hosts: setting<readonly string[]>({
    env: "MUSTER_HOSTS",
    help: "names by which browsers reach Muster, with commas between, as of a proxy before it; this machine's own and addresses in numbers are known",
    parse: hostNames,
    default: [],
    shown: "none",
  }),
  trustedProxies: setting<TrustedProxies>({
    env: "MUSTER_TRUSTED_PROXIES",
    help: "addresses or networks of proxies before Muster, with commas between, whose X-Forwarded-For, -Proto and -Host are believed",
    parse: (value) => new TrustedProxies(listOf(value)),
    default: new TrustedProxies(),
    shown: "none",
  }),
  root: setting({ env: "MUSTER_ROOT", help: "first level of every topic", parse: topicRoot, default: "muster" }),
  mqttVersion: setting<4 | 5 | "auto">({
    env: "MUSTER_MQTT_VERSION",
    help: "MQTT version to speak to an external broker: 4 (3.1.1), 5, or auto",
    parse: mqttVersion,
    default: "auto",
  }),
  logLevel: setting<LogLevel>({
    env: "MUSTER_LOG_LEVEL",
    help: "debug, info, warn, error or silent",
    parse: logLevel,
    default: "info",
  }),
  url: setting({
    env: "MUSTER_URL",
    help: "the console that the command line talks to",
    parse: consoleUrl,
    default: undefined,
    shown: "http://127.0.0.1:3000, or what MUSTER_LISTEN and MUSTER_HTTP_PORT say",
  }),
  token: setting({
    env: "MUSTER_TOKEN",
    help: "bearer token, or NAME:PASSWORD, of the command line",
    parse: optionalText,
    default: undefined,
    shown: "the local console's, from the data directory",
  }),
};

export type SettingName = keyof typeof settings;
export type Settings = { readonly [K in SettingName]: (typeof settings)[K] extends Setting<infer T> ? T : never };

export interface SettingSources {
  /** Flags by camel-case name, as given on the command line. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of the file; the default one may be missing, a named one may not. */
  readonly file?: string | undefined;
}

/** @throws EnvironmentError where the present directory was deleted: every relative path would fail in words of its own, or never end */
function assertHere(): void {
  try {
    process.cwd();
  } catch {
    throw new EnvironmentError("the present directory is gone: change into one that is there");
  }
}

/** @returns each setting's value, and which of them were given at all @throws SettingsError with a sentence for every mistake */
export function loadSettings({ flags = {}, env = {}, file }: SettingSources): {
  values: Settings;
  given: ReadonlySet<SettingName>;
} {
  assertHere();
  const problems: string[] = [];
  const given = new Set<SettingName>();
  const fromFile = readFile(file, problems);
  const values: Record<string, unknown> = {};
  /** What the file of the present directory has decided. */
  const found = new Set<SettingName>();
  for (const [name, one] of Object.entries(settings) as [SettingName, Setting<unknown>][]) {
    const sources: [string, unknown][] = [
      [flagOf(name), flags[name]],
      [one.env, env[one.env] || undefined],
      [`${one.env}_FILE`, secrets.has(name) ? inFile(env[`${one.env}_FILE`], problems) : undefined],
      [`${kebab(name)} in ${file ?? defaultFile}`, fromFile[kebab(name)]],
    ];
    const source = sources.find(([, value]) => value !== undefined);
    values[name] = one.default;
    if (!source) continue;
    given.add(name);
    if (source === sources.at(-1) && file === undefined) found.add(name);
    const text = String(source[1]);
    try {
      values[name] = one.parse(text);
    } catch (error) {
      problems.push(`${source[0]} is ${secret(name, text) ? "not usable" : quoted(text)}: ${asError(error).message}`);
    }
  }
  if (problems.length === 0) problems.push(...misdirected(values as unknown as Settings, found));
  if (problems.length > 0) throw new SettingsError(problems);
  return { values: values as unknown as Settings, given };
}

/** How a setting's default reads. */
export function defaultOf(name: SettingName): string {
  const { shown, default: plain } = settings[name];
  return shown ?? (typeof plain === "string" || typeof plain === "number" ? String(plain) : "none");
}

export function flagOf(name: SettingName): string {
  return `--${kebab(name)}`;
}

function readFile(file: string | undefined, problems: string[]): Record<string, unknown> {
  try {
    const table = readSettingsFile(file);
    const known = new Set(Object.keys(settings).map(kebab));
    for (const key of Object.keys(table)) {
      if (!known.has(key))
        problems.push(`${file ?? defaultFile} has an unknown key ${quoted(key)}: expected ${[...known].join(", ")}`);
    }
    return table;
  } catch (error) {
    problems.push(`${file ?? defaultFile} cannot be read: ${asError(error).message}`);
    return {};
  }
}

/**
 * Where the file of the present directory would send a secret that it does not hold itself. A directory that somebody was led
 * into shall not say who gets the administrator's token.
 */
function misdirected({ url, token, mqttUrl }: Settings, found: ReadonlySet<SettingName>): string[] {
  const sentences: string[] = [];
  const meant = `name the file (--config ${defaultFile}) if you mean it`;
  if (found.has("url") && url !== undefined && token !== undefined) {
    if (!found.has("token"))
      sentences.push(
        `url in ${defaultFile} would get a token that comes from elsewhere: set MUSTER_URL beside MUSTER_TOKEN, or ${meant}`,
      );
    else if (url.startsWith("http:") && !isLoopback(url))
      sentences.push(
        `url in ${defaultFile} would get the token unencrypted over a network: expected https://, or ${meant}`,
      );
  }
  if (found.has("mqttUrl") && mqttUrl !== undefined && new URL(mqttUrl).password === "" && !isLoopback(mqttUrl))
    sentences.push(
      `mqtt-url in ${defaultFile} names another machine and no login, and would get the secrets of the data directory: set MUSTER_MQTT_URL, or ${meant}`,
    );
  return sentences;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Values that may hold a password are not repeated in a message. */
function secret(name: SettingName, value: string): boolean {
  // A login in an URL that takes none.
  if (value.includes("@")) return true;
  return secrets.has(name);
}

/** Settings that hold a secret: each may also be the first line of the file that its variable with `_FILE` names. */
const secrets: ReadonlySet<SettingName> = new Set(["adminPassword", "token", "mqttUrl", "influxUrl"]);

/** Secrets among the flags of a command line, where every user of the machine can read them. */
export function exposedFlags(flags: Readonly<Record<string, unknown>>): SettingName[] {
  const bare = /^\w+:\/\/[^@]*$/;
  return [...secrets].filter((name) => {
    const value = flags[name];
    return typeof value === "string" && !bare.test(value);
  });
}

function inFile(path: string | undefined, problems: string[]): string | undefined {
  if (!path) return undefined;
  try {
    return secretInFile(path);
  } catch (error) {
    problems.push(asError(error).message);
    return undefined;
  }
}

function text(value: string): string {
  if (value.trim() === "") throw new Error("expected some text");
  return value;
}

function optionalText(value: string): string | undefined {
  return text(value);
}

function whole(from: number, to: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < from || number > to)
      throw new Error(`expected a whole number from ${from} to ${to}`);
    return number;
  };
}

function port(value: string): number {
  return whole(0, 65_535)(value);
}

function brokerUrl(value: string): string | undefined {
  parseBrokerUrl(value);
  return value;
}

/** What the store makes of it, it says itself. */
function influxUrl(value: string): string | undefined {
  if (!URL.canParse(value) || !["http:", "https:"].includes(new URL(value).protocol))
    throw new Error("expected a URL such as http://user:password@host:8086/database");
  return value;
}

function consoleUrl(value: string): string | undefined {
  return parseConsoleUrl(value);
}

function listOf(value: string): string[] {
  return value.split(",").map((one) => one.trim());
}

function hostNames(value: string): readonly string[] {
  const names = listOf(value);
  if (names.some((name) => hostOf(name) !== name.toLowerCase()))
    throw new Error("expected names of hosts with commas between, without ports, such as muster.example.org");
  return names;
}

function topicRoot(value: string): string {
  if (!/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(value))
    throw new Error("expected topic levels of letters, digits, dots, _ and -");
  return value;
}

function mqttVersion(value: string): 4 | 5 | "auto" {
  if (value === "auto") return value;
  if (value === "4" || value === "5") return Number(value) as 4 | 5;
  throw new Error("expected 4, 5 or auto");
}

function logLevel(value: string): LogLevel {
  const levels: readonly string[] = ["debug", "info", "warn", "error", "silent"] satisfies LogLevel[];
  if (!levels.includes(value)) throw new Error(`expected one of ${levels.join(", ")}`);
  return value as LogLevel;
}
