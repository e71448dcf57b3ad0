import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { brokerHere, parseBrokerUrl } from "#shared/address";
import { systemClock as clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import { formatDuration } from "#shared/duration";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import { createLog, type Log } from "#shared/log";
import { readBundle } from "#shared/pinned-ca";
import { forTerminal } from "#shared/printable";
import type { SettingName, Settings } from "#shared/settings";
import { listOf } from "#shared/settings/kinds";
import { withGivenUmask } from "#shared/umask";
import { Agent, isRefusal, type AgentOptions } from "./agent.ts";
import { ComebackPause } from "./comeback-pause.ts";
import {
  configuredValues,
  machineFaults,
  toldSettings,
  type ConfiguredValues,
} from "./configuration/configured-values.ts";
import { Configuring } from "./configuration/configuring.ts";
import { KeptConfiguration } from "./configuration/kept-configuration.ts";
import type { Handler } from "./commands/handler.ts";
import { ownPlaces } from "./files/own-places.ts";
import { restartStatus } from "./install/starter.ts";
import { IdentityFile, type Joined } from "./join/identity.ts";
import { KeptSecret } from "./join/kept-secret.ts";
import { ServiceManager, systemdAround } from "./service-manager.ts";
import { RecentLog } from "./support/recent-log.ts";
import { buildHere, startedBy, targetHere } from "./update/agent-versions.ts";

/** The settings that an agent is made of. */
type AgentValues = Omit<Settings, "mqttUrl"> & { readonly mqttUrl: string };

/**
 * The agent as a program: by the settings, until it ends by itself. The user name in the broker's URL is the device, unless
 * one was given.
 * @param keptSecret where the URL has no password: a secret that this machine keeps for the device
 * @throws BadInputError when there is no secret
 */
export async function runAgent(
  values: Settings,
  given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: SafetyNet,
  keptSecret: (device: string) => string | undefined = () => undefined,
): Promise<void> {
  const manager = new ServiceManager({ clock, told: systemdAround(process.env) });
  const joined = values.mqttUrl === undefined ? await whoJoined(values, manager) : undefined;
  if (joined) {
    // With a certificate the secret opens nothing, and need not change.
    const secret = joined.certificate === undefined ? keptSecretOf(values) : joined.secret;
    return runToEnd({ ...values, ...joinedValues(joined, given) }, secret, {
      lifetime,
      net,
      manager,
      trust: joined.ca ?? undefined,
      certified: joined.certificate !== undefined,
      joined,
      given,
    });
  }
  const login = parseBrokerUrl(values.mqttUrl ?? brokerHere(values));
  const device = given.has("device") ? values.device : login.username || values.device;
  const secret = login.password || keptSecret(device);
  if (secret === undefined) {
    throw new BadInputError(
      `no secret for ${device}: on the console's machine run "muster enroll ${device}", then here set MUSTER_MQTT_URL as it prints it`,
    );
  }
  await runToEnd({ ...values, device, mqttUrl: login.url }, secret, { lifetime, net, manager, given });
}

function keptSecretOf({ data, logLevel }: Settings): KeptSecret {
  return new KeptSecret(new IdentityFile(data), createLog("agent", logLevel));
}

/** Who this machine is by having joined, or by joining now: by a code in a file, as on the boot partition of an image that was copied. */
async function whoJoined({ data, joinFile }: Settings, manager: ServiceManager): Promise<Joined | undefined> {
  const file = new IdentityFile(data);
  const { joined } = file.read();
  if (joined || !existsSync(joinFile)) return joined;
  // It goes on trying until the console can be reached, which may take days.
  manager.ready();
  const { joinByFile } = await import("./join/join-verbs.ts");
  return joinByFile(joinFile, file);
}

/** What a machine that has joined was told, in place of settings. */
function joinedValues({ device, broker, root }: Joined, given: ReadonlySet<SettingName>) {
  return { device, mqttUrl: broker, ...(given.has("root") ? {} : { root }) };
}

async function runToEnd(
  values: AgentValues,
  secret: string | KeptSecret,
  around: Omit<Around, "restart"> & { readonly manager: ServiceManager },
): Promise<void> {
  const { device, mqttUrl } = values;
  const ended = await serveAgent(values, secret, { ...around, restart: respawn });
  around.lifetime.add(() => around.manager.stop());
  around.lifetime.up();
  around.manager.ready();
  process.stdout.write(`agent ${device} reports to ${mqttUrl}\n`);
  process.stdout.write(`agent ${device} has ended: ${forTerminal(await ended())}\n`);
}

interface Around {
  readonly lifetime: Lifetime;
  readonly net: SafetyNet;
  /** Is told whether the agent samples. */
  readonly manager?: ServiceManager;
  /** How `restart` begins anew; without it, as another run in this process. */
  readonly restart?: () => void;
  /** Certificate authorities, as PEM, where the settings name no file of them. */
  readonly trust?: string | undefined;
  /** Whether it has joined by a certificate. */
  readonly certified?: boolean;
  /** The console that it has joined, and the keys that this has named for releases. */
  readonly joined?: Pick<Joined, "console" | "releaseRoots"> | undefined;
  /** Milliseconds that settings which may cut the agent off are tried. */
  readonly settingsPatience?: number;
  /** The settings that somebody has made on this machine. */
  readonly given?: ReadonlySet<SettingName>;
}

/**
 * Runs an agent, and after it was refused for another one under its id, after a pause, the next; and another one at once when settings come
 * from the console.
 * @returns what to wait with until it has ended in any other way: resolves with the reason
 */
export async function serveAgent(
  machine: AgentValues,
  password: string | KeptSecret,
  around: Around,
): Promise<() => Promise<string>> {
  const { lifetime, net, restart, given = new Set() } = around;
  const { device } = machine;
  const recentLog = new RecentLog(clock);
  const log = recentLog.over(createLog("agent", machine.logLevel));
  let current: Agent;
  let cancelPause: (() => void) | undefined;
  let isRenewed = false;
  let isOver = false;
  const configuring = new Configuring({
    kept: new KeptConfiguration({ directory: join(machine.data, "agent"), log }),
    clock,
    log,
    faults: (configuration) => machineFaults(configuration, { ...machine, certified: around.certified ?? false }),
    told: (configuration) => toldSettings(configuredValues(machine, configuration).values, configuration, given),
    renew: (why) => {
      isRenewed = true;
      void current.stop(why);
    },
    patience: around.settingsPatience,
  });
  const pause = new ComebackPause();
  let end: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => (end = resolve));
  const again = (): void =>
    void begin().catch((thrown: unknown) => {
      net.caught("agent: a restart", thrown);
      // Another one is at work in its directory by now, or nothing can be read there.
      end(asError(thrown).message);
    });
  const begin = async (): Promise<void> => {
    if (isOver) return;
    configuring.begin();
    try {
      await beginOne();
    } catch (thrown) {
      if (!configuring.couldNotBegin(thrown)) throw thrown;
      log.error({ err: asError(thrown) }, "with the settings from the console the agent cannot begin");
      await current?.stop();
      return begin();
    }
    configuring.begun();
  };
  const beginOne = async (): Promise<void> => {
    isRenewed = false;
    // Ends the executables that outlive their agent's stop, as in a restart within this process.
    const stopped = new AbortController();
    const began = clock.monotonic();
    const configured = configuredValues(machine, configuring.inForce);
    const agent = (current = new Agent({
      ...optionsOf(configured, password, around),
      configuring,
      recentLog,
      restart: restart ?? again,
    }));
    for (const [key, handler] of await executables(configured, log, stopped.signal)) agent.handle(key, handler);
    agent.start();
    void agent.finished.then((reason) => {
      stopped.abort();
      configuring.stop();
      log.info({ device, reason }, "the agent has stopped");
      if (isRenewed) return again();
      if (!isRefusal(reason)) return end(reason);
      const wait = pause.refused(clock.monotonic() - began);
      process.stderr.write(`agent ${device} is ${forTerminal(reason, 1_000)}\n`);
      process.stderr.write(
        `agent ${device} stays away for ${formatDuration(wait)}, then looks whether the other is gone\n`,
      );
      cancelPause = clock.after(wait, again);
    });
  };
  await begin();
  around.manager?.watch(() => current.isSampling);
  lifetime.add(() => current.stop());
  lifetime.add(() => cancelPause?.());
  lifetime.add(() => void (isOver = true));
  return () => ended;
}

/** What one run of the agent is made of. */
function optionsOf(
  { values, ca: configuredCa, allow }: ConfiguredValues<AgentValues>,
  password: string | KeptSecret,
  { net, trust, certified, joined, restart }: Around,
): AgentOptions {
  const { device, mqttUrl: url, interval, batchSize, root, mqttVersion, logLevel, rebootCommand } = values;
  const directory = join(values.data, "agent");
  const ca = configuredCa ?? (values.ca === undefined ? trust : readBundle(values.ca));
  const reboot = rebootCommand === undefined ? {} : { rebootCommand: rebootCommand.split(/\s+/) };
  const own = { metricsSocket: socketPath(values, directory), metricsDirectory: values.metricsDirectory };
  return {
    device,
    url,
    password,
    rotateSecret: typeof password === "string" ? undefined : () => password.rotate(),
    certified,
    ...(ca === undefined ? {} : { ca }),
    interval,
    batchSize,
    outboxBytes: values.outboxSize,
    outboxAge: values.outboxAge,
    outboxSync: values.outboxSync,
    maxBytesPerDay: values.maxBytesPerDay,
    root,
    mqttVersion,
    directory,
    signers: values.signers,
    log: createLog("agent", logLevel),
    clock,
    net,
    ...updatingOf(values, joined, restart === undefined),
    names: { interfaces: values.interfaces, mounts: values.mounts, disks: values.disks },
    sampled: values.collectors,
    tags: values.tags,
    allow,
    files: {
      fetchFrom: values.fetchFrom,
      putInto: values.putInto,
      own: ownPlaces(values),
    },
    ...own,
    ...reboot,
  };
}

/** How it was started, as far as that lets it update itself. A key that somebody has pinned on the machine comes before what the console named. */
function updatingOf(
  { releaseRoots }: AgentValues,
  joined: Around["joined"],
  isPart: boolean,
): Pick<AgentOptions, "update" | "noUpdate"> {
  const started = startedBy(process.env);
  if (isPart) return { noUpdate: "it is a part of Muster there, and is updated with the program itself" };
  if (!started)
    return { noUpdate: "it was begun without its starter: install it by the join line, a package or muster flash" };
  const roots = releaseRoots ?? joined?.releaseRoots ?? [];
  const origin = joined?.console;
  return {
    update: { ...started, roots, origin, build: buildHere(started.state), target: targetHere() },
    noUpdate: "no release key is pinned there: join it again (--again), or set MUSTER_RELEASE_ROOTS",
  };
}

/** On Windows, where a socket has no file, the name of a pipe. */
function socketPath({ metricsSocket, device }: AgentValues, directory: string): string | undefined {
  if (metricsSocket === "off") return undefined;
  const usual = process.platform === "win32" ? `\\\\.\\pipe\\muster-${device}` : join(directory, "metrics.sock");
  return metricsSocket ?? usual;
}

async function executables(
  { values: { execDirectory: directory, device }, execAllow }: ConfiguredValues<AgentValues>,
  log: Log,
  signal: AbortSignal,
): Promise<Iterable<[string, Handler]>> {
  if (directory === undefined) return [];
  const { loadExecutables } = await import("./commands/exec/load-executables.ts");
  const allow = namesInAll(execAllow);
  return loadExecutables({ directory, log, clock, device, signal, ...(allow ? { allow } : {}) });
}

/** What stands in each of the lists; undefined where there is none. */
function namesInAll(lists: readonly string[]): readonly string[] | undefined {
  const [first, ...others] = lists.map(listOf);
  return first?.filter((name) => others.every((other) => other.includes(name)));
}

/** The process once more, then the end of this one; a service manager is left to begin it anew itself. */
function respawn(): void {
  const managed = process.pid === 1 || process.env["INVOCATION_ID"] !== undefined;
  const line = [...process.execArgv, ...process.argv.slice(1)];
  if (!managed) withGivenUmask(() => spawn(process.execPath, line, { stdio: "inherit" }));
  process.exit(managed ? restartStatus : 0);
}
