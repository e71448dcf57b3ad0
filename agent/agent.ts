import { arch, hostname, platform, release } from "node:os";
import { systemClock, type Clock } from "#shared/clock";
import type { Message } from "#shared/bus";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import { parseDeviceId, shortId, type CommandId, type DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog, type Log } from "#shared/log";
import type { Args, Json } from "#shared/messages/command";
import { readAck } from "#shared/messages/metrics";
import { commandKey, readConsoleStatus } from "#shared/messages/presence";
import { check } from "#shared/messages/schema";
import { Topics } from "#shared/topics";
import { version } from "#shared/version";
import { builtins } from "./builtins.ts";
import { rebootMachine, restartCommand } from "./comeback.ts";
import { collectors } from "./collectors/all.ts";
import type { Collector } from "./collectors/collector.ts";
import type { Columns } from "./columns.ts";
import { inventory } from "./collectors/inventory.ts";
import { Executor } from "./executor.ts";
import type { Handler } from "./handler.ts";
import { instanceId } from "./instance.ts";
import { Ledger } from "./ledger.ts";
import { Lock } from "./lock.ts";
import { machineBootId } from "./machine.ts";
import { Outbox, type OutboxSize } from "./outbox/outbox.ts";
import type { CountValues, GaugeValues, Tags } from "./own/meter.ts";
import { OwnMetrics } from "./own/own-metrics.ts";
import { Preferences } from "./preferences.ts";
import { birth, death, offers } from "./presence.ts";
import { Sampler } from "./sampler.ts";
import { Sender } from "./sender.ts";

export interface AgentOptions {
  /** The device's id, also its user name and client id at the broker. */
  readonly device: string;
  /** The broker: `mqtt://host:port`, or `mqtts://`, `ws://`, `wss://`. */
  readonly url: string;
  /** The secret that `muster enroll` printed for this device. */
  readonly password: string;
  /** Milliseconds between samples, as long as nobody has changed it from the console; 10,000 by default. */
  readonly interval?: number;
  /** Samples sent in one message; 1 by default. */
  readonly batchSize?: number;
  /** Bytes of unacknowledged batches kept at most, and milliseconds of their age; 64 MiB and 7 days by default. */
  readonly outboxBytes?: number;
  readonly outboxAge?: number;
  /** Where the agent keeps its state; without it, nothing survives the process. */
  readonly directory?: string;
  /**
   * How to begin anew: called after this agent has let go of everything. Without it the agent does not offer `restart`.
   * The new run answers the command.
   */
  readonly restart?: () => void;
  /** The words of what reboots the machine, such as `["systemctl", "reboot"]`; without it the agent does not offer `reboot`. */
  readonly rebootCommand?: readonly string[];
  /** Path of a local socket that takes samples of other programs, or on Windows the name of a pipe; without it there is none. */
  readonly metricsSocket?: string | undefined;
  /** A directory of programs that print samples and are run on the beat; without it there are none. */
  readonly metricsDirectory?: string | undefined;
  /** First levels of every topic; `muster` by default. */
  readonly root?: string;
  /** The MQTT version to speak: `auto` (the default) tries 5, then 3.1.1. */
  readonly mqttVersion?: 4 | 5 | "auto";
  /** What to sample; everything that this system has by default. */
  readonly collectors?: readonly Collector[];
  readonly log?: Log;
  readonly clock?: Clock;
}

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
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #handlers = new Map<string, Handler>();
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #own: OwnMetrics;
  readonly #sampler: Sampler;
  readonly #sender: Sender;
  readonly #executor: Executor;
  readonly #ledger: Ledger;
  readonly #lock: Lock | undefined;
  readonly #instance: string;
  #facts: Record<string, Json> = { os: platform(), arch: arch(), hostname: hostname(), kernel: release() };
  #session = "";
  #stopping: Promise<void> | undefined;
  #finish: (reason: string) => void = () => {};

  /** @throws BadInputError when the device id is not valid */
  constructor(options: AgentOptions) {
    this.device = parseDeviceId(options.device);
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#topics = new Topics(options.root);
    const clock = (this.#clock = options.clock ?? systemClock);
    const log = (this.#log = options.log ?? silentLog);
    const { device, boot } = this;
    this.#instance = instanceId(options.directory);
    this.#lock = options.directory === undefined ? undefined : new Lock(options.directory, log);
    const machine = machineBootId();
    this.#outbox = new Outbox({
      directory: options.directory,
      epoch: { id: machine?.slice(0, 8) ?? boot, machine: machine !== undefined },
      maxBytes: options.outboxBytes ?? 64 * 1024 * 1024,
      maxAge: options.outboxAge ?? 7 * 86_400_000,
      clock,
      log,
      ready: (queue, seq) => this.#sender.offer(queue, seq),
    });
    this.#link = new Link({
      url: options.url,
      clientId: device,
      username: device,
      password: options.password,
      version: options.mqttVersion ?? "auto",
      will: (session) => ({
        topic: this.#topic("status"),
        payload: death(boot, session, "connection lost"),
        retain: true,
      }),
      log,
      clock,
    });
    this.#sender = new Sender({ outbox: this.#outbox, bus: this.#link, topic: this.#topic("metrics"), clock });
    const emit = (columns: Columns): void => this.#outbox.append(columns);
    const preferences = new Preferences(options.directory, log);
    const { interval, paused, collectors: switched = {} } = preferences.changed;
    const { metricsSocket: socket, metricsDirectory: directory } = options;
    this.#own = new OwnMetrics({ device, socket, directory, paused: () => this.#sampler.paused, clock, log, emit });
    this.#sampler = new Sampler({
      collectors: options.collectors ?? collectors(),
      disabled: Object.keys(switched).filter((name) => !switched[name]),
      own: this.#own,
      paused,
      interval: interval ?? options.interval ?? 10_000,
      batchSize: options.batchSize ?? 1,
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
      announce: () => this.#announce(),
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
    this.#announce();
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
      if (!change.up) return this.#sender.disconnected();
      this.#session = change.session;
      this.#announce();
      this.#sender.connected();
      this.#executor.connected();
    });
    this.#link.start();
    this.#own.start();
    this.#sampler.start();
    inventory().then(
      (facts) => {
        this.#facts = { ...this.#facts, ...facts };
        this.#announce();
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
    return (this.#stopping ??= this.#stop(reason));
  }

  async #stop(reason: string): Promise<void> {
    await this.#own.stop();
    this.#sampler.stop();
    this.#executor.stop();
    this.#sender.stop();
    if (this.#link.connected) {
      const goodbye = death(this.boot, this.#session, reason, Math.round(this.#clock.now()));
      await this.#publish(this.#topic("status"), goodbye, true);
    }
    await this.#link.stop();
    await this.#ledger.stop();
    await this.#outbox.close();
    this.#lock?.release();
    this.#finish(reason);
  }

  #openDirectory(): void {
    this.#lock?.acquire();
    try {
      this.#outbox.start();
      this.#ledger.start();
    } catch (error) {
      this.#lock?.release();
      throw error;
    }
  }

  #receive(message: Message): void {
    const address = this.#topics.parse(message.topic);
    if (address?.kind === "task") return this.#executor.receive(address.id, message);
    if (address?.kind === "ack") this.#acknowledged(message);
    if (address?.kind === "console") this.#consoleChanged(message);
  }

  #consoleChanged(message: Message): void {
    try {
      this.#sender.consoleStatus(readConsoleStatus(message.payload));
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "the console's status could not be read");
    }
  }

  #acknowledged(message: Message): void {
    try {
      const ack = readAck(message.payload);
      if (ack.refused !== undefined && ack.boot === this.boot) return this.#refused(ack.refused);
      if (ack.ts !== undefined && ack.boot === this.boot) this.#executor.greeted(ack.ts, ack.ranges.length === 0);
      this.#sender.acked(ack);
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "an ack from the console could not be read");
    }
  }

  #refused(why: string): void {
    this.#log.error({ device: this.device }, `the console refuses this agent: ${why}`);
    void this.stop(`refused: ${why}`);
  }

  #announce(): void {
    if (!this.#link.connected || this.#stopping) return;
    const payload = birth({
      v: 1,
      online: true,
      boot: this.boot,
      session: this.#session,
      instance: this.#instance,
      agent: version,
      ts: Math.round(this.#clock.now()),
      interval: this.#sampler.interval,
      paused: this.#sampler.paused,
      collectors: this.#sampler.collectors,
      commands: offers(this.#handlers),
      facts: this.#facts,
    });
    void this.#publish(this.#topic("status"), payload, true);
  }

  async #publish(topic: string, payload: Buffer, retain: boolean): Promise<void> {
    try {
      await this.#link.publish(topic, payload, { retain });
    } catch (error) {
      // Presence is published again on each connect.
      if (!(error instanceof DisconnectedError)) throw error;
    }
  }

  #topic(kind: "metrics" | "status"): string {
    return this.#topics.build({ kind, device: this.device });
  }
}
