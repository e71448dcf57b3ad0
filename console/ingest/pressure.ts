import type { Clock } from "#shared/clock";

export interface PressureOptions {
  readonly clock: Clock;
  /** What waits, as a share of what may; and for how many milliseconds. */
  readonly load: () => { readonly share: number; readonly behind: number };
  /** Called when {@link Pressure.on} has changed, and now and then while it is so. */
  readonly changed: () => void;
}

/**
 * When agents are told to hold what they have: from so much, or so late, on. They are told to go on at much less, so that they do not all
 * come and go in turns: every one of them sends what it has from the beginning then.
 */
export const pressureFrom = { share: 0.5, behind: 1_000 };
export const pressureUntil = { share: 0.125, behind: 250 };
/** Milliseconds after which it is said again, for whoever looks at the numbers. */
const saidAgain = 5_000;

/** Whether more comes than is taken, by two marks. */
export class Pressure {
  readonly #options: PressureOptions;
  #on = false;
  #cancel: () => void = () => {};

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  get on(): boolean {
    return this.#on;
  }

  /** To be called when the load may have changed. */
  look(): void {
    const { share, behind } = this.#options.load();
    const mark = this.#on ? pressureUntil : pressureFrom;
    const on = share > mark.share || behind > mark.behind;
    if (on === this.#on) return;
    this.#on = on;
    this.#say();
  }

  stop(): void {
    this.#cancel();
    this.#on = false;
  }

  #say(): void {
    this.#cancel();
    const { clock, changed } = this.#options;
    if (this.#on) this.#cancel = clock.after(saidAgain, () => this.#again());
    changed();
  }

  #again(): void {
    this.look();
    if (this.#on) this.#say();
  }
}
