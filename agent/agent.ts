import { arch, hostname, platform, release } from "node:os";
import { systemClock, type Clock } from "#shared/clock";
import type { Message } from "#shared/bus";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import { parseDeviceId, shortId, type CommandId, type DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog, type Log } from "#shared/log";
import type { Args, Json } from "#shared/messages/command";
import { readAck } from "#shared/messages/metrics";
import { commandKey } from "#shared/messages/presence";
import { check } from "#shared/messages/schema";
import { Topics } from "#shared/topics";
import { version } from "#shared/version";
import { builtins } from "./builtins.ts";
import { rebootMachine, restartCommand } from "./comeback.ts";
import { collectors } from "./collectors/all.ts";
import type { Collector } from "./collectors/collector.ts";
import { inventory } from "./collectors/inventory.ts";
import { Executor } from "./executor.ts";
import type { Handler } from "./handler.ts";
import { instanceId } from "./instance.ts";
import { Ledger } from "./ledger.ts";
import { machineBootId } from "./machine.ts";
import { Outbox } from "./outbox.ts";
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
  /** Milliseconds between samples; 10,000 by default. */
  readonly interval?: number;
  /** Samples sent in one message; 1 by default. */
  readonly batchSize?: number;
  /** Bytes of unacknowledged batches kept at most; 64 MiB by default. */
  readonly outboxBytes?: number;
  /** Where the agent keeps its state; without it, nothing survives the process. */
  readonly directory?: string;
  /**
   * How to begin anew: called after this agent has let go of everything. Without it the agent does not offer `restart`.
   * The new run answers the command.
   */
  readonly restart?: () => void;
  /** The words of what reboots the machine, such as `["systemctl", "reboot"]`; without it the agent does not offer `reboot`. */
  readonly rebootCommand?: readonly string[];
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
  readonly #sampler: Sampler;
  readonly #sender: Sender;
  readonly #executor: Executor;
  readonly #ledger: Ledger;
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
    this.#outbox = new Outbox({ id: shortId(), epoch: boot, maxBytes: options.outboxBytes ?? 64 * 1024 * 1024 });
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
    this.#sampler = new Sampler({
      collectors: options.collectors ?? collectors(),
      interval: options.interval ?? 10_000,
      batchSize: options.batchSize ?? 1,
      clock,
      log,
      emit: (columns) => {
        this.#outbox.append(columns);
        this.#sender.pump();
      },
    });
    this.#ledger = new Ledger({ directory: options.directory, clock, log });
    this.#executor = new Executor({
      handlers: this.#handlers,
      ledger: this.#ledger,
      machine: machineBootId(),
      bus: this.#link,
      replyTopic: (id) => this.#topics.build({ kind: "reply", device, id }),
      boot,
      clock,
      log,
    });
    const parts = {
      sampler: this.#sampler,
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
   * Connects, samples and takes commands from now on; a broker that is away is tried again and again.
   * @throws EnvironmentError when the agent's directory cannot be used
   */
  start(): void {
    this.#ledger.start();
    const filters = [this.#topics.filter("task", this.device), this.#topics.filter("ack", this.device)];
    this.#link.subscribe(filters, (message) => this.#receive(message));
    this.#link.onConnection((change) => {
      if (!change.up) return;
      this.#session = change.session;
      this.#announce();
      this.#sender.reconnected();
      this.#executor.connected();
    });
    this.#link.start();
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
  get outbox(): { readonly batches: number; readonly bytes: number } {
    return this.#outbox.size;
  }

  /** Says goodbye and lets go of everything. What is in the outbox stays there. */
  stop(reason = "stopped"): Promise<void> {
    return (this.#stopping ??= this.#stop(reason));
  }

  async #stop(reason: string): Promise<void> {
    this.#sampler.stop();
    this.#executor.stop();
    this.#sender.stop();
    if (this.#link.connected) {
      const goodbye = death(this.boot, this.#session, reason, Math.round(this.#clock.now()));
      await this.#publish(this.#topic("status"), goodbye, true);
    }
    await this.#link.stop();
    await this.#ledger.stop();
    this.#finish(reason);
  }

  #receive(message: Message): void {
    const address = this.#topics.parse(message.topic);
    if (address?.kind === "task") return this.#executor.receive(address.id, message);
    if (address?.kind === "ack") this.#acknowledged(message);
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
