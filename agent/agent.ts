import { systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { parseDeviceId, shortId, type DeviceId } from "#shared/ids";
import { Lifetime } from "#shared/lifetime";
import { silentLog, type Log } from "#shared/log";
import { guardedClock, SafetyNet } from "#shared/safety-net";
import type { Args } from "#shared/messages/command-messages";
import { commandKey } from "#shared/messages/presence-messages";
import type { MeasurementDescription } from "#shared/messages/descriptions";
import { check } from "#shared/messages/payload-schema";
import { inventory } from "./collectors/inventory.ts";
import type { Handler } from "./commands/handler.ts";
import type { OutboxSize } from "./metrics/outbox/outbox.ts";
import type { AgentOptions } from "./agent-options.ts";
import type { CountValues, GaugeValues, MeterTags } from "./own/meter.ts";
import { composeAgent, type AgentParts } from "./agent-parts.ts";
import { RecentLog } from "./support/recent-log.ts";

export { CommandError, type Handler, type RunContext } from "./commands/handler.ts";
export type { MeasurementDescription } from "#shared/messages/descriptions";
export type { Collector, Reading } from "./collectors/collector.ts";
export type { AgentOptions } from "./agent-options.ts";

const refusal = "refused: ";
/** Samples that may be missed before an agent counts as one that has stopped sampling, and milliseconds that a slow one may take besides. */
const missedBeats = 3;
const slowSample = 60_000;

/** Whether an agent has ended because the console refused it for another one under its id. */
export function isRefusal(reason: string): boolean {
  return reason.startsWith(refusal);
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
  readonly runId = shortId();
  readonly #log: Log;
  readonly #parts: AgentParts;
  readonly #lifetime = new Lifetime();
  /** What the device says last; undefined where nothing may be said about it. */
  #parting: string | undefined;
  #stopping: Promise<void> | undefined;
  #finish: (reason: string) => void = () => {};

  /** @throws BadInputError when the device id is not valid */
  constructor(options: AgentOptions) {
    this.device = parseDeviceId(options.device);
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    const { clock = systemClock } = options;
    const { recentLog = new RecentLog(clock) } = options;
    const log = recentLog.over(options.log ?? silentLog);
    const { net = new SafetyNet(log, clock) } = options;
    this.#log = log;
    this.#parts = composeAgent({
      options,
      device: this.device,
      runId: this.runId,
      clock: guardedClock(clock, net),
      log,
      net,
      recentLog,
      stop: (reason) => this.stop(reason),
      refused: (why) => this.#refused(why),
    });
  }

  /**
   * Offers a command, unless the agent is told not to. To be called before {@link start}, or at any time after: presence is published again.
   * @throws BadInputError when the key is not valid or is offered already
   */
  handle<A = Args>(key: string, handler: Handler<A>): void {
    const { handlers, withheld, presence, isAllowed } = this.#parts;
    check(commandKey, key, "command key");
    if (!isAllowed(key)) return void withheld.set(key, handler as Handler);
    if (handlers.has(key)) throw new BadInputError(`the command "${key}" is offered already`);
    handlers.set(key, handler as Handler);
    presence.announce();
  }

  /**
   * Sets values that hold until they are set again, such as a temperature: each sample from now on has the newest. null takes
   * one back.
   * @param measurement the group that the values are stored under
   * @throws BadInputError when a name, tag or value is not valid, a field is counted already, or there are more than 1,000
   * measurements and tags
   */
  gauge(measurement: string, values: GaugeValues, tags?: MeterTags): void {
    this.#parts.own.meter.gauge(measurement, values, tags);
  }

  /**
   * Adds to counts, such as of doors opened: each sample has what was added since the one before, and 0 if nothing was. What was
   * added when the agent stops goes into the outbox.
   * @throws BadInputError as {@link gauge} does
   */
  count(measurement: string, values: CountValues, tags?: MeterTags): void {
    this.#parts.own.meter.count(measurement, values, tags);
  }

  /**
   * Says what a measurement and its fields are: title, unit, description, type, between which values a field lies. The page draws its charts by it.
   * @throws BadInputError for what is no such description
   */
  describe(measurement: string, description: MeasurementDescription): void {
    this.#parts.own.descriptions.describe(measurement, description);
  }

  /**
   * Connects, samples and takes commands from now on; a broker that is away is tried again and again. Where it throws, what stood is undone,
   * for which {@link stop} waits.
   * @throws EnvironmentError when the agent's directory cannot be used, or another agent is at work in it
   */
  start(): void {
    this.#lifetime.startNow(() => {
      this.#openDirectory(this.#parts, this.#lifetime);
      this.#connect(this.#parts, this.#lifetime);
      this.#measure(this.#parts, this.#lifetime);
    });
  }

  /** Whether samples are finished as they are due, or none are due. */
  get isSampling(): boolean {
    const { silence, interval } = this.#parts.sampler;
    return silence <= missedBeats * interval + slowSample;
  }

  /** What waits for the console's ack. */
  get outbox(): OutboxSize {
    return this.#parts.outbox.size;
  }

  /** Says goodbye and lets go of everything. What is in the outbox stays there. */
  stop(reason = "stopped"): Promise<void> {
    return (this.#stopping ??= this.#stop(reason, reason));
  }

  async #stop(reason: string, parting: string | undefined): Promise<void> {
    this.#parting = parting;
    try {
      await this.#lifetime.stop();
    } finally {
      this.#finish(reason);
    }
  }

  #openDirectory(
    { lock, instance, authorities, certificates, budget, outbox, ledger }: AgentParts,
    lifetime: Lifetime,
  ): void {
    lifetime.add(() => lock?.release());
    lock?.acquire();
    instance.start();
    authorities.start();
    certificates?.start();
    if (budget) lifetime.begin(budget);
    lifetime.add(() => outbox.close());
    outbox.start();
    lifetime.add(() => ledger.stop());
    // In this order: a kill in between leaves a ledger that nobody knows, and that is taken as it is; not a known one that is not there.
    const kept = ledger.start({ id: instance.ledger, before: instance.before });
    instance.keep(kept ? ledger.id : instance.ledger);
  }

  #connect(
    {
      topics,
      link,
      authorities,
      renewal,
      presence,
      aside,
      sender,
      executor,
      incoming,
      connections,
      handlers,
    }: AgentParts,
    lifetime: Lifetime,
  ): void {
    lifetime.add(() => link.stop());
    lifetime.add(() => presence.end(this.#parting));
    for (const part of [aside, sender, executor]) lifetime.add(() => part.stop());
    // A console of before has no word on authorities, and its broker refuses the filter.
    const pinned = authorities.pem === undefined ? [] : (["authorities"] as const);
    if (renewal) lifetime.begin(renewal);
    const renewed = renewal ? (["certificate"] as const) : [];
    const filed = handlers.has("fetch") || handlers.has("put") ? (["file-down"] as const) : [];
    const kinds = ["task", "ack", "console", ...pinned, ...renewed, ...filed] as const;
    const filters = kinds.map((kind) => topics.filter(kind, this.device));
    link.subscribe(filters, (message) => incoming.receive(message));
    link.onConnection((change) => incoming.connection(change));
    link.onConnection((change) => connections.heard(change));
    link.start();
  }

  /** What programs have brought, and was counted until they have ended, is in the last sample. */
  #measure({ sampler, own, introduction, presence, trial }: AgentParts, lifetime: Lifetime): void {
    if (trial) lifetime.begin(trial);
    lifetime.add(() => sampler.stop());
    lifetime.begin(own);
    sampler.start();
    inventory().then(
      (facts) => {
        introduction.learn(facts);
        presence.announce();
      },
      (err: unknown) => this.#log.warn({ err }, "the machine's facts could not be read"),
    );
  }

  #refused(why: string): void {
    this.#log.error({ device: this.device }, `the console refuses this agent: ${why}`);
    // At once: what came with this connection is the other one's to do.
    this.#parts.executor.stop();
    // Its presence is the other one's by now: nothing may be said about it.
    this.#stopping ??= this.#stop(`${refusal}${why}`, undefined);
  }
}
