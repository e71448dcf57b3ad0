import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";

/** Milliseconds in which one thing is said once: a device may give cause for it with every message. */
export const quietEvery = 60_000;
/** Things remembered at most; when there are more, all are forgotten and may be said again. */
export const maxRemembered = 1_000;

/** A log for what a device can bring about with each message: the first is said, and with the next one how many were not. */
export class Seldom {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #said = new Map<string, { readonly at: number; left: number }>();

  constructor(log: Log, clock: Pick<Clock, "monotonic">) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param about what one saying is about, such as a device */
  say(level: "warn" | "error", about: string, fields: object, message: string): void {
    const key = `${about}\n${message}`;
    const now = this.#clock.monotonic();
    const known = this.#said.get(key);
    if (known && now - known.at < quietEvery) return void (known.left += 1);
    if (!known && this.#said.size >= maxRemembered) this.#said.clear();
    this.#said.set(key, { at: now, left: 0 });
    this.#log[level](known?.left ? { ...fields, unsaid: known.left } : fields, message);
  }
}
