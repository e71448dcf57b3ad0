import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError, DisconnectedError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { toldTopic, type Refusal } from "#shared/messages/command-messages";
import { forTerminalJson } from "#shared/printable";
import type { Topics } from "#shared/topics";

export interface RefusalsOptions {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears of a message that is about to be told as refused. @param topic as it is told */
  readonly saw?: (device: DeviceId, topic: string, payload: Uint8Array) => void;
}

/** Milliseconds of a stretch of time, in which the same complaint about a topic is told once: a broken sensor repeats its message. */
export const quietRefusal = 10_000;
/** Refusals told in a stretch about one device, and about all; the others are counted and told with the next one. */
export const maxRefusals = { ofDevice: 20, ofAll: 200 };
/** Characters of a complaint. */
const maxWhyLength = 1_900;

interface Complaint {
  readonly from: string;
  readonly reason: string;
  readonly instead?: string | undefined;
  readonly isTyped?: boolean;
  readonly payload?: Uint8Array | undefined;
  readonly fields?: true;
}

interface Share {
  told: number;
  left: number;
}

/** Tells on `refused`, and in the log, why something was not taken: no more of it than somebody can read. */
export class Refusals {
  readonly #options: RefusalsOptions;
  /** Complaints of the present stretch: no more than are told. */
  readonly #told = new Set<string>();
  /** What each device had of the present stretch of time. */
  #shares = new Map<DeviceId, Share>();
  #since = -Infinity;
  #count = 0;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /**
   * @param instead a line that would have worked
   * @param isTyped whether somebody typed the wrong one and waits for an answer: then it is told again
   * @param payload of the message, to be looked at
   */
  tell(
    device: DeviceId,
    from: string,
    reason: string,
    instead?: string,
    isTyped = instead !== undefined,
    payload?: Uint8Array,
  ): void {
    this.#tell(device, { from, reason, instead, isTyped, payload });
  }

  /** Of a message that was taken, and of which some fields are not stored. */
  tellFields(device: DeviceId, from: string, reason: string): void {
    this.#tell(device, { from, reason, fields: true });
  }

  #tell(device: DeviceId, { from, reason, instead, isTyped = false, payload, fields }: Complaint): void {
    const why = reason.slice(0, maxWhyLength);
    const topic = toldTopic(from);
    this.#turn();
    const complaint = `${topic} ${why}`;
    if (!isTyped && this.#told.has(complaint)) return;
    const left = this.#admits(device);
    if (left === undefined) return;
    this.#told.add(complaint);
    const { bus, topics, clock, log, saw } = this.#options;
    if (payload) saw?.(device, topic, payload);
    const others = left > 0 ? ` (${left} more were not told)` : "";
    log.warn({ device, topic }, `refused: ${why}${others}`);
    const refusal: Refusal = {
      topic,
      why: `${why}${others}`,
      ts: Math.round(clock.now()),
      ...(instead === undefined ? {} : { try: instead }),
      ...(fields ? { fields } : {}),
    };
    // Whoever watches the topic does so on a terminal.
    const told = Buffer.from(forTerminalJson(JSON.stringify(refusal)));
    bus.publish(topics.build({ kind: "refused", device }), told).catch((error: unknown) => {
      if (!(error instanceof DisconnectedError)) log.error({ err: asError(error) }, "a refusal could not be published");
    });
  }

  /** @returns how many were kept back before this one; undefined where this one is kept back */
  #admits(device: DeviceId): number | undefined {
    const share = this.#shares.get(device) ?? { told: 0, left: 0 };
    if (share.told >= maxRefusals.ofDevice || this.#count >= maxRefusals.ofAll) {
      // Those of devices that had nothing to say yet are not counted: there may be any number of them.
      share.left += 1;
      return undefined;
    }
    this.#shares.set(device, share);
    this.#count += 1;
    share.told += 1;
    const { left } = share;
    share.left = 0;
    return left;
  }

  /** Begins a new stretch when it is time; what was kept back is still to be told. */
  #turn(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#since < quietRefusal) return;
    this.#told.clear();
    this.#since = now;
    this.#count = 0;
    const silent = [...this.#shares].filter(([, { left }]) => left > 0);
    this.#shares = new Map(silent.map(([device, { left }]) => [device, { told: 0, left }]));
  }
}
