import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import type { Ack } from "#shared/messages/metrics";
import type { ConsoleStatus } from "#shared/messages/presence-messages";
import { InFlightWindow } from "./in-flight-window.ts";
import type { DailyBudget } from "./daily-budget.ts";
import type { Outbox } from "./outbox/outbox.ts";
import type { BatchQueue } from "./outbox/batch-queue.ts";
import { TokenBucket, type Rate } from "./token-bucket.ts";

export interface SenderOptions {
  readonly outbox: Pick<Outbox, "queues" | "ack">;
  readonly bus: Bus;
  readonly topic: string;
  readonly clock: Clock;
  /** 0 ≤ n < 1; spreads what a whole fleet would do in the same moment. */
  readonly random?: () => number;
  /** How fast what has waited goes out; new batches go at once. */
  readonly rate?: Rate;
  /** Bytes that may go in a day; without it as many as there are. */
  readonly budget?: Pick<DailyBudget, "admits"> | undefined;
}

/** Batches on their way at most: of those that have waited, among them such as nobody acknowledges, and of new ones. */
export const window = { backlog: 32, stubborn: 8, live: 8 };
/** Milliseconds without an ack after which a batch is sent again: at first, and after many times in vain. */
const patience = { first: 10_000, max: 300_000 };
const defaultRate: Rate = { messages: 100, bytes: 512 * 1024 };
/** Milliseconds over which a fleet spreads when the store takes writes again. */
const spread = 1_000;

/**
 * Moves batches from the outbox to the broker, at QoS 0, because only the console's ack counts. Two lanes: a new batch
 * goes out at once; what has waited goes oldest first, at a bounded rate and in a window, so that after a day offline the
 * present is there in a moment and nobody is flooded.
 *
 * sending ── the console says it takes nothing ──► holding (one batch at a time, to try) ── it takes again ──► sending
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #random: () => number;
  readonly #tokens: TokenBucket;
  readonly #windows = new Map<BatchQueue, InFlightWindow>();
  #patience = patience.first;
  #holding = false;
  /** The console's session, by which one that has come back is known, and how many of the known names it has. */
  #console: string | undefined;
  #names = 0;
  #settled = { count: 0, time: 0 };
  #stopped = false;
  #cancelWatch: (() => void) | undefined;
  #cancelPace: (() => void) | undefined;
  #cancelResume: (() => void) | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#tokens = new TokenBucket(options.rate ?? defaultRate, options.clock);
  }

  /** A batch has come that may be sent. */
  offer(queue: BatchQueue, seq: number): void {
    if (!this.#ready) return;
    const inFlight = this.#windowOf(queue);
    const live = !this.#holding && inFlight.count(true) < window.live;
    if (live) this.#send(inFlight, seq, true);
    this.#pump();
  }

  /** The console's word: what the store has leaves the outbox and makes room. @returns how many batches have left */
  acked(ack: Ack): number {
    const left = this.#options.outbox.ack(ack);
    const now = this.#options.clock.monotonic();
    for (const inFlight of this.#windows.values())
      inFlight.settle((at) => {
        this.#settled.count += 1;
        this.#settled.time += now - at;
      });
    if (left > 0) this.#encouraged();
    this.#pump();
    return left;
  }

  /** Milliseconds from the sending of a batch to its ack, on average since this was last asked; NaN where none came. */
  takeDeliveryTime(): number {
    const { count, time } = this.#settled;
    this.#settled = { count: 0, time: 0 };
    return time / count;
  }

  /** The console's presence. One that comes back, or takes again, finds everything sent anew. */
  consoleStatus({ online, taking, session, names = 0 }: ConsoleStatus): void {
    this.#names = online ? names : 0;
    const holding = !online || taking === false;
    const returned = online && this.#console !== undefined && this.#console !== session;
    if (online) this.#console = session;
    if (holding) {
      this.#holding = true;
      this.#cancelResume?.();
      this.#cancelResume = undefined;
    } else if (this.#holding || returned) this.#resumeSoon();
    this.#pump();
  }

  /** The connection is up. Nothing that was sent over an old one is believed to have arrived. */
  connected(): void {
    this.#rewind();
    this.#pump();
  }

  /** The connection is gone, and with it what is known of the console. */
  disconnected(): void {
    this.#cancelTimers();
    this.#holding = false;
    this.#console = undefined;
    this.#names = 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    for (const cancel of [this.#cancelWatch, this.#cancelPace, this.#cancelResume]) cancel?.();
    this.#cancelWatch = this.#cancelPace = this.#cancelResume = undefined;
  }

  get #ready(): boolean {
    return this.#options.bus.connected && !this.#stopped;
  }

  #resumeSoon(): void {
    if (this.#stopped) return;
    this.#cancelResume ??= this.#options.clock.after(this.#random() * spread, () => {
      this.#cancelResume = undefined;
      this.#holding = false;
      this.#rewind();
      this.#pump();
    });
  }

  #rewind(): void {
    for (const inFlight of this.#windows.values()) inFlight.rewind();
    this.#encouraged();
  }

  #pump(): void {
    if (!this.#ready) return;
    try {
      for (const queue of this.#options.outbox.queues) this.#drain(this.#windowOf(queue));
    } finally {
      // Whatever the disk does, what is on its way is waited for and tried again.
      this.#watch();
    }
  }

  #drain(inFlight: InFlightWindow): void {
    while (this.#mayGo()) {
      const seq = inFlight.next() ?? this.#nextStubborn(inFlight);
      if (seq === undefined) return;
      const wait = this.#tokens.wait();
      if (wait > 0) return this.#pumpIn(wait);
      const bytes = this.#send(inFlight, seq, false);
      if (bytes === undefined) return;
      inFlight.passed(seq);
      this.#tokens.spend(bytes);
    }
  }

  /** What nobody acknowledges goes when there is nothing else, and leaves room for what may come. */
  #nextStubborn(inFlight: InFlightWindow): number | undefined {
    let sent = 0;
    for (const { stubborn } of this.#windows.values()) sent += stubborn;
    return sent < window.stubborn ? inFlight.nextStubborn() : undefined;
  }

  #mayGo(): boolean {
    const sent = this.#onTheWay(false);
    return this.#holding ? sent + this.#onTheWay(true) === 0 : sent < window.backlog;
  }

  #onTheWay(live: boolean): number {
    let count = 0;
    for (const inFlight of this.#windows.values()) count += inFlight.count(live);
    return count;
  }

  /**
   * @returns the message's bytes; 0 when the disk did not give it: then it is tried again like one without an ack; undefined where
   * the day's bytes do not suffice for it
   */
  #send(inFlight: InFlightWindow, seq: number, live: boolean): number | undefined {
    const { bus, topic, clock, budget } = this.#options;
    // What had no ack may be one that the console did not understand.
    const payload = inFlight.queue.read(seq, inFlight.wasInVain(seq) ? 0 : this.#names);
    if (payload && budget && !budget.admits(payload.length, () => this.#pump())) return undefined;
    if (inFlight.queue.has(seq)) inFlight.sent(seq, clock.monotonic(), live);
    if (!payload) return 0;
    bus.publish(topic, payload, { qos: 0 }).catch((error: unknown) => {
      // A lost connection is the ordinary case: the batch stays in the outbox and goes out again on reconnect.
      if (!(error instanceof DisconnectedError)) throw error;
    });
    return payload.length;
  }

  #pumpIn(ms: number): void {
    this.#cancelPace ??= this.#options.clock.after(ms, () => {
      this.#cancelPace = undefined;
      this.#pump();
    });
  }

  /** Something has got through: patience begins anew. */
  #encouraged(): void {
    this.#patience = patience.first;
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  #watch(): void {
    const { clock } = this.#options;
    const earliest = Math.min(...[...this.#windows.values()].map((inFlight) => inFlight.earliest));
    if (this.#cancelWatch || earliest === Infinity) return;
    const due = earliest + this.#patience * (1 + this.#random() / 4);
    this.#cancelWatch = clock.after(Math.max(0, due - clock.monotonic()), () => {
      this.#cancelWatch = undefined;
      const since = clock.monotonic() - this.#patience;
      let lost = 0;
      for (const inFlight of this.#windows.values()) lost += inFlight.giveUp(since, !this.#holding);
      if (lost > 0) this.#patience = Math.min(this.#patience * 2, patience.max);
      this.#pump();
    });
  }

  #windowOf(queue: BatchQueue): InFlightWindow {
    let inFlight = this.#windows.get(queue);
    if (!inFlight) this.#windows.set(queue, (inFlight = new InFlightWindow(queue)));
    return inFlight;
  }
}
