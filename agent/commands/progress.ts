import type { Clock } from "#shared/clock";

export interface ProgressUpdate {
  readonly progress?: number;
  readonly note?: string;
  readonly output?: string;
}

export interface ProgressOptions {
  readonly clock: Clock;
  readonly send: (update: ProgressUpdate) => void;
}

/** Milliseconds: a command that ends sooner sends its final reply alone, and no two updates come closer than this. */
const quiet = 200;
/** Characters of output in one update; of more, the end is kept and the cut said. */
const outputCap = 8_192;

/** Thins a running command's progress and output: at most one update each 200 ms, each with all that is new. */
export class ProgressReporter {
  readonly #options: ProgressOptions;
  #progress: number | undefined;
  #note: string | undefined;
  #output = "";
  #cut = 0;
  #news = true;
  #cancel: (() => void) | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#arm();
  }

  progress(fraction: number, note?: string): void {
    if (Number.isFinite(fraction)) this.#progress = Math.min(1, Math.max(0, fraction));
    if (note !== undefined) this.#note = note.slice(0, 500);
    this.#changed();
  }

  output(chunk: string): void {
    this.#output += chunk;
    const over = this.#output.length - outputCap;
    if (over > 0) {
      this.#output = this.#output.slice(over);
      this.#cut += over;
    }
    this.#changed();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#output) this.#flush();
  }

  #changed(): void {
    this.#news = true;
    this.#arm();
  }

  #arm(): void {
    this.#cancel ??= this.#options.clock.after(quiet, () => {
      this.#cancel = undefined;
      if (this.#news) this.#flush();
    });
  }

  #flush(): void {
    const output = this.#cut > 0 ? `[${this.#cut} characters cut]\n${this.#output}` : this.#output;
    this.#options.send({
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...(this.#note === undefined ? {} : { note: this.#note }),
      ...(output ? { output } : {}),
    });
    this.#output = "";
    this.#cut = 0;
    this.#news = false;
  }
}
