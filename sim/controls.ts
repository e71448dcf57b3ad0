import type { Json } from "#shared/messages/payload-schema";
import type { Backlog } from "./backlog.ts";
import type { Beat } from "./beat.ts";
import type { Commanded } from "./simulated-commands.ts";

export interface ControlsOptions {
  readonly boot: () => string;
  readonly facts: Readonly<Record<string, Json>>;
  readonly beat: Beat;
  readonly backlog: Backlog;
  /** The present moment on the monotonic clock. */
  readonly now: () => number;
  /** Presence has changed. */
  readonly announce: () => void;
}

/** What commands may do with one device. */
export class Controls implements Commanded {
  readonly #options: ControlsOptions;

  constructor(options: ControlsOptions) {
    this.#options = options;
  }

  get boot(): string {
    return this.#options.boot();
  }

  get facts(): Readonly<Record<string, Json>> {
    return this.#options.facts;
  }

  get waiting(): number {
    return this.#options.backlog.size;
  }

  get interval(): number {
    return this.#options.beat.interval;
  }

  get paused(): boolean {
    return this.#options.beat.paused;
  }

  setInterval(ms: number): void {
    this.#options.beat.setInterval(ms, this.#options.now());
    this.#options.announce();
  }

  pause(): void {
    this.#options.beat.pause(this.#options.now());
    this.#options.announce();
  }

  resume(): void {
    this.#options.beat.start(this.#options.now());
    this.#options.announce();
  }

  report(): number {
    return this.#options.beat.report(this.#options.now());
  }
}
