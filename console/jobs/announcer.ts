import type { Clock } from "#shared/clock";

/** Milliseconds between two announcements of the same job: a fleet's answers come by the hundred. */
const quiet = 250;

/** Tells that a job changed: at once, then at most once in a quarter of a second while changes go on. */
export class Announcer {
  readonly #clock: Clock;
  readonly #tell: (job: string) => void;
  /** Jobs told of just now, and whether something changed since. */
  readonly #recent = new Map<string, { changed: boolean; readonly cancel: () => void }>();

  constructor(clock: Clock, tell: (job: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  changed(job: string): void {
    const recent = this.#recent.get(job);
    if (recent) recent.changed = true;
    else this.now(job);
  }

  /** For what must not wait. */
  now(job: string): void {
    this.#recent.get(job)?.cancel();
    const cancel = this.#clock.after(quiet, () => {
      const changed = this.#recent.get(job)?.changed;
      this.#recent.delete(job);
      if (changed) this.now(job);
    });
    this.#recent.set(job, { changed: false, cancel });
    this.#tell(job);
  }

  stop(): void {
    for (const { cancel } of this.#recent.values()) cancel();
    this.#recent.clear();
  }
}
