import { spreadOf } from "#shared/back-off";
import type { Clock } from "#shared/clock";
import type { CommandId, DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import type { Log } from "#shared/log";
import { machineBootId, machineEpoch } from "#shared/machine-boot";
import type { SafetyNet } from "#shared/safety-net";
import { settings } from "#shared/settings";
import { Topics } from "#shared/topics";
import { version } from "#shared/version";
import type { Json } from "#shared/messages/payload-schema";
import { DirectoryLock } from "#disk/directory-lock";
import { builtins } from "./builtins.ts";
import { commandFilter } from "./commands/command-filter.ts";
import { collectors } from "./collectors/all.ts";
import type { Collector } from "./collectors/collector.ts";
import { nameFilter } from "./collectors/name-filter.ts";
import { Gathering } from "./collectors/gathering.ts";
import { internal, type Deliveries } from "./collectors/internal.ts";
import { writtenBytes } from "./collectors/written-bytes.ts";
import { maxPause, rarely } from "./collectors/rarely.ts";
import { rebootMachine, restartCommand } from "./commands/comeback.ts";
import { configureCommand } from "./configuration/configure-command.ts";
import { samplerFaults } from "./configuration/sampler-faults.ts";
import { KeptCertificates } from "./certificate/kept-certificates.ts";
import { Renewal } from "./certificate/renewal.ts";
import { Executor } from "./commands/executor.ts";
import type { Handler } from "./commands/handler.ts";
import { Ledger } from "./commands/ledger.ts";
import { SignatureGate } from "./commands/signature-gate.ts";
import { signersCommand } from "./commands/signers-command.ts";
import { ConsolePresence } from "./console-presence.ts";
import { AgentInbox } from "./agent-inbox.ts";
import { Instance } from "./instance.ts";
import { Introduction } from "./introduction.ts";
import { withTags } from "./metrics/with-tags.ts";
import type { Columns } from "./metrics/to-columns.ts";
import { Outbox } from "./metrics/outbox/outbox.ts";
import { Sampler } from "./metrics/sampler.ts";
import { Sender } from "./metrics/sender.ts";
import { LeftOutFields } from "./metrics/left-out.ts";
import type { AgentOptions } from "./agent-options.ts";
import { OwnMetrics } from "./own/own-metrics.ts";
import { Preferences } from "./preferences.ts";
import { death, Presence } from "./presence.ts";
import { Signers } from "./signers.ts";
import { ConnectionHistory } from "./support/connection-history.ts";
import type { RecentLog } from "./support/recent-log.ts";
import { supportCommands } from "./support/support-commands.ts";
import { supportState } from "./support/support-state.ts";
import { composeUpdate } from "./update/compose-update.ts";
import { TrustedAuthorities } from "./trusted-authorities.ts";

/** What every part is given. */
interface AgentSurroundings {
  readonly options: AgentOptions;
  readonly device: DeviceId;
  /** This run's id. */
  readonly runId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly net: SafetyNet;
  readonly recentLog: RecentLog;
  /** Ends the agent. */
  readonly stop: (reason: string) => Promise<void>;
  /** The console does not take this run, and says why. */
  readonly refused: (why: string) => void;
}

/** The agent's parts, none of them started. */
export type AgentParts = ReturnType<typeof composeAgent>;

/** Makes every part and gives each the functions of those that it needs. */
export function composeAgent(given: AgentSurroundings) {
  const { options, device, runId, clock, log, net } = given;
  const { directory } = options;
  const topics = new Topics(options.root);
  const machine = machineBootId();
  const common = { clock, log };
  const console = new ConsolePresence();
  const handlers = new Map<string, Handler>();
  const withheld = new Map<string, Handler>();
  const lock = directory === undefined ? undefined : new DirectoryLock("agent", directory, log);
  const instance = new Instance(directory, log);
  const announce = (): void => presence.announce();
  const aside = new LeftOutFields({ ...common, changed: announce });
  const outbox = new Outbox({
    ...common,
    directory,
    run: runId,
    epoch: { id: machineEpoch(machine) ?? runId, machine: machine !== undefined },
    maxBytes: options.outboxBytes ?? settings.outboxSize.default,
    maxAge: options.outboxAge ?? settings.outboxAge.default,
    aside,
    ready: (queue, seq) => sender.offer(queue, seq),
  });
  const { configuring } = options;
  const authorities = new TrustedAuthorities({
    directory,
    given: options.ca,
    areConfigured: configuring?.inForce["ca"] !== undefined,
    log,
    changed: announce,
  });
  const certificates = options.certified && directory !== undefined ? new KeptCertificates({ directory }) : undefined;
  const link = makeLink(given, topics, console, { authorities, certificates });
  const sender = new Sender({ outbox, bus: link, topic: topics.build({ kind: "metrics", device }), clock });
  const preferences = new Preferences(directory, log, undefined, fromConsole(configuring));
  const { tags = {} } = options;
  const emit = (columns: Columns): void => outbox.append(withTags(columns, tags));
  const own = new OwnMetrics({
    ...common,
    device,
    socket: options.metricsSocket,
    directory: options.metricsDirectory,
    paused: () => sampler.paused,
    net,
    emit,
  });
  const deliveries = (): Deliveries => {
    const { batches, dropped } = outbox.size;
    return { waiting: batches, dropped, time: sender.takeDeliveryTime(), written: writtenBytes() };
  };
  const sampler = makeSampler(given, preferences, { own, emit, deliveries });
  const ledger = new Ledger({ ...common, directory });
  const signers = new Signers({ directory, pinned: options.signers, log });
  const gate = new SignatureGate({ device, signers, ledger, clock });
  const { build } = options.update ?? {};
  const self = { build, instance, ledger, aside, sampler, handlers, signers, authorities, certificates, configuring };
  const introduction = new Introduction(self);
  const presence = new Presence({
    bus: link,
    topic: topics.build({ kind: "status", device }),
    runId,
    clock,
    self: () => introduction.self(),
  });
  const executor = new Executor({
    ...common,
    handlers,
    withheld,
    ledger,
    gate,
    machine,
    bus: link,
    replyTopic: (id) => topics.build({ kind: "reply", device, id }),
    runId,
    announce: () => {
      if (!console.isAway) announce();
    },
  });
  const renewal =
    certificates &&
    new Renewal({
      ...common,
      certificates,
      device,
      bus: link,
      topic: topics.build({ kind: "renew", device }),
      consoleNow: () => executor.consoleNow,
      reconnect: () => link.reconnect(),
    });
  const refused = (why: string): void => given.refused(why);
  const updating = composeUpdate(given, { report: () => sampler.report(), ca: () => authorities.pem });
  const incoming = new AgentInbox({
    topics,
    runId,
    console,
    authorities,
    introduction,
    presence,
    sender,
    executor,
    renewal,
    trial: updating?.trial,
    greeted: configuring && (() => configuring.greeted() && announce()),
    refused,
    log,
  });
  const connections = new ConnectionHistory(clock);
  const settingsNow = (): Json | undefined => configuring?.told;
  const told = { introduction, settings: settingsNow, outbox, ledger, own, connections, runId, clock };
  const offered = {
    ...builtins({
      sampler,
      preferences,
      metrics: () => own.status(),
      outbox,
      runId,
      version,
      facts: () => introduction.facts,
      settings: settingsNow,
      announce,
      stop: (reason) => void given.stop(reason),
      cancel: (id: CommandId) => executor.cancel(id),
    }),
    ...supportCommands({
      recent: given.recentLog,
      state: () => supportState(told),
      secrets: () => secretsOf(options),
      after: (ms, run) => clock.after(ms, run),
    }),
    ...(signers.required ? { "set-signers": signersCommand(signers, announce) } : {}),
    ...comebacks(given),
    ...updating?.commands,
    ...rotation(options.rotateSecret),
    ...(configuring
      ? { configure: configureCommand(configuring, (those) => samplerFaults(those, sampler), announce) }
      : {}),
  };
  const isAllowed = commandFilter(options.allow);
  for (const [key, handler] of Object.entries(offered)) (isAllowed(key) ? handlers : withheld).set(key, handler);
  return {
    topics,
    lock,
    instance,
    authorities,
    certificates,
    renewal,
    outbox,
    ledger,
    link,
    presence,
    aside,
    sender,
    executor,
    sampler,
    own,
    introduction,
    incoming,
    connections,
    handlers,
    withheld,
    trial: updating?.trial,
    isAllowed,
  };
}

function makeLink(
  { options, device, runId, clock, log }: AgentSurroundings,
  topics: Topics,
  console: ConsolePresence,
  {
    authorities,
    certificates,
  }: { readonly authorities: TrustedAuthorities; readonly certificates: KeptCertificates | undefined },
): Link {
  return new Link({
    url: options.url,
    ca: () => authorities.pem,
    clientId: device,
    username: device,
    ...(certificates
      ? { identity: { show: () => certificates.show(), failed: () => certificates.failed() } }
      : { password: options.password }),
    version: options.mqttVersion ?? settings.mqttVersion.default,
    refusedHint: () =>
      certificates
        ? certificateHint(certificates.expires, clock.now())
        : "if the device was enrolled again, give the agent its new secret",
    will: (session) => ({
      topic: topics.build({ kind: "status", device }),
      payload: death(runId, session, "connection lost"),
      retain: true,
    }),
    spread: () => spreadOf(console.fleet),
    log,
    clock,
  });
}

/** Why a broker may not take a certificate, as far as it can be known here. */
function certificateHint(expires: number | undefined, now: number): string {
  if (expires === undefined) return "this device has no certificate to show: enrol it again";
  const until = new Date(expires).toISOString();
  if (now < expires)
    return `the certificate is good until ${until}: it was revoked, or the device was enrolled again elsewhere; or this machine's clock (${new Date(now).toISOString()}) is behind`;
  return `the certificate was over at ${until}, if this machine's clock (${new Date(now).toISOString()}) is right: enrol the device again, with muster enroll NAME --again --certificate`;
}

function makeSampler(
  { options, clock, log }: AgentSurroundings,
  preferences: Preferences,
  {
    deliveries,
    ...around
  }: Pick<ConstructorParameters<typeof Sampler>[0], "own" | "emit"> & {
    readonly deliveries: () => Deliveries;
  },
): Sampler {
  const { interval, paused, collectors: switched = {} } = preferences.changed;
  const gathering = new Gathering();
  // What the agent tells of itself, with those that it asks; a series for each of them, so not with every sample.
  const ofItself = (): Collector => rarely(internal(gathering, deliveries), maxPause);
  const all = options.collectors ?? [...collectors(process.platform, options.names), ofItself()];
  const isSampled = nameFilter(options.sampled ?? "");
  return new Sampler({
    ...around,
    collectors: all,
    gathering,
    disabled: all.map(({ name }) => name).filter((name) => !(switched[name] ?? isSampled(name))),
    paused,
    interval: interval ?? options.interval ?? settings.interval.default,
    batchSize: options.batchSize ?? settings.batchSize.default,
    clock,
    log,
  });
}

/** By which the preferences are judged. */
function fromConsole(configuring: AgentOptions["configuring"]) {
  return configuring && { hash: configuring.hash, inForce: configuring.inForce };
}

/** What nobody is to read in what the agent tells. */
function secretsOf({ password }: AgentOptions): string[] {
  return [typeof password === "string" ? password : password.current];
}

/** Only the hash goes out, and the same one each time until the new secret is in use. */
function rotation(rotate: AgentOptions["rotateSecret"]): Record<string, Handler> {
  if (!rotate) return {};
  const title = "Make another secret, for the console to let in: muster device NAME --rotate-secret";
  return { "rotate-secret": { title, onInterrupt: "rerun", run: () => ({ hash: rotate() }) } };
}

/** The commands that end this run for another one, where somebody has said how. */
function comebacks({ options, clock, stop }: AgentSurroundings): Record<string, Handler> {
  const { restart, rebootCommand } = options;
  return {
    ...(restart ? { restart: restartCommand(() => void stop("restart").then(restart), clock) } : {}),
    ...(rebootCommand ? { reboot: rebootMachine(rebootCommand, clock) } : {}),
  };
}
