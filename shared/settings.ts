import { hostname } from "node:os";
import { parseConsoleUrl, parseListenAddress } from "#shared/address";
import { formatDuration, maxDuration } from "#shared/duration";
import { parseClaimRules, type ClaimRule } from "#shared/claim-rules";
import { parseFieldTypes, type FieldType } from "#shared/field-type";
import { deviceIdFromHostname, parseDeviceId } from "#shared/ids";
import type { LogLevel } from "#shared/log";
import {
  choiceSetting,
  durationSetting,
  listOf,
  roomSetting,
  setting,
  text,
  wholeSetting,
  yesNoSetting,
  type BoundedSetting,
  type Program,
  type Setting,
} from "#shared/settings/kinds";
import { parseSyslogUrl, type SyslogAddress } from "#shared/syslog-address";
import { usualRoot } from "#shared/topics";
import { parseTags } from "#shared/settings/extra-tags";
import { TrustedProxies } from "#shared/trusted-proxies";
import {
  absoluteDirectories,
  brokerUrl,
  channelNames,
  hostNames,
  influxUrl,
  issuerUrl,
  pageOrigin,
  signerLines,
  timeZone,
  topicRoot,
} from "#shared/settings/setting-values";

/** What opens a data directory or speaks over a broker. */
const atWork = ["broker", "console", "agent", "enroll", "device", "operator", "mosquitto", "sim"] as const;

const MiB = 1024 * 1024;
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const century = maxDuration;

/** Milliseconds between the samples of the agent inside `muster start`, as long as nobody has said otherwise: the page is to live at once. */
export const intervalInStart = second;

/**
 * Every setting of Muster, once: what is checked, shown by `--help` and written in the README, which programs take it, and what the
 * options of the classes have as their defaults. A value comes from the flag, the variable, `muster.toml`, then the default, in that
 * order.
 */
export const settings = {
  data: text<string>({
    env: "MUSTER_DATA",
    programs: [...atWork, "doctor", "client"],
    help: "directory of everything that is kept",
    default: "./data",
  }),
  listen: setting({
    env: "MUSTER_LISTEN",
    programs: ["conform", "broker", "console", "mosquitto", "doctor"],
    help: "address or name to listen on, without a port; beyond loopback by TLS alone",
    default: "127.0.0.1",
    parse: parseListenAddress,
  }),
  httpPort: wholeSetting({
    env: "MUSTER_HTTP_PORT",
    programs: ["console", "enroll", "device", "client", "doctor"],
    help: "port of the page and the API; 0 for a free one",
    default: 3_000,
    min: 0,
    max: 65_535,
  }),
  mqttPort: wholeSetting({
    env: "MUSTER_MQTT_PORT",
    programs: ["conform", "broker", "console", "agent", "enroll", "sim", "mosquitto", "doctor"],
    help: "port of the embedded broker, MQTT and WebSocket alike; 0 for a free one. Beyond loopback it is open with --insecure-plaintext alone",
    default: 1_883,
    min: 0,
    max: 65_535,
  }),
  mqttsPort: wholeSetting({
    env: "MUSTER_MQTTS_PORT",
    programs: ["broker", "console", "enroll", "mosquitto"],
    help: "the same by TLS, where Muster listens beyond loopback",
    default: 8_883,
    min: 0,
    max: 65_535,
  }),
  certificatePort: wholeSetting({
    env: "MUSTER_CERTIFICATE_PORT",
    programs: ["console", "mosquitto"],
    help: "where Mosquitto takes devices with a certificate, beside those with a password; Muster's own broker takes both at MUSTER_MQTTS_PORT",
    default: 8_884,
    min: 1,
    max: 65_535,
  }),
  certificateLife: durationSetting<number>({
    env: "MUSTER_CERTIFICATE_LIFE",
    programs: ["console"],
    help: "how long devices' certificates are good for; a device renews its own when two thirds of that are over",
    default: 90 * day,
    // A device that is off for the last third of it has to be enrolled again.
    min: hour,
    max: 3_650 * day,
  }),
  insecurePlaintext: yesNoSetting({
    env: "MUSTER_INSECURE_PLAINTEXT",
    programs: ["broker", "console"],
    help: "opens MQTT and HTTP without TLS as well beyond loopback, where everybody on the way reads passwords and changes commands",
    default: false,
    shown: "no",
  }),
  tlsCert: text<string | undefined>({
    env: "MUSTER_TLS_CERT",
    programs: ["broker", "console"],
    help: "file of a certificate of your own, with its chain, as certbot's fullchain.pem; it is read anew whenever it changes",
    default: undefined,
    shown: "made and renewed by Muster",
  }),
  tlsKey: text<string | undefined>({
    env: "MUSTER_TLS_KEY",
    programs: ["broker", "console"],
    help: "file of its private key, as certbot's privkey.pem",
    default: undefined,
    shown: "made and renewed by Muster",
  }),
  ca: text<string | undefined>({
    env: "MUSTER_CA",
    programs: ["console", "agent", "enroll", "device", "sim", "check-broker", "client", "doctor"],
    help: "file of the certificates of authorities (PEM) that are trusted with mqtts://, wss:// and https://, and no others",
    default: undefined,
    shown: "the system's; for the command line, those of the data directory",
  }),
  mqttUrl: setting<string | undefined>({
    env: "MUSTER_MQTT_URL",
    programs: ["console", "agent", "sim", "check-broker", "doctor"],
    help: "an external broker instead of the embedded one: mqtt://user:password@host:1883, mqtts://, ws:// or wss://; what is special in a password as %XX",
    default: undefined,
    shown: "the embedded broker",
    secret: true,
    parse: brokerUrl,
  }),
  influxUrl: setting<string | undefined>({
    env: "MUSTER_INFLUX_URL",
    programs: ["console", "doctor"],
    help: "InfluxDB for the metrics: http://user:password@host:8086/database",
    default: undefined,
    shown: "the embedded store",
    secret: true,
    parse: influxUrl,
  }),
  auditSyslog: setting<SyslogAddress | undefined>({
    env: "MUSTER_AUDIT_SYSLOG",
    programs: ["console"],
    help: "where each entry of the audit log goes as well, as syslog (RFC 5424): udp://host:514 or tcp://host:514",
    default: undefined,
    shown: "nowhere else",
    parse: parseSyslogUrl,
  }),
  adminPassword: text<string | undefined>({
    env: "MUSTER_ADMIN_PASSWORD",
    programs: ["broker", "console", "mosquitto"],
    help: "password of the operator admin; made and printed once when none is given",
    default: undefined,
    shown: "made at the first start",
    secret: true,
  }),
  device: setting<string>({
    env: "MUSTER_DEVICE",
    programs: ["agent", "mosquitto"],
    help: "the agent's device id",
    default: deviceIdFromHostname(hostname()),
    shown: "from the host name",
    parse: parseDeviceId,
  }),
  joinFile: text<string>({
    env: "MUSTER_JOIN_FILE",
    programs: ["agent"],
    help: "file of a code by which an agent that has no device yet joins, as on the boot partition of an image; it is removed then",
    default: "/boot/firmware/muster-join",
  }),
  interval: durationSetting<number>({
    env: "MUSTER_INTERVAL",
    programs: ["agent", "sim"],
    help: "time between the agent's samples",
    default: 10 * second,
    shown: `${formatDuration(10 * second)}; ${formatDuration(intervalInStart)} for the agent inside muster start`,
    // A whole sample takes some milliseconds of a small machine; what comes less than once a day is no time series.
    min: 100,
    max: day,
  }),
  batchSize: wholeSetting({
    env: "MUSTER_BATCH_SIZE",
    programs: ["agent", "sim"],
    help: "samples that the agent sends in one message",
    default: 1,
    min: 1,
    max: 1_000,
  }),
  outboxSize: roomSetting({
    env: "MUSTER_OUTBOX_SIZE",
    programs: ["agent"],
    help: "MiB of samples that the agent keeps on its disk at most until the console has them",
    default: 64 * MiB,
    min: MiB,
    max: 100_000 * MiB,
  }),
  outboxAge: durationSetting<number>({
    env: "MUSTER_OUTBOX_AGE",
    programs: ["agent"],
    help: "how long it keeps them at most",
    default: 7 * day,
    // Less would not last over a restart of the broker.
    min: minute,
    max: century,
  }),
  outboxSync: durationSetting<number | undefined>({
    env: "MUSTER_OUTBOX_SYNC",
    programs: ["agent"],
    help: "how long samples wait for the console's ack in memory before they go to the disk, so that a card lasts; as much a power cut may cost",
    default: undefined,
    shown: "to the disk first",
    min: second,
    max: hour,
  }),
  maxBytesPerDay: roomSetting<number | undefined>({
    env: "MUSTER_MAX_BYTES_PER_DAY",
    programs: ["agent"],
    help: "MiB that the agent's connection may take in a day, for a metered one: batches grow when they get short, and then samples wait on the device",
    default: undefined,
    shown: "as many as there are",
    min: MiB,
    max: 100_000 * MiB,
  }),
  influxRetention: durationSetting<number | undefined>({
    env: "MUSTER_INFLUX_RETENTION",
    programs: ["console"],
    help: "how long InfluxDB keeps samples, as the database's default retention policy",
    default: undefined,
    shown: "the database's own: for ever",
    // InfluxDB takes no shorter policy.
    min: hour,
    max: century,
  }),
  execDirectory: text<string | undefined>({
    env: "MUSTER_EXEC_DIRECTORY",
    programs: ["agent"],
    help: "directory of executables that the agent offers as commands exec:NAME",
    default: undefined,
    shown: "none",
  }),
  execAllow: text<string | undefined>({
    env: "MUSTER_EXEC_ALLOW",
    programs: ["agent"],
    help: "names of the executables that are offered, with commas between; all in the directory by default",
    default: undefined,
    shown: "all",
  }),
  rebootCommand: text<string | undefined>({
    env: "MUSTER_REBOOT_COMMAND",
    programs: ["agent"],
    help: "what the command reboot runs, as words: for example systemctl reboot; without it the agent does not offer reboot",
    default: undefined,
    shown: "reboot is not offered",
  }),
  signers: setting<readonly string[] | undefined>({
    env: "MUSTER_SIGNERS",
    programs: ["agent"],
    help: "public keys, with commas between, as muster keygen prints them: the agent then carries out only commands that one of them has signed",
    default: undefined,
    shown: "none: commands need no signature",
    parse: signerLines,
  }),
  releaseRoots: setting<readonly string[] | undefined>({
    env: "MUSTER_RELEASE_ROOTS",
    programs: ["agent"],
    help: "public keys, with commas between, as muster release keygen prints that of the root: the agent takes only releases that one of them stands behind",
    default: undefined,
    shown: "those that the console named when it joined",
    parse: signerLines,
  }),
  interfaces: text<string | undefined>({
    env: "MUSTER_INTERFACES",
    programs: ["agent"],
    help: "network interfaces that the agent measures, with commas between: eth*, or !veth* for all but those",
    default: undefined,
    shown: "all but the containers'",
  }),
  mounts: text<string | undefined>({
    env: "MUSTER_MOUNTS",
    programs: ["agent"],
    help: "mount points that it measures, in the same way",
    default: undefined,
    shown: "all but the containers'",
  }),
  disks: text<string | undefined>({
    env: "MUSTER_DISKS",
    programs: ["agent"],
    help: "block devices that it measures, in the same way",
    default: undefined,
    shown: "all but loop and ram",
  }),
  collectors: text<string | undefined>({
    env: "MUSTER_COLLECTORS",
    programs: ["agent"],
    help: "what the agent measures by itself, with commas between: cpu,mem, or !temp for all but that",
    default: undefined,
    shown: "all that the system has",
  }),
  tags: setting<Readonly<Record<string, string>>>({
    env: "MUSTER_TAGS",
    programs: ["agent"],
    help: "tags that each of the agent's samples gets, with commas between: site=berlin,floor=2",
    default: {},
    shown: "none",
    parse: parseTags,
  }),
  allow: text<string | undefined>({
    env: "MUSTER_ALLOW",
    programs: ["agent"],
    help: "commands that the agent offers, with commas between: ping,info,exec:*, or !configure for all but that",
    default: undefined,
    shown: "all",
  }),
  remoteDirectories: setting<readonly string[]>({
    env: "MUSTER_REMOTE_DIRECTORIES",
    programs: ["agent"],
    help: "directories, with commas between, in which the console may name those of executables for the agent to run",
    default: [],
    shown: "none",
    parse: absoluteDirectories,
  }),
  remoteBrokers: setting<readonly string[]>({
    env: "MUSTER_REMOTE_BROKERS",
    programs: ["agent"],
    help: "hosts, with commas between, to whose brokers the console may send an agent and its secret, beside that of the agent's own settings",
    default: [],
    shown: "none",
    parse: listOf,
  }),
  fetchFrom: setting<readonly string[]>({
    env: "MUSTER_FETCH_FROM",
    programs: ["agent"],
    help: "directories, with commas between, whose files the console may fetch, also from directories in them",
    default: [],
    shown: "none",
    parse: absoluteDirectories,
  }),
  putInto: setting<readonly string[]>({
    env: "MUSTER_PUT_INTO",
    programs: ["agent"],
    help: "directories, with commas between, into which the console may put files, also into directories in them",
    default: [],
    shown: "none",
    parse: absoluteDirectories,
  }),
  metricsSocket: text<string | undefined>({
    env: "MUSTER_METRICS_SOCKET",
    programs: ["agent"],
    help: "local socket where programs on the agent's machine leave metrics of their own; off for none",
    default: undefined,
    shown: "agent/metrics.sock in the data directory",
  }),
  metricsDirectory: text<string | undefined>({
    env: "MUSTER_METRICS_DIRECTORY",
    programs: ["agent"],
    help: "directory of executables that the agent runs with each sample, and that print metrics",
    default: undefined,
    shown: "none",
  }),
  historyAge: durationSetting<number>({
    env: "MUSTER_HISTORY_AGE",
    programs: ["console"],
    help: "how long the embedded store keeps samples",
    default: 7 * day,
    // Less is gone before anybody has looked at it.
    min: minute,
    max: century,
  }),
  historyMinutes: durationSetting<number>({
    env: "MUSTER_HISTORY_MINUTES",
    programs: ["console"],
    help: "how long it keeps what each minute of them comes to: the mean, the least and the greatest value, the last state",
    default: 90 * day,
    min: minute,
    max: century,
  }),
  historyQuarters: durationSetting<number>({
    env: "MUSTER_HISTORY_QUARTERS",
    programs: ["console"],
    help: "how long it keeps the same of each quarter of an hour",
    default: 730 * day,
    min: minute,
    max: century,
  }),
  historySize: roomSetting({
    env: "MUSTER_HISTORY_SIZE",
    programs: ["console"],
    help: "MiB that the embedded store takes at most",
    default: 256 * MiB,
    min: MiB,
    max: 1_000_000 * MiB,
  }),
  fieldTypes: setting<ReadonlyMap<string, FieldType>>({
    env: "MUSTER_FIELD_TYPES",
    programs: ["console"],
    help: "types of fields, with commas between: counter.n=integer, room.window=string; float, integer, string or boolean",
    default: new Map(),
    shown: "what comes first decides",
    parse: parseFieldTypes,
  }),
  seriesBudget: wholeSetting({
    env: "MUSTER_SERIES_BUDGET",
    programs: ["console"],
    help: "series that one device may have; what is beyond is set aside",
    default: 1_000,
    min: 1,
    max: 1_000_000,
  }),
  spoolSize: roomSetting({
    env: "MUSTER_SPOOL_SIZE",
    programs: ["console"],
    help: "MiB of simple samples that wait on the console's disk while the store is away",
    default: 64 * MiB,
    min: MiB,
    max: 100_000 * MiB,
  }),
  hosts: setting<readonly string[]>({
    env: "MUSTER_HOSTS",
    programs: ["broker", "console", "mosquitto"],
    help: "names by which browsers and devices reach Muster, with commas between, as of a proxy before it, and addresses that its certificate is to have; this machine's own are known",
    default: [],
    shown: "none",
    parse: hostNames,
  }),
  trustedProxies: setting<TrustedProxies>({
    env: "MUSTER_TRUSTED_PROXIES",
    programs: ["broker", "console"],
    help: "addresses or networks of proxies before Muster, with commas between, whose X-Forwarded-For, -Proto and -Host are believed",
    default: new TrustedProxies(),
    shown: "none",
    parse: (given) => new TrustedProxies(listOf(given)),
  }),
  oidcIssuer: setting<string | undefined>({
    env: "MUSTER_OIDC_ISSUER",
    programs: ["console"],
    help: "identity provider by which people may log in (OpenID Connect): https://accounts.example.org",
    default: undefined,
    shown: "none",
    parse: issuerUrl,
  }),
  oidcClientId: text<string | undefined>({
    env: "MUSTER_OIDC_CLIENT_ID",
    programs: ["console"],
    help: "what Muster is called there",
    default: undefined,
    shown: "none",
  }),
  oidcClientSecret: text<string | undefined>({
    env: "MUSTER_OIDC_CLIENT_SECRET",
    programs: ["console"],
    help: "its secret there",
    default: undefined,
    shown: "none: a public client",
    secret: true,
  }),
  oidcRoles: setting<readonly ClaimRule[]>({
    env: "MUSTER_OIDC_ROLES",
    programs: ["console"],
    help: "who from there gets which role, and which groups of devices, by what the provider says of them: team=ops:admin, team=lab:operator@lab+field; the first that fits, and nobody else comes in",
    default: [],
    shown: "nobody comes in",
    parse: parseClaimRules,
  }),
  oidcName: text<string>({
    env: "MUSTER_OIDC_NAME",
    programs: ["console"],
    help: "the claim by which an account from there is called",
    default: "preferred_username",
  }),
  oidcScope: text<string>({
    env: "MUSTER_OIDC_SCOPE",
    programs: ["console"],
    help: "what the provider is asked to tell, with spaces between",
    default: "openid profile email",
  }),
  reportWeekly: setting<readonly string[]>({
    env: "MUSTER_REPORT_WEEKLY",
    programs: ["console"],
    help: "channels of notifications, with commas between, by which a report goes out each Monday at 7:00",
    default: [],
    shown: "none",
    parse: channelNames,
  }),
  reportMonthly: setting<readonly string[]>({
    env: "MUSTER_REPORT_MONTHLY",
    programs: ["console"],
    help: "channels of notifications, with commas between, by which a report goes out on the first of each month at 7:00",
    default: [],
    shown: "none",
    parse: channelNames,
  }),
  reportZone: setting<string>({
    env: "MUSTER_REPORT_ZONE",
    programs: ["console"],
    help: "the time zone whose mornings, weeks and months these reports are of: Europe/Berlin",
    default: "UTC",
    parse: timeZone,
  }),
  publicUrl: setting<string | undefined>({
    env: "MUSTER_PUBLIC_URL",
    programs: ["console"],
    help: "where browsers reach the page, for what leads there from outside: notices of alerts; https://muster.example.org",
    default: undefined,
    shown: "MUSTER_OIDC_ORIGIN",
    parse: pageOrigin,
  }),
  oidcOrigin: setting<string | undefined>({
    env: "MUSTER_OIDC_ORIGIN",
    programs: ["console"],
    help: "where browsers reach the page, as the provider sends them back there: https://muster.example.org",
    default: undefined,
    shown: "MUSTER_PUBLIC_URL, or by MUSTER_LISTEN and the first of MUSTER_HOSTS",
    parse: pageOrigin,
  }),
  root: setting({
    env: "MUSTER_ROOT",
    programs: [...atWork, "check-broker", "conform"],
    help: "first level of every topic",
    default: usualRoot,
    parse: topicRoot,
  }),
  mqttVersion: choiceSetting<4 | 5 | "auto">([4, 5, "auto"], {
    env: "MUSTER_MQTT_VERSION",
    programs: ["console", "agent"],
    help: "MQTT version to speak to an external broker: 4 (3.1.1), 5, or auto",
    default: "auto",
  }),
  logLevel: choiceSetting<LogLevel>(["debug", "info", "warn", "error", "silent"], {
    env: "MUSTER_LOG_LEVEL",
    programs: [...atWork, "conform"],
    help: "debug, info, warn, error or silent",
    default: "info",
  }),
  url: setting<string | undefined>({
    env: "MUSTER_URL",
    programs: ["enroll", "device", "client"],
    help: "the console that the command line talks to",
    default: undefined,
    shown: "http://127.0.0.1:3000, or what MUSTER_LISTEN and MUSTER_HTTP_PORT say",
    parse: parseConsoleUrl,
  }),
  token: text<string | undefined>({
    env: "MUSTER_TOKEN",
    programs: ["enroll", "device", "client"],
    help: "bearer token, or NAME:PASSWORD, of the command line",
    default: undefined,
    shown: "the local console's, from the data directory",
    secret: true,
  }),
};

export type SettingName = keyof typeof settings;
export type Settings = { readonly [K in SettingName]: (typeof settings)[K] extends Setting<infer T> ? T : never };

export const settingNames = Object.keys(settings) as SettingName[];

type AnySetting = Setting<unknown> & Partial<Omit<BoundedSetting<number>, keyof Setting<number>>>;

/** What is known of a setting, whatever its type. */
export function settingOf(name: SettingName): AnySetting {
  return settings[name];
}

/** Which settings a program takes; `start` is broker, console and agent in one. */
export function settingsOf(program: Program | "start"): SettingName[] {
  const those: readonly Program[] = program === "start" ? ["broker", "console", "agent"] : [program];
  return settingNames.filter((name) => settings[name].programs.some((one) => those.includes(one)));
}

/** Settings that may hold a secret. */
export const secretNames: readonly SettingName[] = settingNames.filter((name) => settingOf(name).secret);

/** How a setting's default reads. */
export function defaultOf(name: SettingName): string {
  const { shown, default: plain, write } = settingOf(name);
  if (shown !== undefined) return shown;
  return typeof plain === "number" && write ? write(plain) : String(plain);
}

/** From where to where a setting goes; undefined where it is no number. */
export function rangeOf(name: SettingName): string | undefined {
  const { min, max, write, unit } = settingOf(name);
  if (min === undefined || max === undefined || !write) return undefined;
  return `${write(min)} to ${write(max)}${unit === undefined ? "" : ` ${unit}`}`;
}

/** What `--help` says of a setting. */
export function helpOf(name: SettingName): string {
  const { help, env } = settingOf(name);
  const range = rangeOf(name);
  return `${help} [${env}] (${[defaultOf(name), range].filter(Boolean).join("; ")})`;
}

export function flagOf(name: SettingName): string {
  return `--${kebab(name)}`;
}

/** A setting's key in a file. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
