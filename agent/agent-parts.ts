import type { CommandId } from "#shared/ids";
import { machineBootId } from "#shared/machine-boot";
import { Topics } from "#shared/topics";
import { CountedDisk } from "#disk/counted-disk";
import { DirectoryLock } from "#disk/directory-lock";
import { AgentInbox } from "./agent-inbox.ts";
import { Renewal } from "./certificate/renewal.ts";
import { Executor } from "./commands/executor.ts";
import type { Handler } from "./commands/handler.ts";
import { Ledger } from "./commands/ledger.ts";
import { SignatureGate } from "./commands/signature-gate.ts";
import { fileCommands } from "./files/file-commands.ts";
import { FileTransfers } from "./files/file-transfers.ts";
import { Instance } from "./instance.ts";
import { Introduction } from "./introduction.ts";
import { DailyBudget } from "./metrics/daily-budget.ts";
import type { AgentSurroundings } from "./parts/agent-surroundings.ts";
import { connectionParts } from "./parts/connection-parts.ts";
import { measuringParts } from "./parts/measuring-parts.ts";
import { offerCommands } from "./parts/offered-commands.ts";
import { Presence } from "./presence.ts";
import { Signers } from "./signers.ts";
import { composeUpdate } from "./update/compose-update.ts";

/** The agent's parts, none of them started. */
export type AgentParts = ReturnType<typeof composeAgent>;

/** Makes every part and gives each the functions of those that it needs. */
export function composeAgent(given: AgentSurroundings) {
  const { options, device, runId, clock, log } = given;
  const { directory, configuring } = options;
  const topics = new Topics(options.root);
  const machine = machineBootId();
  const common = { clock, log };
  const disk = new CountedDisk();
  const handlers = new Map<string, Handler>();
  const withheld = new Map<string, Handler>();
  const lock = directory === undefined ? undefined : new DirectoryLock("agent", directory, log);
  const instance = new Instance(directory, log);
  const announce = (): void => presence.announce();
  const { maxBytesPerDay: max } = options;
  const budget =
    max === undefined ? undefined : new DailyBudget({ ...common, max, directory, disk, changed: announce });
  const connecting = connectionParts(given, { topics, budget, announce });
  const { console, authorities, certificates, link, connections } = connecting;
  const measuring = measuringParts(given, { topics, link, machine, disk, budget, announce });
  const { aside, outbox, sender, own, sampler } = measuring;
  const ledger = new Ledger({ ...common, directory, disk });
  const signers = new Signers({ directory, pinned: options.signers, log });
  const gate = new SignatureGate({ device, signers, ledger, clock });
  const { build } = options.update ?? {};
  const { noUpdate } = options;
  const self = {
    build,
    noUpdate,
    instance,
    ledger,
    aside,
    budget,
    sampler,
    described: () => own.descriptions.current,
    handlers,
    signers,
    authorities,
    certificates,
    configuring,
  };
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
  const updating = composeUpdate(given, { report: () => sampler.report(), ca: () => authorities.pem });
  const transfers = new FileTransfers({ log });
  const fileTopic = (id: CommandId): string => topics.build({ kind: "file-up", device, id });
  const files = fileCommands({ ...common, access: options.files, transfers, budget, bus: link, topic: fileTopic });
  const incoming = new AgentInbox({
    transfers,
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
    refused: (why) => given.refused(why),
    log,
  });
  const commanded = { ...measuring, disk, introduction, executor, ledger, signers, connections, announce };
  const isAllowed = offerCommands(given, { ...commanded, updates: updating?.commands, files }, { handlers, withheld });
  return {
    topics,
    lock,
    instance,
    authorities,
    certificates,
    renewal,
    budget,
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
