import type { Clock } from "#shared/clock";
import { nameOf, type CommandName } from "./command-name.ts";

/** When each command of this run was sent, on the monotonic clock: durations must not follow a wall clock that steps. */
export class SentTimes {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #sent = new Map<string, number>();
  /** When this run began, by the same. */
  #began = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  start(): void {
    this.#began = this.#clock.monotonic();
  }

  /** It is sent now. */
  sent(command: CommandName): void {
    this.#sent.set(nameOf(command), this.#clock.monotonic());
  }

  /** Whether this run has sent it, and nothing has ended it since. */
  has(command: CommandName): boolean {
    return this.#sent.has(nameOf(command));
  }

  /** Milliseconds since it was sent; of an earlier run's nobody knows, and it is as if it had been sent when this one began. */
  age(command: CommandName): number {
    return this.#clock.monotonic() - (this.#sent.get(nameOf(command)) ?? this.#began);
  }

  /** It has ended. @returns milliseconds since it was sent; undefined where an earlier run has sent it */
  end(command: CommandName): number | undefined {
    const name = nameOf(command);
    const sent = this.#sent.get(name);
    this.#sent.delete(name);
    return sent === undefined ? undefined : this.#clock.monotonic() - sent;
  }
}
