import type { Clock } from "#shared/clock";
import type { Signal } from "#shared/signal";
import type { Alert } from "./alert.ts";
import { TellLimit } from "./tell-limit.ts";

export interface RemindersOptions {
  readonly clock: Clock;
  readonly open: () => readonly Alert[];
  readonly changes: Pick<Signal<Alert>, "on">;
  /** Milliseconds after which a rule's alert is told again; undefined where it is told once. */
  readonly every: (rule: string) => number | undefined;
  readonly muted: (rule: string, device: string) => boolean;
  /** Tells of these again, and writes that down with the word of it. */
  readonly remind: (alerts: readonly Alert[]) => void;
}

/** Milliseconds after which is looked again at what is due and held back: a silence ends by the clock alone, and so does a device's minute. */
const lookAgain = 60_000;
/** The longest that a look is put off, ms: clocks are set. */
const longestWait = 3_600_000;

/**
 * Tells again of what fires and nobody sees to. When it was told last stands in the alert's own history, which is written in one transaction with
 * the notice: whatever is killed, an interval has one reminder.
 */
export class Reminders {
  readonly #options: RemindersOptions;
  /** Its own: reminders leave room for what is new. */
  readonly #limit = new TellLimit();
  #next: { readonly at: number; readonly cancel: () => void } | undefined;
  #off: (() => void) | undefined;

  constructor(options: RemindersOptions) {
    this.#options = options;
  }

  start(): void {
    const off = this.#options.changes.on((alert) => this.#changed(alert));
    this.#off = off;
    this.look();
  }

  stop(): void {
    this.#off?.();
    this.#next?.cancel();
    this.#off = this.#next = undefined;
  }

  /** Tells what is due; to be called also when rules have changed. */
  look(): void {
    const { clock, open, muted, remind } = this.#options;
    const now = clock.now();
    const due: Alert[] = [];
    let next = Infinity;
    for (const alert of open()) {
      const at = this.#dueAt(alert, now);
      if (at === undefined) continue;
      if (at > now) next = Math.min(next, at);
      else if (muted(alert.rule, alert.device) || !this.#limit.take(alert.device, clock.monotonic()))
        next = Math.min(next, now + lookAgain);
      else due.push(alert);
    }
    // Each of them comes back as a change, with its next time.
    if (due.length > 0) remind(due);
    if (next < Infinity) this.#lookAt(next);
  }

  /** Of a device that is gone. */
  forget(device: string): void {
    this.#limit.forget(device);
  }

  #changed(alert: Alert): void {
    const at = alert.resolved === null ? this.#dueAt(alert, this.#options.clock.now()) : undefined;
    if (at !== undefined) this.#lookAt(at);
  }

  #lookAt(at: number): void {
    if (!this.#off || (this.#next && this.#next.at <= at)) return;
    this.#next?.cancel();
    const wait = Math.min(longestWait, Math.max(0, at - this.#options.clock.now()));
    const cancel = this.#options.clock.after(wait, () => {
      this.#next = undefined;
      this.look();
    });
    this.#next = { at, cancel };
  }

  /** When one is told again, by the console's clock; undefined where nobody was told of it, or somebody sees to it. */
  #dueAt({ told, acknowledged, rule, history }: Alert, now: number): number | undefined {
    const every = told === "yes" && acknowledged === null ? this.#options.every(rule) : undefined;
    const last = history.findLast(({ what }) => what === "told" || what === "reminded")?.ts;
    if (every === undefined || last === undefined) return undefined;
    // What was told in a future that a clock has been set back from.
    return last > now + every ? now : last + every;
  }
}
