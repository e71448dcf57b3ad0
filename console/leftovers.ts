import type { Bus } from "#shared/bus";
import type { Log } from "#shared/log";

export interface LeftoversOptions {
  readonly bus: Bus;
  readonly log: Log;
}

/** Topics that are being cleared at once at most: more would only wait at the broker. */
export const clearingAtOnce = 100;
/**
 * Bytes of topics that wait to be cleared: a topic may have 64 KiB, and a device may make up as many as it likes where the broker
 * keeps them for it. What is beyond stays at the broker until the next connection brings it again.
 */
export const waitingBytes = 4 * 1024 * 1024;
/** Bytes that a waiting topic costs beside its text. */
const entry = 100;

/**
 * Clears what a broker was told to keep on topics where nothing is kept: samples, replies, short commands. It would come again with
 * every connection of the console, take effect again, and fill the broker. A topic is cleared once for however many messages came
 * before the broker's answer: all of them were there before it. So there is one publish a message at most, and memory is bounded.
 */
export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #clearing = new Set<string>();
  readonly #waiting = new Set<string>();
  #bytes = 0;
  /** Topics cleared; and not cleared, because too many were waiting. */
  readonly stats = { cleared: 0, skipped: 0 };

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  /** @param isOurs whether it was right that something was kept there, until now: of a device that was removed */
  clear(topic: string, isOurs = false): void {
    if (this.#clearing.has(topic) || this.#waiting.has(topic)) return;
    const bytes = this.#bytes + Buffer.byteLength(topic) + entry;
    if (bytes > waitingBytes) {
      this.stats.skipped += 1;
      return;
    }
    if (this.stats.cleared === 0 && !isOurs)
      this.#options.log.warn({ topic }, "cleared what was retained where nothing should be");
    this.#bytes = bytes;
    this.#waiting.add(topic);
    this.#next();
  }

  #next(): void {
    for (const topic of this.#waiting) {
      if (this.#clearing.size >= clearingAtOnce) return;
      this.#waiting.delete(topic);
      this.#clearing.add(topic);
      this.stats.cleared += 1;
      this.#options.bus.publish(topic, Buffer.alloc(0), { retain: true }).then(
        () => this.#cleared(topic),
        // The connection is gone: the next one brings what is still there.
        () => this.#cleared(topic),
      );
    }
  }

  #cleared(topic: string): void {
    this.#clearing.delete(topic);
    this.#bytes -= Buffer.byteLength(topic) + entry;
    this.#next();
  }
}
