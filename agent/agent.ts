import { arch, hostname, platform, release } from "node:os";
import { spreadOf } from "#shared/back-off";
import { systemClock } from "#shared/clock";
import type { Message } from "#shared/bus";
import { asError, BadInputError } from "#shared/errors";
import { parseDeviceId, shortId, type CommandId, type DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog, type Log } from "#shared/log";
import { DirectoryLock } from "#disk/directory-lock";
import { machineBootId, machineEpoch } from "#shared/machine-boot";
import { guardedClock, Net } from "#shared/net";
import type { Args, Json } from "#shared/messages/command";
import { readAck } from "#shared/messages/metrics";
import { commandKey, readConsoleStatus } from "#shared/messages/presence";
import { check } from "#shared/messages/schema";
import { settings } from "#shared/settings";
import { Topics } from "#shared/topics";
import { version } from "#shared/version";
import { ownAddresses } from "./addresses.ts";
import { builtins } from "./builtins.ts";
import { rebootMachine, restartCommand } from "./commands/comeback.ts";
import { collectors } from "./collectors/all.ts";
import { Gathering } from "./collectors/gathering.ts";
import type { Collector } from "./collectors/collector.ts";
import { internal, type Deliveries } from "./collectors/internal.ts";
import { longestPause, rarely } from "./collectors/rarely.ts";
import type { Columns } from "./metrics/columns.ts";
import { inventory } from "./collectors/inventory.ts";
import { ConsolePresence } from "./console-presence.ts";
import { Executor } from "./commands/executor.ts";
import type { Handler } from "./commands/handler.ts";
import { Instance } from "./instance.ts";
import { Ledger } from "./commands/ledger.ts";
import { lossSentence } from "./commands/ledger-records.ts";
import { Outbox, type OutboxSize } from "./metrics/outbox/outbox.ts";
import type { CountValues, GaugeValues, Tags } from "./own/meter.ts";
import { OwnMetrics } from "./own/own-metrics.ts";
import { Preferences } from "./preferences.ts";
import type { AgentOptions } from "./options.ts";
import { death, offers, Presence } from "./presence.ts";
import { Sampler } from "./metrics/sampler.ts";
import { Sender } from "./metrics/sender.ts";
import { SetAside } from "./metrics/set-aside.ts";

export { CommandError, type Handler, type RunContext } from "./commands/handler.ts";
export type { AgentOptions } from "./options.ts";

/**
 * The agent on an edge device.
 *
 * ```text
 *  collectors ─► Sampler ─► Outbox ─► Sender ─►┐          ┌─► metrics
 *                              ▲               │   Link   │
 *                              └──── ack ◄─────┤ ◄──────► │   broker
 *  handlers ◄── Executor ◄──── task ◄──────────┤          │
 *                  └────────── reply ─────────►┘          └─► reply, status
 * ```
 *
 * A constructor stores, {@link start} acts, {@link stop} undoes; {@link finished} tells when and why the agent ended.
 */
export class Agent {
  readonly device: DeviceId;
  /** Resolves with the reason once the agent has stopped, by {@link stop}, by command or because it was refused. */
  readonly finished: Promise<string>;
  /** This run's id: new each time the agent starts. */
  readonly boot = shortId();
  readonly #topics: Topics;
  readonly #log: Log;
  readonly #handlers = new Map<string, Handler>();
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #aside: SetAside;
  readonly #own: OwnMetrics;
  readonly #sampler: Sampler;
  readonly #sender: Sender;
  readonly #executor: Executor;
  readonly #instance: Instance;
  readonly #ledger: Ledger;
  readonly #lock: DirectoryLock | undefined;
  readonly #presence: Presence;
  readonly #console = new ConsolePresence();
  /** The newest moment of the console's (epoch ms) that was heard before the present console and connection came. */
  #heard: number | undefined;
  #facts: Record<string, Json> = { os: platform(), arch: arch(), hostname: hostname(), kernel: release() };
  #stopping: Promise<void> | undefined;
  #finish: (reason: string) => void = () => {};

  /** @throws BadInputError when the device id is not valid */
  constructor(options: AgentOptions) {
    this.device = parseDeviceId(options.device);
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#topics = new Topics(options.root);
    const log = (this.#log = options.log ?? silentLog);
    const net = options.net ?? new Net(log, options.clock ?? systemClock);
    const clock = guardedClock(options.clock ?? systemClock, net);
    const { device, boot } = this;
    this.#lock = options.directory === undefined ? undefined : new DirectoryLock("agent", options.directory, log);
    const machine = machineBootId();
    this.#aside = new SetAside({ clock, log, changed: () => this.#presence.announce() });
    this.#outbox = new Outbox({
      directory: options.directory,
      run: boot,
      epoch: { id: machineEpoch(machine) ?? boot, machine: machine !== undefined },
      maxBytes: options.outboxBytes ?? settings.outboxSize.default,
      maxAge: options.outboxAge ?? settings.outboxAge.default,
      clock,
      log,
      aside: this.#aside,
      ready: (queue, seq) => this.#sender.offer(queue, seq),
    });
    this.#link = new Link({
      url: options.url,
      clientId: device,
      username: device,
      password: options.password,
      version: options.mqttVersion ?? settings.mqttVersion.default,
      refusedHint: "if the device was enrolled again, give the agent its new secret",
      will: (session) => ({
        topic: this.#topic("status"),
        payload: death(boot, session, "connection lost"),
        retain: true,
      }),
      spread: () => spreadOf(this.#console.fleet),
      log,
      clock,
    });
    this.#instance = new Instance(options.directory, log);
    this.#presence = new Presence({
      bus: this.#link,
      topic: this.#topic("status"),
      boot,
      clock,
      self: () => ({
        instance: this.#instance.id,
        agent: version,
        interval: this.#sampler.interval,
        paused: this.#sampler.paused,
        collectors: this.#sampler.collectors,
        commands: offers(this.#handlers),
        facts: this.#whereabouts(),
        ...this.#problems(),
        ...(this.#heard === undefined ? {} : { heard: this.#heard }),
      }),
    });
    this.#sender = new Sender({ outbox: this.#outbox, bus: this.#link, topic: this.#topic("metrics"), clock });
    const emit = (columns: Columns): void => this.#outbox.append(columns);
    const preferences = new Preferences(options.directory, log);
    const { interval, paused, collectors: switched = {} } = preferences.changed;
    const { metricsSocket: socket, metricsDirectory: directory } = options;
    this.#own = new OwnMetrics({
      device,
      socket,
      directory,
      paused: () => this.#sampler.paused,
      clock,
      log,
      net,
      emit,
    });
    const gathering = new Gathering();
    this.#sampler = new Sampler({
      collectors: options.collectors ?? [...collectors(process.platform, options.names), this.#internal(gathering)],
      gathering,
      disabled: Object.keys(switched).filter((name) => !switched[name]),
      own: this.#own,
      paused,
      interval: interval ?? options.interval ?? settings.interval.default,
      batchSize: options.batchSize ?? settings.batchSize.default,
      clock,
      log,
      emit,
    });
    this.#ledger = new Ledger({ directory: options.directory, clock, log });
    this.#executor = new Executor({
      handlers: this.#handlers,
      ledger: this.#ledger,
      machine,
      bus: this.#link,
      replyTopic: (id) => this.#topics.build({ kind: "reply", device, id }),
      boot,
      announce: () => {
        if (!this.#console.isAway) this.#presence.announce();
      },
      clock,
      log,
    });
    const parts = {
      sampler: this.#sampler,
      preferences,
      metrics: () => this.#own.status(),
      outbox: this.#outbox,
      boot,
      version,
      facts: () => this.#facts,
      announce: () => this.#presence.announce(),
      stop: (reason: string) => void this.stop(reason),
      cancel: (id: CommandId) => this.#executor.cancel(id),
    };
    const { restart, rebootCommand } = options;
    const offered = {
      ...builtins(parts),
      ...(restart ? { restart: restartCommand(() => void this.stop("restart").then(restart), clock) } : {}),
      ...(rebootCommand ? { reboot: rebootMachine(rebootCommand, clock) } : {}),
    };
    for (const [key, handler] of Object.entries(offered)) this.#handlers.set(key, handler);
  }

  /**
   * Offers a command. To be called before {@link start}, or at any time after: presence is published again.
   * @throws BadInputError when the key is not valid or is offered already
   */
  handle<A = Args>(key: string, handler: Handler<A>): void {
    check(commandKey, key, "command key");
    if (this.#handlers.has(key)) throw new BadInputError(`the command "${key}" is offered already`);
    this.#handlers.set(key, handler as Handler);
    this.#presence.announce();
  }

  /**
   * Sets values that hold until they are set again, such as a temperature: each sample from now on has the newest. null takes
   * one back.
   * @param measurement the group that the values are stored under
   * @throws BadInputError when a name, tag or value is not valid, a field is counted already, or there are more than 1,000
   * measurements and tags
   */
  gauge(measurement: string, values: GaugeValues, tags?: Tags): void {
    this.#own.meter.gauge(measurement, values, tags);
  }

  /**
   * Adds to counts, such as of doors opened: each sample has what was added since the one before, and 0 if nothing was. What was
   * added when the agent stops goes into the outbox.
   * @throws BadInputError as {@link gauge} does
   */
  count(measurement: string, values: CountValues, tags?: Tags): void {
    this.#own.meter.count(measurement, values, tags);
  }

  /**
   * Connects, samples and takes commands from now on; a broker that is away is tried again and again.
   * @throws EnvironmentError when the agent's directory cannot be used, or another agent is at work in it
   */
  start(): void {
    this.#openDirectory();
    const kinds = ["task", "ack", "console"] as const;
    const filters = kinds.map((kind) => this.#topics.filter(kind, this.device));
    this.#link.subscribe(filters, (message) => this.#receive(message));
    this.#link.onConnection((change) => {
      if (!change.up) return this.#disconnected();
      this.#heard = this.#executor.heard;
      this.#presence.connected(change.session);
      this.#sender.connected();
      this.#executor.connected();
    });
    this.#link.start();
    this.#own.start();
    this.#sampler.start();
    inventory().then(
      (facts) => {
        this.#facts = { ...this.#facts, ...facts };
        this.#presence.announce();
      },
      (err: unknown) => this.#log.warn({ err }, "the machine's facts could not be read"),
    );
  }

  /** What waits for the console's ack. */
  get outbox(): OutboxSize {
    return this.#outbox.size;
  }

  /** Says goodbye and lets go of everything. What is in the outbox stays there. */
  stop(reason = "stopped"): Promise<void> {
    return (this.#stopping ??= this.#stop(reason, true));
  }

  async #stop(reason: string, tell: boolean): Promise<void> {
    await this.#own.stop();
    this.#sampler.stop();
    this.#executor.stop();
    this.#sender.stop();
    this.#aside.stop();
    await this.#presence.end(tell ? reason : undefined);
    await this.#link.stop();
    await this.#ledger.stop();
    await this.#outbox.close();
    this.#lock?.release();
    this.#finish(reason);
  }

  #openDirectory(): void {
    this.#lock?.acquire();
    try {
      this.#instance.start();
      this.#outbox.start();
      this.#openLedger();
    } catch (error) {
      this.#lock?.release();
      throw error;
    }
  }

  /** In this order: a kill in between leaves a ledger that nobody knows, and that is taken as it is; not a known one that is not there. */
  #openLedger(): void {
    const { ledger: id, before } = this.#instance;
    const kept = this.#ledger.start({ id, before });
    this.#instance.keep(kept ? this.#ledger.id : id);
  }

  #receive(message: Message): void {
    const address = this.#topics.parse(message.topic);
    if (address?.kind === "task") return this.#executor.receive(address.id, message);
    if (address?.kind === "ack") this.#acknowledged(message);
    if (address?.kind === "console") this.#consoleChanged(message);
  }

  #disconnected(): void {
    this.#console.forget();
    this.#sender.disconnected();
    this.#executor.disconnected();
  }

  #consoleChanged(message: Message): void {
    try {
      const status = readConsoleStatus(message.payload);
      const news = this.#console.heard(status, message.retain);
      if (news === "past") return;
      if (news === "returned") {
        this.#heard = this.#executor.heard;
        this.#presence.announceSoon();
      }
      this.#sender.consoleStatus(status);
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "the console's status could not be read");
    }
  }

  #acknowledged(message: Message): void {
    try {
      const ack = readAck(message.payload);
      if (ack.refused !== undefined && ack.boot === this.boot) return this.#refused(ack.refused);
      if (ack.ts !== undefined) this.#executor.learn(ack.ts, ack.unsure);
      if (ack.boot === this.boot && this.#presence.isOf(ack.session))
        this.#executor.greeted(ack.open, ack.begun, ack.doubted);
      this.#sender.acked(ack);
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "an ack from the console could not be read");
    }
  }

  #refused(why: string): void {
    this.#log.error({ device: this.device }, `the console refuses this agent: ${why}`);
    // At once: what came with this connection is the other one's to do.
    this.#executor.stop();
    // Its presence is the other one's by now: nothing may be said about it.
    this.#stopping ??= this.#stop(`refused: ${why}`, false);
  }

  /** As they are at the moment: a machine's addresses change. */
  #whereabouts(): Record<string, Json> {
    const address = ownAddresses();
    return address === undefined ? this.#facts : { ...this.#facts, address };
  }

  /** What the agent tells of itself, with those that it asks; a series for each of them, so not with every sample. */
  #internal(gathering: Gathering): Collector {
    const deliveries = (): Deliveries => {
      const { batches, dropped } = this.#outbox.size;
      return { waiting: batches, dropped, time: this.#sender.takeDeliveryTime() };
    };
    return rarely(internal(gathering, deliveries), longestPause);
  }

  /** What a person should look at. */
  #problems(): { problem?: string } {
    const { doubt, lossNoticed } = this.#ledger;
    const ledger = doubt && lossNoticed ? lossSentence(doubt.why) : undefined;
    const problems = [this.#instance.problem, ledger, this.#aside.problem].filter((one) => one !== undefined);
    return problems.length > 0 ? { problem: problems.join("; ") } : {};
  }

  #topic(kind: "metrics" | "status"): string {
    return this.#topics.build({ kind, device: this.device });
  }
}
