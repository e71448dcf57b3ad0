import type { Clock } from "#shared/clock";
import { nameOf, type CommandName } from "./command-name.ts";

export interface RepeatsOptions {
  readonly clock: Clock;
  /** Publishes the task again, where its device is there and has not answered. @returns whether it may still have to be */
  readonly again: (name: CommandName) => boolean;
}

/** Milliseconds until a task that nothing was heard of is published again; twice as long each time, up to the longest. */
export const repeating = { first: 5_000, max: 60_000 };

/**
 * The console's half of the handshake: a broker may acknowledge a task and drop it. As the agent repeats its final reply until
 * it sees the withdrawal, the task is published again until the agent says something of it.
 */
export class Repeats {
  readonly #options: RepeatsOptions;
  readonly #timers = new Map<string, () => void>();
  /** What was published while it stopped is repeated by the next run. */
  #stopped = false;

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /** It has just been published. */
  begin(name: CommandName): void {
    this.#in(repeating.first, name);
  }

  /** Its device has said something of it, or it has ended. */
  end(name: CommandName): void {
    this.#timers.get(nameOf(name))?.();
    this.#timers.delete(nameOf(name));
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #in(wait: number, name: CommandName): void {
    this.end(name);
    if (this.#stopped) return;
    const cancel = this.#options.clock.after(wait, () => {
      this.#timers.delete(nameOf(name));
      if (this.#options.again(name)) this.#in(Math.min(wait * 2, repeating.max), name);
    });
    this.#timers.set(nameOf(name), cancel);
  }
}
