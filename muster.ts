#!/usr/bin/env node
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDiskFull } from "#disk/full-disk";
import { brokerHere, consoleHere, parseBrokerUrl } from "#shared/address";
import type { Bus } from "#shared/bus";
import { systemClock as clock } from "#shared/clock";
import { CommandLine } from "#shared/commandline";
import { descriptorLimit, portsWithin, type Ports } from "#shared/descriptors";
import { asError, BadInputError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import { Net } from "#shared/net";
import { secretFrom } from "#shared/secret-input";
import { serve } from "#shared/service";
import { intervalInStart, type SettingName, type Settings } from "#shared/settings";
import { version } from "#shared/version";
import {
  addOperator,
  admitAdmin,
  adminWasShown,
  enroll,
  prepareMosquitto,
  removeDevice,
  shownOnce,
  type Administration,
  type MosquittoFiles,
} from "./console/cli/accounts.ts";
import { clientCommands } from "./console/cli/program.ts";
import { brokerOf, elsewhere, idsOf, plan, simFlags, simulatedSecretVariable, type SimFlags } from "./sim/flags.ts";
import { brokersPort } from "./console/secrets.ts";
import type { TurnedAway } from "./broker/admission.ts";
import type { MosquittoSide } from "./broker/mosquitto-side.ts";
import type { Examined } from "./console/cli/doctor.ts";
import type { Console } from "./console/console.ts";
import type { AccountChange } from "./console/accounts.ts";
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
/** Milliseconds that a start waits for a broker of somebody else's before it says that it is not there: it goes on trying. */
const patienceAtStart = 1_000;

const doctorsHelp = `
Without --mend nothing is changed, and a console or agent may be at work in the directory. Each file is looked at page by page, and each
row by the reader that the console or agent has for it. Exit status: 0 nothing is damaged, or all of it was mended; 1 something is damaged.`;

const checkHelp = `
The URL holds the login that the console is to have, mqtt://NAME:SECRET@HOST:PORT; in MUSTER_MQTT_URL no other user of this machine can read
it. It takes some ten seconds, over topics that are nobody's, and leaves nothing behind. Where a name has one connection, as at Mosquitto with
the shipped settings, a console that is connected under it is cut off meanwhile.
Exit status: 0 Muster works with the broker; 1 it does not.`;

const line = new CommandLine(
  "muster",
  "Muster gathers a fleet over MQTT: metrics in, commands out, none lost.",
  version,
);
line
  .command("start", "run the broker, the console and an agent for this machine in one process", "start")
  .action(line.serve(start));
line.command("broker", "run the embedded broker alone", "broker").action(line.serve(startBroker));
line.command("console", "run the console alone, beside a broker", "console").action(line.serve(startConsole));
line.command("agent", "run the agent alone", "agent").action(line.serve(startAgent));
line
  .command("enroll <device>", "give a device an account, and print its secret once", "enroll")
  .action(administer(enroll));
line
  .command("device <name>", "take a device away", "device")
  .option("--remove", "its account, connections, open commands, groups and all that is known of it; its samples stay")
  .option("--yes", "without a question")
  .action(administer(removeDevice));
line
  .command(
    "operator <name>",
    "give a person or program an account, and print its password once; without options, an account that exists gets a new password",
    "operator",
  )
  .option("--role <role>", "viewer, operator or admin; operator by default. An account that exists keeps its password")
  .option("--password [password]", "instead of a generated one: asked for, or - for standard input")
  .option("--password-file <file>", "the same from a file's first line")
  .option(
    "--mqtt",
    "make a secret for MQTT alone, which an external Mosquitto wants; the account must exist, and stays as it is",
  )
  .option("--no-mqtt", "take the secret for MQTT away")
  .option("--remove", "take the account away, and end what is open with it")
  .option("--yes", "with --remove: without a question")
  .action(administer(addOperator));
line
  .command("mosquitto", "write the password and access files for an external Mosquitto", "mosquitto")
  .option("--no-admin", "make no secret for MQTT for admin")
  .action(administer(prepareMosquitto));
simFlags(
  line.command(
    "sim",
    "run simulated devices: to try everything out without any, and to load a broker and a console",
    "sim",
  ),
).action(line.once(simulate));
line
  .command(
    "doctor",
    "look at a data directory, a console's or an agent's: what is in it, and what is damaged",
    "doctor",
  )
  .option("--mend", "set aside what is damaged, as a start would do it; what works in the directory must be stopped")
  .addHelpText("after", doctorsHelp)
  .action(line.once(doctor));
line
  .command(
    "check-broker [url]",
    "look at a broker of somebody else's: what Muster needs of it, and what to know of it",
    "check-broker",
  )
  .option(
    "--second-account [name:secret]",
    "a device's account, to see whether it can read and write what is another's",
  )
  .option("--second-account-file <file>", "the same from a file's first line")
  .addHelpText("after", checkHelp)
  .action(line.once(checkBroker));
clientCommands(line);
await line.run();

/**
 * Broker, console and agent, each on the one before; the console sits on the embedded broker without a socket. The broker listens last and
 * stops first: what it acknowledges, the console has.
 */
async function start(values: Settings, given: ReadonlySet<SettingName>, lifetime: Lifetime, net: Net): Promise<void> {
  const state = await openData(values, lifetime, true);
  const password = await admitAdmin(state, values.adminPassword);
  const around = { lifetime, net, ports: await portsOf(values, { mqtt: values.mqttUrl === undefined, http: true }) };
  const embedded = values.mqttUrl === undefined ? await openBroker(values, state, around) : undefined;
  const { http, console } = await serveConsole(values, state, around, embedded?.bus);
  embedded?.onTurnedAway((who) => console.turnedAway(who));
  const broker = (await embedded?.listen(() => console.goodbye())) ?? values.mqttUrl ?? "";
  const { localSecret } = await import("./console/secrets.ts");
  const { serveAgent } = await import("./agent/service.ts");
  const agent = {
    ...values,
    mqttUrl: parseBrokerUrl(broker).url,
    interval: given.has("interval") ? values.interval : intervalInStart,
    mqttVersion: embedded ? (4 as const) : values.mqttVersion,
  };
  const secret = await localSecret(state, values.device, "device");
  await serveAgent(agent, secret, { lifetime, net });
  if (values.mqttUrl !== undefined) await keepMosquittoFiles(values, state, lifetime);
  const { banner } = await import("./console/cli/banner.ts");
  process.stdout.write(
    banner({
      http,
      broker,
      external: embedded ? undefined : { problem: await console.reachBroker(patienceAtStart) },
      password,
      device: values.device,
      root: values.root,
      listen: values.listen,
    }),
  );
  adminWasShown(state);
}

async function startBroker(
  values: Settings,
  _given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: Net,
): Promise<void> {
  const state = await openData(values, lifetime, false);
  const password = await admitAdmin(state, values.adminPassword);
  const broker = await openBroker(values, state, {
    lifetime,
    net,
    ports: await portsOf(values, { mqtt: true, http: false }),
  });
  const url = await broker.listen();
  process.stdout.write(`Muster's broker listens at ${url}\n`);
  if (password !== undefined) process.stdout.write(`${shownOnce(password)}\n`);
  adminWasShown(state);
}

async function startConsole(
  values: Settings,
  _given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: Net,
): Promise<void> {
  const state = await openData(values, lifetime, true);
  const password = await admitAdmin(state, values.adminPassword);
  const { http, console } = await serveConsole(values, state, {
    lifetime,
    net,
    ports: await portsOf(values, { mqtt: false, http: true }),
  });
  if (values.mqttUrl !== undefined) await keepMosquittoFiles(values, state, lifetime);
  const { externalBroker } = await import("./console/cli/banner.ts");
  const problem = await console.reachBroker(patienceAtStart);
  process.stdout.write(`Muster's console listens at ${http}\n`);
  process.stdout.write(`  ${externalBroker(values.mqttUrl ?? brokerHere(values), { problem })}\n`);
  if (password !== undefined) process.stdout.write(`${shownOnce(password)}\n`);
  adminWasShown(state);
}

async function startAgent(
  values: Settings,
  given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: Net,
): Promise<void> {
  const { runAgent } = await import("./agent/service.ts");
  const { readSecret } = await import("./console/secrets.ts");
  await runAgent(values, given, lifetime, net, (device) => readSecret(values.data, device));
}

/** Looks at what is in a data directory, a console's or an agent's or both, and says what is damaged; `mend` sets that aside. */
async function doctor({ data }: Settings, { mend = false }: { mend?: boolean }): Promise<void> {
  const { isConsoles, lookAtConsole } = await import("./console/doctor/look.ts");
  const { isAgents, lookAtAgent, mendAgent } = await import("./agent/doctor.ts");
  const { mendConsole } = await import("./console/doctor/mend.ts");
  const { damagedIn, doctorsReport } = await import("./console/cli/doctor.ts");
  const agents = [data, join(data, "agent")].filter(isAgents);
  const consoles = [data].filter(isConsoles);
  if (agents.length + consoles.length === 0)
    throw new BadInputError(
      `there is nothing of Muster's in ${data}: name the directory of a console or an agent with --data. If there was something, see whether its disk is mounted`,
    );
  const examined: Examined[] = [];
  for (const directory of consoles) {
    const mended = mend ? mendConsole(directory, clock) : [];
    examined.push({ directory, whose: "a console's", findings: [...mended, ...lookAtConsole(directory)] });
  }
  for (const directory of agents) {
    const mended = mend ? await mendAgent(directory) : [];
    examined.push({ directory, whose: "an agent's", findings: [...mended, ...lookAtAgent(directory)] });
  }
  process.stdout.write(`${doctorsReport(examined, mend)}\n`);
  if (damagedIn(examined) > 0) process.exitCode = 1;
}

/** Says in words what a broker is like, for Muster. */
async function checkBroker(
  { root, mqttUrl }: Settings,
  given: string | undefined,
  { secondAccount, secondAccountFile }: { secondAccount?: string | true; secondAccountFile?: string },
): Promise<void> {
  const { checkBroker: check } = await import("./console/check-broker/check-broker.ts");
  const report = await import("./console/cli/check-broker.ts");
  const url = given ?? mqttUrl;
  if (url === undefined)
    throw new BadInputError("which broker? Expected a URL such as mqtt://console:SECRET@host:1883, or MUSTER_MQTT_URL");
  const account = { flag: "--second-account", value: secondAccount, file: secondAccountFile };
  const other = await secretFrom(account);
  const options = { ...report.brokerToCheck(url), root, ...(other ? { second: report.secondAccount(other) } : {}) };
  const found = await check(options, (finding) => process.stdout.write(`${report.findingLine(finding)}\n`));
  process.stdout.write(`${report.brokersVerdict(found)}\n`);
  if (found.some(({ mark }) => mark === "bad")) process.exitCode = 1;
}

/** Simulated devices; where the console's data directory is at hand they are enrolled first. */
async function simulate(values: Settings, flags: SimFlags): Promise<void> {
  const ids = idsOf(flags);
  const options = { ids, ...brokerOf(flags, values), ...plan(flags, ids.length) };
  const given = await secretFrom({ flag: "--secret", value: flags.secret, file: flags.secretFile });
  const secret = given ?? process.env[simulatedSecretVariable] ?? (await enrollSimulated(values, ids));
  if (flags.enroll) return void process.stdout.write(`${elsewhere(flags, secret, brokersPort(values))}\n`);
  const { root, interval, batchSize, logLevel } = values;
  const { runSim } = await import("./sim/program.ts");
  const log = createLog("sim", logLevel);
  await serve(
    (lifetime) => runSim({ ...options, secret, root, interval, batchSize, clock, log }, { ...flags, lifetime }),
    new Net(log, clock),
  );
}

async function enrollSimulated(values: Settings, ids: readonly string[]): Promise<string> {
  if (!existsSync(join(values.data, "muster.db")))
    throw new BadInputError(
      `there is no console's data in ${values.data}: start Muster first (npx muster start) and run this beside it, set MUSTER_DATA to its directory, or set ${simulatedSecretVariable}`,
    );
  const { openState } = await import("./console/state.ts");
  const { simulatedSecret } = await import("./console/secrets.ts");
  const state = openState(values.data, clock, createLog("console", values.logLevel), { syncsEach: true });
  try {
    const secret = await simulatedSecret(state, ids);
    await writeMosquittoFiles(await mosquittoSide(values), state);
    return secret;
  } finally {
    state.close();
  }
}

/** What every part that serves is given: where to say how it is stopped, and the one net of the process. */
interface Around {
  readonly lifetime: Lifetime;
  readonly net: Net;
  readonly ports: Ports;
}

/** How many connections each port takes: fewer than it could where the system does not give the process as many descriptors. */
async function portsOf({ logLevel }: Settings, serves: { mqtt: boolean; http: boolean }): Promise<Ports> {
  const { defaultLimits } = await import("./broker/limits.ts");
  const { httpBounds } = await import("./console/http/connections.ts");
  const wanted = {
    mqtt: serves.mqtt ? defaultLimits.connections : 0,
    http: serves.http ? httpBounds.connections : 0,
  };
  const limit = descriptorLimit();
  const ports = portsWithin(limit, wanted);
  if (ports.mqtt < wanted.mqtt || ports.http < wanted.http)
    createLog("muster", logLevel).warn(
      { limit, ...ports },
      `the system allows ${limit ?? 0} open files: room for ${ports.mqtt} MQTT and ${ports.http} HTTP connections; raise it (ulimit -n, or LimitNOFILE= of systemd) for more`,
    );
  return ports;
}

/** The embedded broker, for this process alone until it listens. */
interface OpenBroker {
  readonly bus: Bus;
  /** Tells from now on of everybody who is not let in. */
  readonly onTurnedAway: (listener: (who: TurnedAway) => void) => void;
  /** Takes the port. @param parting what is still to be said when it is to stop @returns where it listens */
  readonly listen: (parting?: () => Promise<void>) => Promise<string>;
}

async function openBroker(
  values: Settings,
  { accounts, mqttSecrets, persist }: State,
  { lifetime, net, ports }: Around,
): Promise<OpenBroker> {
  const { Broker } = await import("./broker/broker.ts");
  const { noteBroker } = await import("./console/secrets.ts");
  const { listen, root, mqttPort, logLevel } = values;
  const authenticate: State["mqttSecrets"]["verify"] = (...login) => mqttSecrets.verify(...login);
  let turnedAway: (who: TurnedAway) => void = () => {};
  const broker = new Broker({
    turnedAway: (who) => turnedAway(who),
    listen,
    port: mqttPort,
    root,
    authenticate,
    limits: { connections: ports.mqtt },
    names: ownNames(values),
    proxies: values.trustedProxies,
    clock,
    net,
    log: createLog("broker", logLevel),
  });
  await broker.open();
  lifetime.add(() => broker.stop());
  return {
    bus: broker.local(),
    onTurnedAway: (listener) => (turnedAway = listener),
    listen: async (parting) => {
      const { port } = await broker.start();
      lifetime.add(async () => {
        await parting?.();
        await broker.stop();
      });
      const url = brokerHere({ listen, mqttPort: port });
      persist.write("the broker's port", () => noteBroker(values.data, url));
      const end = ({ name, what }: AccountChange): void => {
        if (what === "account") broker.disconnect(name, accounts.find(name) === undefined);
      };
      lifetime.add(accounts.changes.on(end));
      return url;
    },
  };
}

/** @param bus the embedded broker's; without it, a connection to the broker at `mqttUrl` */
async function serveConsole(
  values: Settings,
  state: State,
  { lifetime, net, ports }: Around,
  bus?: Bus,
): Promise<{ console: Console; http: string }> {
  const { Console } = await import("./console/console.ts");
  const { HttpServer } = await import("./console/http/server.ts");
  const { localSecret, noteBroker, writeCliToken } = await import("./console/secrets.ts");
  const { data: directory, influxUrl, influxRetention, root, mqttVersion, listen, historyAge, historySize } = values;
  const { fieldTypes, seriesBudget, spoolSize } = values;
  const log = createLog("console", values.logLevel);
  const console = new Console({
    directory,
    state,
    root,
    log,
    clock,
    net,
    mqttVersion,
    history: { maxAge: historyAge, maxBytes: historySize },
    fieldTypes,
    seriesBudget,
    spoolBytes: spoolSize,
    ...(influxUrl === undefined ? {} : { influxUrl }),
    ...(influxRetention === undefined ? {} : { influxRetention }),
    ...(bus ? { bus } : await consoleLogin(values, () => localSecret(state, "console", "console"))),
  });
  await console.start();
  lifetime.add(() => console.stop());
  // Beside the built program, or where the build puts it when this file runs as it is.
  const page = ["web", "dist/web"].map((path) => fileURLToPath(new URL(path, import.meta.url))).find(existsSync);
  const server = new HttpServer({
    console,
    accounts: state.accounts,
    listen,
    port: values.httpPort,
    page,
    bounds: { connections: ports.http },
    names: ownNames(values),
    proxies: values.trustedProxies,
    log,
    clock: console.clock,
  });
  const port = await server.start();
  lifetime.add(() => server.stop());
  const http = consoleHere({ listen, httpPort: port });
  let admin = state.accounts.mainAdmin() ?? "admin";
  // On a full disk those of before stand until there is room.
  state.persist.write("the command line's token", () => writeCliToken(state, admin, http));
  const { mqttUrl } = values;
  if (mqttUrl !== undefined) state.persist.write("the broker's port", () => noteBroker(directory, mqttUrl));
  // A new password ends all tokens of its account; this machine's command line gets another one.
  const renew = ({ name, what }: AccountChange): void => {
    if (what !== "account" || name !== admin) return;
    admin = state.accounts.mainAdmin() ?? admin;
    state.persist.write("the command line's token", () => writeCliToken(state, admin, http));
  };
  lifetime.add(state.accounts.changes.on(renew));
  return { console, http };
}

async function consoleLogin(
  values: Settings,
  ownSecret: () => Promise<string>,
): Promise<{ url: string; username: string; password: string }> {
  const login = parseBrokerUrl(values.mqttUrl ?? brokerHere(values));
  if (login.username) return login;
  return { url: login.url, username: "console", password: await ownSecret() };
}

/** What browsers may call this Muster. */
function ownNames({ listen, hosts }: Settings): readonly string[] {
  return [hostname(), `${hostname()}.local`, listen, ...hosts];
}

/** @param serves whether a console is to work with it */
async function openData({ data, logLevel }: Settings, lifetime: Lifetime, serves: boolean): Promise<State> {
  const { openState } = await import("./console/state.ts");
  const { AccountWatch } = await import("./console/account-watch.ts");
  const log = createLog("console", logLevel);
  const state = openState(data, clock, log, { serves });
  lifetime.add(() => state.close());
  const watch = new AccountWatch(data, state.accounts, log);
  watch.start();
  lifetime.add(() => watch.stop());
  return state;
}

/** One of the commands about accounts, on the data directory. */
function administer<A extends unknown[]>(act: (administration: Administration, ...parameters: A) => Promise<void>) {
  return line.once(async (values, ...parameters: A) => {
    const { openState } = await import("./console/state.ts");
    const state = openState(values.data, clock, createLog("console", values.logLevel), { syncsEach: true });
    const out = (text: string): void => void process.stdout.write(`${text}\n`);
    const side = await mosquittoSide(values);
    const changed = new Set<string>();
    state.accounts.changes.on(({ name, what }) => what === "account" && changed.add(name));
    // Whoever uses the embedded broker alone has files for Mosquitto all the same, and need not hear of them each time.
    const isUsed = values.mqttUrl !== undefined || existsSync(join(side.directory, "mosquitto.pid"));
    const writeFiles = (asked = isUsed): Promise<MosquittoFiles> => writeMosquittoFiles(side, state, changed, asked);
    await act({ values, state, writeMosquittoFiles: writeFiles, out }, ...parameters).finally(() => state.close());
  });
}

/** Mosquitto's side of the accounts and of the table of rules, beside the data. */
async function mosquittoSide({ data, root }: Settings): Promise<MosquittoSide> {
  const { MosquittoSide } = await import("./broker/mosquitto-side.ts");
  const side = new MosquittoSide({ directory: join(data, "mosquitto"), root, clock });
  side.start();
  return side;
}

/** @param changed whose connections there end @param told whether there is somebody who wants to hear of it */
async function writeMosquittoFiles(
  side: MosquittoSide,
  { accounts, mqttSecrets }: State,
  changed?: ReadonlySet<string>,
  told = true,
): Promise<MosquittoFiles> {
  const { reloadByHand } = await import("./broker/mosquitto-reload.ts");
  await accounts.synced();
  // People log in there with a secret of few rounds, if they have one; programs have no other.
  const all = accounts.list().flatMap(({ name, role, hash }) => {
    const own = role === "device" || role === "console" ? hash : mqttSecrets.hashOf(name);
    return own === undefined ? [] : [{ name, role, hash: own }];
  });
  const { dear, reload } = await side.write(all, changed);
  if (told && dear.length > 0)
    process.stderr.write(
      `muster: not in Mosquitto's password file, because their secrets were not generated: ${dear.join(", ")}; give them new ones with: npx muster enroll NAME\n`,
    );
  return { directory: side.directory, byHand: told ? reloadByHand(reload) : undefined };
}

/** Milliseconds until it is seen whether a full disk has room for Mosquitto's files. */
const roomAskedEvery = 10_000;

/** Accounts that change while the console runs change at Mosquitto as well. */
async function keepMosquittoFiles(values: Settings, state: State, lifetime: Lifetime): Promise<void> {
  const log = createLog("console", values.logLevel);
  let cancelRetry = (): void => {};
  const side = await mosquittoSide(values);
  let changed = new Set<string>();
  let writing: Promise<void> | undefined;
  let again = false;
  const write = async (): Promise<void> => {
    const ending = changed;
    changed = new Set();
    try {
      const { byHand } = await writeMosquittoFiles(side, state, ending);
      if (byHand !== undefined) log.warn({}, byHand);
    } catch (error) {
      for (const name of ending) changed.add(name);
      log.error({ err: asError(error) }, "Mosquitto's files do not have the newest accounts");
      if (isDiskFull(error)) cancelRetry = clock.after(roomAskedEvery, begin);
    }
    writing = undefined;
    if (again) begin();
  };
  const begin = (): void => {
    cancelRetry();
    again = writing !== undefined;
    writing ??= write();
  };
  // Those of before do for now where there is no room.
  await writeMosquittoFiles(side, state).catch((thrown: unknown) => {
    if (!isDiskFull(thrown)) throw thrown;
    begin();
  });
  const end = state.accounts.changes.on(({ name, what }) => {
    if (what !== "account") return;
    changed.add(name);
    begin();
  });
  lifetime.add(async () => {
    end();
    again = false;
    await writing;
    cancelRetry();
  });
}
