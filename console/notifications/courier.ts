import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { isRefusedWrite, type Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import type { Channel } from "./channel.ts";
import type { Delivery } from "./delivery.ts";
import { DeliveryRows } from "./delivery-rows.ts";
import { afterTry, type DeliveryStep } from "./delivery-step.ts";
import type { Outgoing } from "./kinds/http-kind.ts";
import { isForBrowser } from "./push/browser.ts";
import type { TryOutcome } from "./try-outcome.ts";

/** Channels that are spoken to at once: a connection and its answer each. */
export const maxChannelsAtOnce = 8;
/** And browsers: apart, so that a push service that does not answer holds up no channel. */
export const maxBrowsersAtOnce = 4;
/** Milliseconds that nothing is looked at at most: the wall clock, by which notices wait, may be put forward. */
const longestSleep = 60_000;
/** Deliveries after which old notices are looked for: it is a walk over all that are kept. */
const trimmedEach = 100;
/** Milliseconds until the disk is asked again that refused something. */
const diskRetry = 1_000;

export interface CourierOptions {
  readonly database: Database;
  readonly channels: { find(name: string): Channel | undefined };
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  /** Tries once; what goes wrong is an outcome. */
  readonly send: (channel: Channel, outgoing: Outgoing, signal: AbortSignal) => Promise<TryOutcome>;
  /** A notice will not be delivered by a channel. */
  readonly gaveUp: (delivery: Delivery, step: DeliveryStep) => void;
}

/** One channel at work. */
interface Lane {
  busy: boolean;
  /** Tries that led to nothing, one after the other. */
  failures: number;
  /** Monotonic milliseconds before which it is left alone. */
  rest: number;
}

/**
 * Brings each notice to its channels, at least once each: what waits stands in the database, with the alert's change in one commit, and is
 * noted as delivered behind the other side's word. What a kill cuts off between the two is said again, under the same key. A channel is
 * spoken to by one at a time and, after a try that led to nothing, left alone for longer and longer.
 */
export class Courier {
  readonly #options: Required<CourierOptions>;
  readonly #rows: DeliveryRows;
  readonly #lanes = new Map<string, Lane>();
  readonly #atWork = new Set<Promise<void>>();
  #stop = new AbortController();
  #stopped: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;
  #isUp = false;
  /** Deliveries that have ended since old notices were looked for. */
  #ended = trimmedEach;

  constructor(options: CourierOptions) {
    this.#options = { random: Math.random, ...options };
    this.#rows = new DeliveryRows(options.database);
  }

  /** Goes on with what waited. */
  start(): void {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#stopped = new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    this.#isUp = true;
    this.wake();
  }

  /** What is on its way is cut off, and goes out again with the next start. */
  async stop(): Promise<void> {
    this.#isUp = false;
    this.#cancel?.();
    this.#stop.abort();
    await Promise.all(this.#atWork);
  }

  /** There may be something to say: called behind a commit that has enqueued, and where a channel has changed. */
  wake(): void {
    if (!this.#isUp) return;
    try {
      this.#look();
    } catch (thrown) {
      if (!isRefusedWrite(thrown)) throw thrown;
      this.#sleep(diskRetry);
    }
  }

  /** A channel is another one now: what it was is no reason to leave it alone. */
  changed(channel: string): void {
    const lane = this.#lanes.get(channel);
    if (lane) Object.assign(lane, { failures: 0, rest: 0 });
    this.#rows.hurry(channel);
    this.wake();
  }

  #look(): void {
    const { clock } = this.#options;
    const now = Math.round(clock.now());
    this.#rows.date(now);
    this.#tellGivenUp(now);
    let sleep = Infinity;
    const failures = (channel: string): number => this.#lanes.get(channel)?.failures ?? 0;
    // Of those that are due, who takes something goes before who does not answer.
    const waiting = this.#rows.waitingFor().toSorted((one, other) => failures(one) - failures(other));
    for (const channel of waiting) {
      const lane = this.#laneOf(channel);
      if (lane.busy) continue;
      const rest = Math.max(lane.rest - clock.monotonic(), (this.#rows.due(channel, now) ?? now) - now);
      if (rest > 0) sleep = Math.min(sleep, rest);
      // Each that ends looks for others.
      else if (this.#hasRoom(isForBrowser(channel))) this.#begin(channel, lane);
    }
    this.#sleep(sleep);
  }

  #hasRoom(browsers: boolean): boolean {
    const busy = [...this.#lanes].filter(([channel, lane]) => lane.busy && isForBrowser(channel) === browsers);
    return busy.length < (browsers ? maxBrowsersAtOnce : maxChannelsAtOnce);
  }

  #tellGivenUp(now: number): void {
    for (const delivery of this.#rows.untold()) {
      const ended = { ...delivery, ended: now, pause: 0 };
      this.#rows.put(delivery.id, ended);
      this.#options.gaveUp(delivery, ended);
      this.#ended += 1;
    }
    this.#trim();
  }

  #sleep(ms: number): void {
    this.#cancel?.();
    this.#cancel =
      ms === Infinity ? undefined : this.#options.clock.after(Math.min(ms, longestSleep), () => this.wake());
  }

  #laneOf(channel: string): Lane {
    let lane = this.#lanes.get(channel);
    if (!lane) this.#lanes.set(channel, (lane = { busy: false, failures: 0, rest: 0 }));
    return lane;
  }

  #begin(channel: string, lane: Lane): void {
    lane.busy = true;
    const work = this.#serve(channel, lane)
      .catch((thrown: unknown) => this.#failed(channel, lane, asError(thrown)))
      .finally(() => {
        lane.busy = false;
        // There is nothing to be remembered of it: browsers come and go.
        if (lane.failures === 0 && lane.rest === 0) this.#lanes.delete(channel);
        this.#atWork.delete(work);
        this.wake();
      });
    this.#atWork.add(work);
  }

  /** One after the other, until nothing is due or the channel is to be left alone. */
  async #serve(channel: string, lane: Lane): Promise<void> {
    const { database, clock } = this.#options;
    for (let count = 0; this.#isUp && lane.rest <= clock.monotonic(); count += 1) {
      // Nothing is said that a power cut could take back; and nothing while it cannot be noted that it was said.
      await Promise.race([persistOf(database).durable(), this.#stopped]);
      const delivery = this.#isUp ? this.#rows.next(channel, Math.round(clock.now())) : undefined;
      // Due, and not there: its row cannot be read, nor taken away now.
      if (!delivery && count === 0) lane.rest = clock.monotonic() + diskRetry;
      if (!delivery) return;
      const outcome = await this.#try(delivery);
      if (!outcome) return;
      this.#conclude(delivery, lane, outcome);
    }
  }

  /** @returns undefined where it was cut off by the end, and nobody knows what became of it */
  async #try(delivery: Delivery): Promise<TryOutcome | undefined> {
    const { channels, clock, send } = this.#options;
    const channel = channels.find(delivery.channel);
    const notice = this.#rows.notice(delivery.notice);
    if (!notice) return { kind: "refused", said: "the notice itself could not be read" };
    if (!channel) return { kind: "refused", said: "there is no such channel any more" };
    const { signal } = this.#stop;
    const outcome = await send(channel, { notice, key: delivery.key, now: Math.round(clock.now()) }, signal);
    return signal.aborted && outcome.kind !== "delivered" ? undefined : outcome;
  }

  #conclude(delivery: Delivery, lane: Lane, outcome: TryOutcome): void {
    const { database, clock, random, log, gaveUp } = this.#options;
    const now = Math.round(clock.now());
    const { pause, ...step } = afterTry(delivery, outcome, { now, failures: lane.failures, random });
    persistOf(database).write(`delivery ${delivery.id}`, () => this.#rows.put(delivery.id, step));
    const { channel } = delivery;
    if (outcome.kind === "later") {
      if (lane.failures === 0)
        log.warn(
          { channel, said: step.said },
          "the channel takes no notices; what waits is tried again, more and more seldom",
        );
      lane.failures += 1;
    } else {
      if (lane.failures > 0) log.info({ channel, tries: lane.failures }, "the channel takes notices again");
      lane.failures = 0;
    }
    lane.rest = pause > 0 ? clock.monotonic() + pause : 0;
    if (step.state === "failed") gaveUp(delivery, { pause, ...step });
    if (step.state !== "waiting") this.#ended += 1;
    this.#trim();
  }

  /** Lets go of old notices as fast as new ones come, also while a channel takes none. */
  #trim(): void {
    if (this.#ended < trimmedEach) return;
    this.#ended = 0;
    persistOf(this.#options.database).write("old notices", () => this.#rows.trim());
  }

  #failed(channel: string, lane: Lane, error: Error): void {
    const { log, clock } = this.#options;
    lane.rest = clock.monotonic() + longestSleep;
    log.error(
      { err: error, channel },
      `a notice could not be dealt with: it is tried again in ${counted(longestSleep / 1_000, "second")}`,
    );
  }
}
