import type { Clock } from "#shared/clock";

/** Something that the wheel wakes. `due` and `slot` are the wheel's; they begin as Infinity. */
export interface Sleeper {
  /** The moment it wants to be woken at, on the monotonic clock. */
  due: number;
  /** The turn it is kept for. */
  slot: number;
  wake(now: number): void;
}

/** One timer for all: whoever waits is in the list of one turn. A timer for each device would cost more memory than the device. */
export class Wheel {
  readonly #clock: Clock;
  readonly #tick: number;
  readonly #turns = new Map<number, Sleeper[]>();
  #done = 0;
  #cancel: (() => void) | undefined;

  /** @param tick milliseconds between turns: how late a sleeper may be woken */
  constructor(clock: Clock, tick = 20) {
    this.#clock = clock;
    this.#tick = tick;
  }

  start(): void {
    this.#done = Math.floor(this.#clock.monotonic() / this.#tick);
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#turns.clear();
  }

  /** Wakes `sleeper` at `due`, no longer when it was arranged before; Infinity: not at all. */
  arrange(sleeper: Sleeper, due: number): void {
    sleeper.due = due;
    const slot = Math.max(this.#done + 1, Math.ceil(due / this.#tick));
    // A later moment than before: its turn comes, finds that it is not due, and arranges it anew.
    if (slot >= sleeper.slot) return;
    sleeper.slot = slot;
    const turn = this.#turns.get(slot);
    if (turn) turn.push(sleeper);
    else this.#turns.set(slot, [sleeper]);
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#tick, () => {
      this.#arm();
      this.#turn();
    });
  }

  #turn(): void {
    const present = Math.floor(this.#clock.monotonic() / this.#tick);
    while (this.#done < present) {
      const slot = this.#done + 1;
      const turn = this.#turns.get(slot) ?? [];
      this.#turns.delete(slot);
      this.#done = slot;
      for (const sleeper of turn) this.#wake(sleeper, slot);
    }
  }

  #wake(sleeper: Sleeper, slot: number): void {
    if (sleeper.slot !== slot) return;
    sleeper.slot = Infinity;
    const now = this.#clock.monotonic();
    if (sleeper.due > now) return this.arrange(sleeper, sleeper.due);
    sleeper.due = Infinity;
    sleeper.wake(now);
  }
}
