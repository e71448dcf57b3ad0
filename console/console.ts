import { join } from "node:path";
import type { Bus, Message } from "#shared/bus";
import { systemClock, type Clock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDuration, type Duration } from "#shared/duration";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import { parseDeviceId, shortId, type DeviceId } from "#shared/ids";
import { Link } from "#shared/link";
import { silentLog, type Log } from "#shared/log";
import { readReply, type Args } from "#shared/messages/command";
import type { Ack } from "#shared/messages/metrics";
import { readStatus, type ConsoleStatus } from "#shared/messages/presence";
import { Signal } from "#shared/signal";
import { Topics, type Address } from "#shared/topics";
import { version } from "#shared/version";
import { Desk } from "./desk/desk.ts";
import type { Command } from "./desk/command.ts";
import { TypedCommands } from "./desk/typed.ts";
import { Jobs } from "./jobs/jobs.ts";
import { CommandMarks } from "./ingest/command-marks.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Refusals } from "./refusals.ts";
import type { Device, Sample } from "./device.ts";
import { Registry } from "./registry.ts";
import { openState, type State } from "./state.ts";
import { EmbeddedStore } from "./store/embedded.ts";
import { InfluxStore } from "./store/influx.ts";
import type { MetricsStore } from "./store/store.ts";

export { CommandFailedError, CommandRefusedError, CommandTimeoutError } from "./desk/errors.ts";
export type { Command } from "./desk/command.ts";
export type { Device, Sample } from "./device.ts";

export interface ConsoleOptions {
  /** Where the state is kept: accounts, devices, commands, and the embedded store's metrics. */
  readonly directory: string;
  /** The broker as `mqtt://host:port`; with `password`, the secret of the account named `console` there. */
  readonly url?: string;
  readonly username?: string;
  readonly password?: string;
  /** Instead of `url`: a bus that is already there, as the embedded broker's. */
  readonly bus?: Bus;
  /** `http://user:pass@host:8086/database`; without it, metrics go to the embedded store. */
  readonly influxUrl?: string;
  /** Milliseconds that InfluxDB keeps samples: made its default retention policy. Without it, InfluxDB's own holds. */
  readonly influxRetention?: number;
  /** Bounds of the embedded store: milliseconds and bytes. */
  readonly history?: { readonly maxAge: number; readonly maxBytes: number };
  readonly root?: string;
  readonly mqttVersion?: 4 | 5 | "auto";
  /** Opened already by the one who composes; otherwise opened and closed here. */
  readonly state?: State;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface SendOptions {
  /** How long to wait for the final reply: `"5s"`, or milliseconds; 5 s by default. */
  readonly timeout?: Duration;
  /** How long the command may wait for the device; without it, it is a call and ends with the caller's patience. */
  readonly ttl?: Duration;
  /** Who sends it; `api` by default. */
  readonly by?: string;
}

const defaultTimeout = 5_000;
const defaultHistory = { maxAge: 7 * 86_400_000, maxBytes: 256 * 1024 * 1024 };

/**
 * The console: keeps every sample and the whole story of every command.
 *
 * ```text
 *          ┌─► metrics ─► Ingest ─► MetricsStore          Registry ◄── status ◄─┐
 *  broker ─┤                 └──► ack ──► broker                                ├─ broker
 *          └─► cmd ─► TypedCommands ─► Desk ◄─ send()            Desk ◄─ reply ◄┘
 *                                       └──► retained task ──► broker
 * ```
 */
export class Console {
  readonly events = {
    samples: new Signal<{ device: DeviceId; samples: readonly Sample[] }>(),
    store: new Signal<void>(),
  };
  readonly #options: ConsoleOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #topics: Topics;
  #parts: Parts | undefined;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#topics = new Topics(options.root);
    this.events.store.on(() => void this.#parts?.marks.flush());
  }

  /** Opens the state and the store, and takes messages from now on. A broker or an InfluxDB that is away is tried again and again. */
  async start(): Promise<void> {
    const parts = this.#compose();
    this.#parts = parts;
    parts.registry.start();
    await parts.store.start();
    const kinds = ["status", "metrics", "simple", "reply", "short", "task"] as const;
    parts.bus.subscribe(
      kinds.map((kind) => this.#topics.filter(kind)),
      (message) => {
        if (this.#parts === parts) this.#receive(parts, message);
      },
    );
    parts.desk.start();
    parts.jobs.start();
    parts.bus.onConnection((change) => {
      if (!change.up || this.#parts !== parts) return;
      parts.registry.brokerCameBack();
      void this.#announce(parts.bus, change.session, true);
    });
    parts.link?.start();
  }

  async stop(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    this.#parts = undefined;
    parts.jobs.stop();
    parts.desk.stop();
    parts.registry.stop();
    await parts.store.stop();
    parts.ingest.stop();
    if (parts.bus.connected) await this.#announce(parts.bus, "stopped", false);
    await parts.link?.stop();
    if (!this.#options.state) parts.state.close();
  }

  get desk(): Desk {
    return this.#started.desk;
  }

  get jobs(): Jobs {
    return this.#started.jobs;
  }

  get registry(): Registry {
    return this.#started.registry;
  }

  get store(): MetricsStore {
    return this.#started.store;
  }

  get ingest(): Ingest {
    return this.#started.ingest;
  }

  get brokerConnected(): boolean {
    return this.#started.bus.connected;
  }

  devices(): readonly Device[] {
    return this.registry.list();
  }

  /**
   * Sends one command to one device and awaits its final reply.
   * @returns the whole command document once it succeeded
   * @throws CommandRefusedError when it was not sent at all: unknown device, offline without `ttl`, not offered, arguments that do not fit
   * @throws CommandTimeoutError when the caller's time is over, CommandFailedError when it ended otherwise;
   *   all three carry the command in `details.command`
   */
  async send(device: string, order: { key: string; args?: Args }, options: SendOptions = {}): Promise<Command> {
    const timeout = parseDuration(options.timeout ?? defaultTimeout, "timeout");
    const ttl = options.ttl === undefined ? undefined : parseDuration(options.ttl, "ttl");
    const command = this.desk.submit(parseDeviceId(device), { ...order, by: options.by ?? "api", timeout, ttl });
    return this.desk.wait(command, timeout);
  }

  get #started(): Parts {
    if (!this.#parts) throw new Error("the console is not started");
    return this.#parts;
  }

  #compose(): Parts {
    const { directory } = this.#options;
    const clock = this.#clock;
    const log = this.#log;
    const topics = this.#topics;
    const state = this.#options.state ?? openState(directory, clock);
    const { database } = state;
    const link = this.#options.bus ? undefined : this.#makeLink();
    const bus = this.#options.bus ?? link!;
    const store = this.#makeStore();
    const registry = new Registry({ database, clock, enrolled: (id) => state.accounts.find(id)?.role === "device" });
    const refusals = new Refusals({ bus, topics, clock, log });
    const device = (id: DeviceId): Device | undefined => registry.get(id);
    const desk = new Desk({ database, bus, topics, clock, log, device });
    const jobs = new Jobs({ database, desk, clock, directory: registry });
    const offers = (id: DeviceId): Device["commands"] => registry.get(id)?.commands ?? null;
    const marks = new CommandMarks({
      write: (series) => store.write(series),
      offers: ({ device: id, key }) => Object.hasOwn(offers(id) ?? {}, key),
      log,
    });
    desk.changes.on((command) => marks.changed(command));
    const refuse = (id: DeviceId, topic: string, why: string, instead?: string): void =>
      refusals.tell(id, topic, why, instead);
    const typed = new TypedCommands({ desk, topics, clock, offers, refuse });
    const ingest = new Ingest({
      store,
      clock,
      log,
      refuse,
      isKnown: (id) => registry.isKnown(id),
      observe: (id, samples) => {
        registry.seen(id);
        registry.observe(id, samples);
        this.events.samples.emit({ device: id, samples });
      },
      publishAck: (id, payload) => void this.#publish(bus, topics.build({ kind: "ack", device: id }), payload),
    });
    return { state, link, bus, store, registry, desk, jobs, typed, ingest, marks, refusals };
  }

  #makeLink(): Link {
    const { url, username = "console", password = "", mqttVersion = "auto" } = this.#options;
    if (url === undefined) throw new BadInputError("a console needs the broker's url, or a bus");
    return new Link({
      url,
      clientId: username === "console" ? "console" : `console-${shortId()}`,
      username,
      password,
      version: mqttVersion,
      will: (session) => ({
        topic: this.#topics.build({ kind: "console" }),
        payload: this.#status(session, false),
        retain: true,
      }),
      log: this.#log,
      clock: this.#clock,
    });
  }

  #makeStore(): MetricsStore {
    const { influxUrl, influxRetention, directory, history = defaultHistory } = this.#options;
    const common = { log: this.#log, clock: this.#clock };
    if (influxUrl !== undefined) {
      const retention = influxRetention === undefined ? {} : { retention: influxRetention };
      const onHealth = (): void => this.events.store.emit();
      return new InfluxStore({ url: influxUrl, ...retention, random: Math.random, onHealth, ...common });
    }
    return new EmbeddedStore({ path: join(directory, "metrics.db"), ...history, ...common });
  }

  #receive(parts: Parts, message: Message): void {
    const address = this.#topics.parse(message.topic);
    if (!address) return;
    try {
      this.#route(parts, address, message);
    } catch (thrown) {
      const error = asError(thrown);
      if (!(error instanceof BadInputError) || !("device" in address)) throw thrown;
      parts.refusals.tell(address.device, message.topic, error.message);
    }
  }

  #route({ registry, ingest, desk, typed, bus }: Parts, address: Address, message: Message): void {
    switch (address.kind) {
      case "metrics":
        return ingest.batch(address.device, message);
      case "simple":
        return ingest.simple(address.device, address.measurement, message);
      case "status":
        return this.#presence(registry, bus, address.device, message);
      case "reply":
        registry.seen(address.device);
        return desk.reply(address.device, address.id, readReply(message.payload).value);
      case "short":
        return typed.short(address.device, message);
      case "task":
        return typed.task(address.device, address.id, message);
      case "ack":
      case "refused":
      case "console":
      case "stats":
        return undefined;
    }
  }

  #presence(registry: Registry, bus: Bus, device: DeviceId, message: Message): void {
    // An empty retained status is somebody clearing the topic: the device says nothing by it.
    if (message.payload.length === 0) return;
    const status = readStatus(message.payload);
    const refused = registry.presence(device, status);
    if (!status.online) return;
    // The answer to a birth tells the agent the time, and that the broker has handed it its retained tasks.
    const ack: Ack = {
      boot: status.boot,
      ts: Math.round(this.#clock.now()),
      ranges: [],
      ...(refused ? { refused: refused.why } : {}),
    };
    void this.#publish(bus, this.#topics.build({ kind: "ack", device }), encode(ack, "json"));
  }

  #announce(bus: Bus, session: string, online: boolean): Promise<void> {
    return this.#publish(bus, this.#topics.build({ kind: "console" }), this.#status(session, online), true);
  }

  #status(session: string, online: boolean): Buffer {
    const status: ConsoleStatus = { v: 1, online, session, version, ts: Math.round(this.#clock.now()) };
    return encode(status, "json");
  }

  async #publish(bus: Bus, topic: string, payload: Buffer, retain = false): Promise<void> {
    try {
      await bus.publish(topic, payload, { retain });
    } catch (error) {
      // Acks come again with the batches they answer, presence with the next connection.
      if (!(error instanceof DisconnectedError))
        this.#log.error({ err: asError(error), topic }, "a message could not be published");
    }
  }
}

interface Parts {
  readonly state: State;
  readonly link: Link | undefined;
  readonly bus: Bus;
  readonly store: MetricsStore;
  readonly registry: Registry;
  readonly desk: Desk;
  readonly jobs: Jobs;
  readonly typed: TypedCommands;
  readonly ingest: Ingest;
  readonly marks: CommandMarks;
  readonly refusals: Refusals;
}
