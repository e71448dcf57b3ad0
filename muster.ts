#!/usr/bin/env node
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bus } from "#shared/bus";
import { systemClock as clock } from "#shared/clock";
import { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { Role } from "#shared/principal";
import type { SettingName, Settings } from "#shared/settings";
import { version } from "#shared/version";
import { clientCommands } from "./console/cli/program.ts";
import type { Agent } from "./agent/agent.ts";
import type { Console } from "./console/console.ts";
import type { State } from "./console/state.ts";

/**
 * The command `muster`: the only file that knows all parts.
 *
 * ```text
 *   start = broker + console + agent        broker ◄── in-process bus ── console ── HTTP ── page, CLI
 *   broker | console | agent: each alone       ▲
 *   enroll, operator, mosquitto: accounts      └── MQTT ── agents, mosquitto_pub, mosquitto_sub
 * ```
 *
 * Parts are loaded when they are needed, so that an agent does not pay for the console, nor `send` for the broker.
 */
const common: readonly SettingName[] = ["data", "root", "logLevel"];
const forBroker: readonly SettingName[] = [...common, "listen", "mqttPort", "adminPassword"];
const forConsole: readonly SettingName[] = [
  ...common,
  ...([
    "listen",
    "httpPort",
    "mqttPort",
    "mqttUrl",
    "mqttVersion",
    "influxUrl",
    "historyAge",
    "historySize",
    "adminPassword",
  ] as const),
];
const forAgent: readonly SettingName[] = [
  ...common,
  "device",
  "interval",
  "batchSize",
  "execDirectory",
  "execAllow",
  "rebootCommand",
  "mqttUrl",
  "mqttPort",
  "mqttVersion",
];

const line = new CommandLine(
  "muster",
  "Muster gathers a fleet over MQTT: metrics in, commands out, none lost.",
  version,
);
line
  .command("start", "run the broker, the console and an agent for this machine in one process", [
    ...new Set([...forBroker, ...forConsole, ...forAgent]),
  ])
  .action(line.serve(start));
line.command("broker", "run the embedded broker alone", forBroker).action(line.serve(startBroker));
line.command("console", "run the console alone, beside a broker", forConsole).action(line.serve(startConsole));
line.command("agent", "run the agent alone", forAgent).action(line.serve(startAgent));
line
  .command("enroll <device>", "give a device an account, and print its secret once", [...common, "mqttPort"])
  .action(line.once(enroll));
line
  .command("operator <name>", "give a person or program an account, and print its password once", common)
  .option("--role <role>", "viewer, operator or admin", "operator")
  .option("--password <password>", "instead of a generated one")
  .action(line.once(addOperator));
line
  .command("mosquitto", "write the password and access files for an external Mosquitto", [
    ...common,
    "device",
    "adminPassword",
  ])
  .action(line.once(prepareMosquitto));
clientCommands(line);
await line.run();

/** Broker, console and agent, each on the one before; the console sits on the embedded broker without a socket. */
async function start(values: Settings, given: ReadonlySet<SettingName>, lifetime: Lifetime): Promise<void> {
  const state = await openData(values, lifetime);
  const password = await admitAdmin(state, values);
  const embedded = values.mqttUrl === undefined ? await serveBroker(values, state, lifetime) : undefined;
  const { http } = await serveConsole(values, state, lifetime, embedded?.bus);
  const broker = embedded?.url ?? values.mqttUrl ?? "";
  const { localSecret } = await import("./console/secrets.ts");
  const agent = {
    ...values,
    mqttUrl: withoutLogin(broker),
    interval: given.has("interval") ? values.interval : 1_000,
    mqttVersion: embedded ? (4 as const) : values.mqttVersion,
  };
  const secret = await localSecret(state, values.device, "device");
  await serveAgent(agent, secret, lifetime);
  if (values.mqttUrl !== undefined) await writeMosquittoFiles(values, state);
  const { banner } = await import("./console/cli/banner.ts");
  process.stdout.write(
    banner({ http, broker, password, device: values.device, root: values.root, listen: values.listen }),
  );
}

async function startBroker(values: Settings, _given: ReadonlySet<SettingName>, lifetime: Lifetime): Promise<void> {
  const state = await openData(values, lifetime);
  const password = await admitAdmin(state, values);
  const { url } = await serveBroker(values, state, lifetime);
  process.stdout.write(`Muster's broker listens at ${url}\n`);
  if (password !== undefined) process.stdout.write(`operator admin, password ${password} (shown this once)\n`);
}

async function startConsole(values: Settings, _given: ReadonlySet<SettingName>, lifetime: Lifetime): Promise<void> {
  const state = await openData(values, lifetime);
  const password = await admitAdmin(state, values);
  const { http } = await serveConsole(values, state, lifetime);
  process.stdout.write(`Muster's console listens at ${http}\n`);
  if (password !== undefined) process.stdout.write(`operator admin, password ${password} (shown this once)\n`);
}

async function startAgent(values: Settings, given: ReadonlySet<SettingName>, lifetime: Lifetime): Promise<void> {
  const login = values.mqttUrl === undefined ? undefined : new URL(values.mqttUrl);
  const device = !given.has("device") && login?.username ? decodeURIComponent(login.username) : values.device;
  const { readSecret } = await import("./console/secrets.ts");
  const secret = login?.password ? decodeURIComponent(login.password) : readSecret(values.data, device);
  if (secret === undefined) {
    throw new BadInputError(
      `no secret for ${device}: on the console's machine run "muster enroll ${device}", then here set MUSTER_MQTT_URL as it prints it`,
    );
  }
  const url = withoutLogin(values.mqttUrl ?? `mqtt://127.0.0.1:${values.mqttPort}`);
  const agent = await serveAgent({ ...values, device, mqttUrl: url }, secret, lifetime, respawn);
  process.stdout.write(`agent ${device} reports to ${url}\n`);
  const reason = await agent.finished;
  process.stdout.write(`agent ${device} has ended: ${reason}\n`);
  if (reason.startsWith("refused")) process.exitCode = 1;
}

async function enroll(values: Settings, device: string): Promise<void> {
  await withData(values, async (state) => {
    const secret = state.accounts.set(device, "device");
    await writeMosquittoFiles(values, state);
    process.stdout.write(
      [
        `${device} is enrolled; its secret is shown this once. On the device:`,
        `  MUSTER_MQTT_URL=mqtt://${device}:${secret}@THIS-HOST:${values.mqttPort} npx muster agent`,
        `or from anything that speaks MQTT:`,
        `  mosquitto_pub -h THIS-HOST -p ${values.mqttPort} -i ${device} -u ${device} -P ${secret} -t ${values.root}/${device}/metrics/room -m '{"temperature":21.5}'`,
        "",
      ].join("\n"),
    );
  });
}

async function addOperator(
  values: Settings,
  name: string,
  options: { role: string; password?: string },
): Promise<void> {
  if (!["viewer", "operator", "admin"].includes(options.role))
    throw new BadInputError(`--role is "${options.role}": expected viewer, operator or admin`);
  await withData(values, async (state) => {
    const password = state.accounts.set(name, options.role as Role, options.password);
    await writeMosquittoFiles(values, state);
    process.stdout.write(
      options.password === undefined
        ? `${name} (${options.role}), password ${password} (shown this once)\n`
        : `${name} (${options.role})\n`,
    );
  });
}

async function prepareMosquitto(values: Settings): Promise<void> {
  await withData(values, async (state) => {
    const { localSecret } = await import("./console/secrets.ts");
    await localSecret(state, "console", "console");
    await localSecret(state, values.device, "device");
    const password = await admitAdmin(state, values);
    const directory = await writeMosquittoFiles(values, state);
    process.stdout.write(`wrote ${directory}/passwd and ${directory}/acl; now run: mosquitto -c mosquitto.conf\n`);
    process.stdout.write(`then the console: MUSTER_MQTT_URL=mqtt://127.0.0.1:1883 npx muster start\n`);
    if (password !== undefined) process.stdout.write(`operator admin, password ${password} (shown this once)\n`);
  });
}

async function serveBroker(
  values: Settings,
  { accounts }: State,
  lifetime: Lifetime,
): Promise<{ bus: Bus; url: string }> {
  const { Broker } = await import("./broker/broker.ts");
  const { listen, root, mqttPort, logLevel } = values;
  const authenticate = (name: string, secret: Buffer): ReturnType<State["accounts"]["verify"]> =>
    accounts.verify(name, secret);
  const broker = new Broker({ listen, port: mqttPort, root, authenticate, clock, log: createLog("broker", logLevel) });
  const { port } = await broker.start();
  lifetime.add(() => broker.stop());
  return { bus: broker.local(), url: `mqtt://${listen}:${port}` };
}

/** @param bus the embedded broker's; without it, a connection to the broker at `mqttUrl` */
async function serveConsole(
  values: Settings,
  state: State,
  lifetime: Lifetime,
  bus?: Bus,
): Promise<{ console: Console; http: string }> {
  const { Console } = await import("./console/console.ts");
  const { HttpServer } = await import("./console/http/server.ts");
  const { localSecret, writeCliToken } = await import("./console/secrets.ts");
  const { data: directory, influxUrl, root, mqttVersion, listen, historyAge, historySize } = values;
  const log = createLog("console", values.logLevel);
  const console = new Console({
    directory,
    state,
    root,
    log,
    clock,
    mqttVersion,
    history: { maxAge: historyAge, maxBytes: historySize * 1024 * 1024 },
    ...(influxUrl === undefined ? {} : { influxUrl }),
    ...(bus ? { bus } : await consoleLogin(values, () => localSecret(state, "console", "console"))),
  });
  await console.start();
  lifetime.add(() => console.stop());
  const page = fileURLToPath(new URL("web", import.meta.url));
  const server = new HttpServer({ console, accounts: state.accounts, listen, port: values.httpPort, page, log, clock });
  const port = await server.start();
  lifetime.add(() => server.stop());
  writeCliToken(state, "admin");
  return { console, http: `http://${listen}:${port}` };
}

async function consoleLogin(
  values: Settings,
  ownSecret: () => Promise<string>,
): Promise<{ url: string; username: string; password: string }> {
  const url = values.mqttUrl ?? `mqtt://127.0.0.1:${values.mqttPort}`;
  const { username, password } = new URL(url);
  if (username)
    return { url: withoutLogin(url), username: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { url, username: "console", password: await ownSecret() };
}

/** @param restart how `restart` begins anew; without it, as another run in this process */
async function serveAgent(
  values: Settings,
  password: string,
  lifetime: Lifetime,
  restart?: () => void,
): Promise<Agent> {
  const { Agent } = await import("./agent/agent.ts");
  const { device, mqttUrl: url = "", interval, batchSize, root, mqttVersion, logLevel, rebootCommand } = values;
  const log = createLog("agent", logLevel);
  const directory = join(values.data, "agent");
  const reboot = rebootCommand === undefined ? {} : { rebootCommand: rebootCommand.split(/\s+/) };
  const options = { device, url, password, interval, batchSize, root, mqttVersion, directory, log, clock, ...reboot };
  let current: Agent;
  const begin = (): Agent => {
    current = new Agent({ ...options, restart: restart ?? begin });
    current.start();
    void current.finished.then((reason) => log.info({ device, reason }, "the agent has stopped"));
    return current;
  };
  const first = begin();
  lifetime.add(() => current.stop());
  return first;
}

/** The process once more, then the end of this one; a service manager is left to begin it anew itself. */
function respawn(): void {
  const managed = process.pid === 1 || process.env["INVOCATION_ID"] !== undefined;
  if (!managed) spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(managed ? restartStatus : 0);
}

/** EX_TEMPFAIL: a service manager that restarts on failure restarts on this. */
const restartStatus = 75;

/** The password that was made for the first administrator; undefined where there is one, or the settings give it. */
async function admitAdmin({ accounts }: State, { adminPassword }: Settings): Promise<string | undefined> {
  if (adminPassword !== undefined) {
    if (!(await accounts.verify("admin", adminPassword))) accounts.set("admin", "admin", adminPassword);
    return undefined;
  }
  return accounts.find("admin") ? undefined : accounts.set("admin", "admin");
}

async function openData({ data }: Settings, lifetime: Lifetime): Promise<State> {
  const { openState } = await import("./console/state.ts");
  const state = openState(data, clock);
  lifetime.add(() => state.close());
  return state;
}

async function withData(values: Settings, work: (state: State) => Promise<void>): Promise<void> {
  const { openState } = await import("./console/state.ts");
  const state = openState(values.data, clock);
  await work(state).finally(() => state.close());
}

/** Mosquitto's side of the accounts and of the table of rules, beside the data. @returns the directory */
async function writeMosquittoFiles({ data, root }: Settings, { accounts }: State): Promise<string> {
  const { renderAcl, renderPasswords } = await import("./broker/mosquitto.ts");
  const directory = join(data, "mosquitto");
  const all = accounts.list();
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  writeFileSync(join(directory, "passwd"), renderPasswords(all), { mode: 0o600 });
  writeFileSync(join(directory, "acl"), renderAcl(root, all), { mode: 0o600 });
  return directory;
}

function withoutLogin(url: string): string {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href.replace(/\/$/, "");
}
