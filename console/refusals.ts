import type { Bus } from "#shared/bus";
import { encode } from "#shared/codec";
import type { Clock } from "#shared/clock";
import { asError, DisconnectedError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Refusal } from "#shared/messages/command";
import type { Topics } from "#shared/topics";

export interface RefusalsOptions {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds in which the same complaint about the same device is told once: a broken sensor repeats its message. */
const quiet = 10_000;
/** Complaints remembered at most. */
const remembered = 1_000;

/** Tells on `refused`, and in the log, why something was not taken. */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #told = new Map<string, number>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** @param instead a line that would have worked */
  tell(device: DeviceId, topic: string, why: string, instead?: string): void {
    const { bus, topics, clock, log } = this.#options;
    const key = `${topic} ${why}`;
    const before = this.#told.get(key);
    if (instead === undefined && before !== undefined && clock.monotonic() - before < quiet) return;
    if (this.#told.size >= remembered) this.#told.clear();
    this.#told.set(key, clock.monotonic());
    log.warn({ device, topic }, `refused: ${why}`);
    const refusal: Refusal = {
      topic,
      why: why.slice(0, 2_000),
      ts: Math.round(clock.now()),
      ...(instead === undefined ? {} : { try: instead }),
    };
    bus.publish(topics.build({ kind: "refused", device }), encode(refusal, "json")).catch((error: unknown) => {
      if (!(error instanceof DisconnectedError)) log.error({ err: asError(error) }, "a refusal could not be published");
    });
  }
}
