import { join } from "node:path";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { shortId, type DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import type { Log } from "#shared/log";
import { machineEpoch } from "#shared/machine-boot";
import type { Net } from "#shared/net";
import type { Signal } from "#shared/signal";
import type { Topics } from "#shared/topics";
import { ClockDoubt } from "./clock/clock-doubt.ts";
import { FutureSamples } from "./clock/future-samples.ts";
import { KnownMoment } from "./clock/known-moment.ts";
import { Answers } from "./desk/answers.ts";
import { Desk } from "./desk/desk.ts";
import { TypedCommands } from "./desk/typed.ts";
import type { Device } from "./devices/device.ts";
import { Inbox } from "./inbox.ts";
import { CommandMarks } from "./ingest/command-marks.ts";
import { Contract, type ContractOptions } from "./ingest/contract/contract.ts";
import { Settling } from "./ingest/contract/settling.ts";
import { Ingest } from "./ingest/ingest.ts";
import { StoreLosses } from "./ingest/completeness/store-losses.ts";
import { newestSamples } from "./ingest/series.ts";
import { Spool } from "./ingest/spool/spool.ts";
import { Jobs } from "./jobs/jobs.ts";
import { LatestRefusals } from "./devices/latest-refusals.ts";
import { whyOverwritten, type Sample } from "./devices/latest-values.ts";
import { Leftovers } from "./leftovers.ts";
import { FileWatch } from "./database/file-watch.ts";
import { Marks, type MarksOptions } from "./database/marks.ts";
import { defaults, type ConsoleOptions } from "./options.ts";
import { Refusals } from "./devices/refusals.ts";
import { Registry } from "./devices/registry.ts";
import { Removals } from "./devices/removals.ts";
import { Restored } from "./restored.ts";
import { Durations } from "./self/durations.ts";
import { Reporter, timed } from "./self/reporter.ts";
import { SelfMetrics } from "./self/self-metrics.ts";
import type { State } from "./state.ts";
import { EmbeddedStore, type EmbeddedStoreOptions } from "./store/embedded.ts";
import { InfluxStore } from "./store/influx.ts";
import type { DamagedFile } from "./database/mend.ts";
import { StoreUnavailableError, type MetricsStore, type StoredTypes } from "./store/store.ts";
import { consoleStatus, Publisher } from "./publisher.ts";

/** Milliseconds at most between two tries of the console at a broker that is not there. */
const consoleSpread = 1_000;

/** What every part is given. */
export interface Surroundings {
  readonly options: ConsoleOptions;
  readonly state: State;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly net: Net;
  readonly log: Log;
  readonly events: {
    /** The store's health, or what waits for it, has changed. */
    readonly storeChanged: () => void;
    /** Newest samples; `heard` tells whether anybody listens. */
    readonly samples: Pick<Signal<{ device: DeviceId; samples: readonly Sample[] }>, "heard" | "emit">;
  };
}

/** The console's parts, none of them started. */
export type Parts = ReturnType<typeof compose>;

/** Makes every part and gives each the functions of those that it needs. */
export function compose(given: Surroundings) {
  const { options, state, topics, log, events, net } = given;
  const failed = (thrown: unknown): void => net.caught("console: a listener", thrown);
  const { database, accounts } = state;
  const doubt = makeDoubt(given, state, () => {
    desk.clockChanged();
    future.check();
    // Agents that have heard no other time since they started wait for one that is sure.
    if (doubt.unsure === undefined) for (const device of desk.awaited()) publisher.tellTime(device);
    events.storeChanged();
  });
  // From here on the machine's clock is nobody's but the doubt's.
  const { clock } = doubt;
  const around = { ...given, clock };
  const common = { clock, log };
  const link = options.bus ? undefined : makeLink(around);
  const bus: Bus = options.bus ?? link!;
  const store = makeStore(around, state, { ages: () => doubt.ages(), setBack: () => losses.settle() });
  const future = new FutureSamples({
    ...common,
    look: store.ahead && ((after) => store.ahead!(after)),
    trusted: () => doubt.ages().trusted,
    changed: events.storeChanged,
  });
  const writes = new Durations();
  const write = timed(store, writes);
  const writeNow: typeof write = async (series) => {
    if (doubt.trust === "none") throw new StoreUnavailableError("the console's clock is wrong");
    return write(series);
  };
  const registry = new Registry({ database, clock, failed, enrolled: (id) => accounts.find(id)?.role === "device" });
  const refusals = new Refusals({ bus, topics, ...common });
  const latestRefusals = new LatestRefusals((name) => registry.isKnown(name as DeviceId), failed);
  const refuse = (...told: Parameters<Refusals["tell"]>): void => refusals.tell(...told);
  const publisher = new Publisher({ bus, topics, ...common, unsure: () => doubt.unsure, fleet: () => registry.size });
  registry.changes.on(() => publisher.fleetChanged());
  registry.removals.on(() => publisher.fleetChanged());
  const desk = new Desk({
    database,
    bus,
    topics,
    ...common,
    failed,
    timely: () => doubt.trust === "full",
    unsure: () => doubt.unsure !== undefined,
    mayBeRestored: () => restored.isPossible,
    device: (id) => registry.get(id),
  });
  const jobs = new Jobs({ database, desk, clock, failed, directory: registry });
  const offers = (id: DeviceId): Device["commands"] => registry.get(id)?.commands ?? null;
  const answers = new Answers({
    database,
    bus,
    topics,
    log,
    find: (...name) => desk.find(...name),
    kept: (command) => desk.kept(command),
  });
  desk.ended.on((command) => answers.ended(command));
  const typed = new TypedCommands({ desk, answers, topics, clock, offers, refuse });
  const commandMarks = new CommandMarks({
    write: writeNow,
    log,
    offers: ({ device, key }) => Object.hasOwn(offers(device) ?? {}, key),
  });
  desk.changes.on((command) => commandMarks.changed(command));
  const { contract, spool } = makeGate(around, store, state, {
    dated: () => doubt.ages().trusted,
    tell: (device, why) => refuse(device, topics.build({ kind: "metrics", device }), why),
    problem: (device, problem) => registry.observeFields(device, problem),
    crowded: (device, problem) => registry.observeSeries(device, problem),
  });
  const settling = new Settling({
    types: contract.types,
    held: contract.held,
    log,
    write,
    storedTypes: async () => store.askFieldTypes?.(),
    changed: (...settled) => {
      contract.conflicts.settled(...settled);
      contract.quarantine.forgetField(settled[0], settled[1]);
    },
  });
  const ingest = new Ingest({
    ...common,
    store: { write, health: () => store.health() },
    contract,
    spool,
    database,
    random: Math.random,
    refuse: (device, topic, why, instead) => refuse(device, topic, why, instead, false),
    isKnown: (id) => registry.isKnown(id),
    trust: () => doubt.trust,
    witness: (device, batch) => doubt.heard(device, batch),
    observe: (device, series, now) => {
      registry.seen(device);
      const lost = registry.observe(device, series, now);
      if (lost) refuse(device, topics.build({ kind: "metrics", device }), whyOverwritten(lost), undefined, false);
      if (series.length > 0 && events.samples.heard)
        events.samples.emit({ device, samples: newestSamples(series, now) });
    },
    observeClock: (id, clockState) => registry.observeClock(id, clockState),
    problem: (id, problem) => registry.observeBatches(id, problem),
    onBacklog: events.storeChanged,
    onProblem: events.storeChanged,
    observeOutbox: (id, problem) => registry.observeOutbox(id, problem),
    publishAck: (device, payload) => publisher.ack(device, payload),
    moment: () => publisher.moment(),
    begin: (...told) => publisher.begin(...told),
  });
  const losses = makeLosses(around, state, () => ingest.batches.flush());
  const leftovers = new Leftovers({ bus, log });
  const removals = new Removals({
    database,
    accounts,
    log,
    forget: (device, why) => {
      // What waits in a job must not follow what was sent.
      jobs.leave(device, why);
      desk.endAll(device, why);
      ingest.forget(device);
      registry.remove(device);
      latestRefusals.forget(device);
      if (bus.connected) leftovers.clear(topics.build({ kind: "status", device }), true);
    },
    erase: (device) => {
      ingest.erase(device);
      jobs.groups.erase(device);
      registry.erase(device);
    },
  });
  const restored = new Restored({
    ...common,
    setbacks: state.setbacks,
    lastKnown: state.newestMark?.at,
    doubt: (why) => {
      desk.doubt(why);
      jobs.hold(why);
    },
    tell: (why) => state.damage.note("muster.db", "", why),
    durable: () => state.persist.durable(),
  });
  const inbox = new Inbox({
    topics,
    registry,
    ingest,
    desk,
    typed,
    answers,
    refusals,
    publisher,
    leftovers,
    removals,
    latestRefusals,
    restored,
  });
  const brokerConnected = (): boolean => bus.connected;
  const reporter = new Reporter({
    ingest,
    contract,
    spool,
    leftovers,
    registry,
    store,
    brokerConnected,
    writes,
    faults: () => net.total,
  });
  const others = {
    "metrics.db": () => store.database,
    "spool.db": () => spool.database,
    "held.db": () => contract.held.database,
  };
  const marks = makeMarks(state, common, others);
  const files = new FileWatch({
    ...common,
    databases: [() => database, ...Object.values(others)],
    changed: events.storeChanged,
  });
  const self = new SelfMetrics({
    ...common,
    ...(options.selfInterval === undefined ? {} : { interval: options.selfInterval }),
    read: () => reporter.read(),
    reset: () => reporter.reset(),
    write: writeNow,
    publish: (name, value) => publisher.number(name, value),
  });
  return {
    state,
    doubt,
    future,
    link,
    bus,
    store,
    contract,
    settling,
    spool,
    registry,
    desk,
    answers,
    jobs,
    ingest,
    losses,
    commandMarks,
    marks,
    files,
    inbox,
    removals,
    latestRefusals,
    restored,
    publisher,
    reporter,
    self,
  };
}

function makeLink({ options, topics, clock, log }: Surroundings): Link {
  const { url, username = "console", password = "", mqttVersion = defaults.mqttVersion } = options;
  if (url === undefined) throw new BadInputError("a console needs the broker's url, or a bus");
  return new Link({
    url,
    // Nobody can take the place of a client whose id he cannot guess; a broker that lets everybody choose knows no other way.
    clientId: `${username}-${shortId()}`,
    username,
    password,
    version: mqttVersion,
    will: (session) => ({
      topic: topics.build({ kind: "console" }),
      payload: consoleStatus({ session, online: false, now: clock.now() }),
      retain: true,
    }),
    // There is one console, for which the whole fleet waits.
    spread: () => consoleSpread,
    log,
    clock,
  });
}

function makeDoubt({ clock, log, net }: Surroundings, { database, persist }: State, changed: () => void): ClockDoubt {
  const moment = new KnownMoment(database);
  return new ClockDoubt({
    clock,
    log,
    kept: { read: () => moment.read(), write: (now) => persist.write("the known moment", () => moment.write(now)) },
    epoch: machineEpoch(),
    changed,
    failed: (thrown) => net.caught("console: the known moment", thrown),
  });
}

function makeStore(
  { options, clock, log, events }: Surroundings,
  { damage }: State,
  { ages, setBack }: Pick<Required<EmbeddedStoreOptions>, "ages"> & { readonly setBack: () => void },
): MetricsStore {
  const { influxUrl, influxRetention, directory, history = defaults.history } = options;
  const common = { log, clock, onHealth: events.storeChanged };
  if (influxUrl === undefined) {
    const noteFile = (file: DamagedFile): void => {
      damage.noteFile(file);
      // It is told in the middle of a write.
      queueMicrotask(setBack);
    };
    return new EmbeddedStore({
      path: join(directory, "metrics.db"),
      ...history,
      ...common,
      ages,
      damage: { noteFile },
    });
  }
  const retention = influxRetention === undefined ? {} : { retention: influxRetention };
  return new InfluxStore({ url: influxUrl, ...retention, random: Math.random, ...common });
}

/** What was stored in a file of the console's own may be gone with it. */
function makeLosses({ options, log }: Surroundings, { database, setbacks }: State, flush: () => void): StoreLosses {
  const { maxAge } = options.history ?? defaults.history;
  return new StoreLosses({ database, setbacks, flush, maxAge, log, inUse: options.influxUrl === undefined });
}

/** Where the state was opened for something else than to serve, nothing is marked. */
function makeMarks(
  state: State,
  common: { readonly clock: Clock; readonly log: Log },
  others: MarksOptions["databases"],
): Marks | undefined {
  const { database, newestMark } = state;
  if (newestMark === undefined) return undefined;
  const databases = { "muster.db": () => database, ...others };
  return new Marks({ ...common, databases, newest: newestMark.number, note: (number) => state.noteFiles(number) });
}

/** What stands before the store: the contract for all samples, and the spool for those whose senders keep nothing. */
function makeGate(
  { options, clock, log }: Surroundings,
  store: MetricsStore,
  { database, damage }: State,
  told: Pick<ContractOptions, "dated" | "tell" | "problem" | "crowded">,
) {
  const { directory, fieldTypes, seriesBudget, spoolBytes } = { ...defaults, ...options };
  const stored = (): StoredTypes | undefined => store.fieldTypes?.();
  return {
    contract: new Contract({
      ...told,
      database,
      fieldTypes,
      seriesBudget,
      stored,
      damage,
      heldPath: join(directory, "held.db"),
      clock,
      log,
      random: Math.random,
    }),
    spool: new Spool({ path: join(directory, "spool.db"), limit: spoolBytes, clock, log, damage }),
  };
}
