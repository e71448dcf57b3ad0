import type { Clock } from "#shared/clock";
import { maxWindowBytes, sha256Of, type FilePiece } from "#shared/messages/file-messages";

export interface PieceReceiverOptions {
  /** Bytes of the whole file, and how many of them are there already. */
  readonly size: number;
  readonly have: number;
  readonly clock: Clock;
  /** Says that all before `at` is there, and that so many bytes more are wanted; may stop this instead. */
  readonly ask: (at: number, want: number) => void;
  /** Puts bytes behind those of before. No other is begun until it has ended, and nothing more asked for. */
  readonly write: (data: Buffer, at: number) => Promise<void>;
  /** Calls `begin`, which says how many bytes more are asked for, when that may be; at once by default. Gives what withdraws it. */
  readonly pace?: (begin: () => number) => () => void;
  /** So many bytes are there. */
  readonly progress?: (at: number) => void;
  /** All of them are written. */
  readonly done: () => void;
  /** They cannot be written. */
  readonly failed: (thrown: unknown) => void;
}

/** Bytes that are asked for at once: to begin with, and where the way is slow or loses them. */
const window = { first: 16 * 1024, least: 4 * 1024 };

/** Milliseconds in which a window should come: a batch that waits behind it waits no longer than twice that. */
export const windowTime = 250;

/** Milliseconds without a piece until it is asked for again: at first, and at most. */
export const askedAgain = { first: 5_000, longest: 60_000 } as const;

/**
 * Brings a file here in pieces, in their order, by asking for them: it asks for no more than what comes in a moment, and again for what
 * does not come. So whoever has the file remembers nothing, and it does not matter what was lost, or for how long nobody was there.
 */
export class PieceReceiver {
  readonly #options: PieceReceiverOptions;
  #at: number;
  /** What was asked for ends here. */
  #end: number;
  /** What was let through by the pace ends here: what is asked for anew is not counted anew. */
  #paced: number;
  /** Whether it is about to ask. */
  #isNext = false;
  #askedAt = 0;
  #window = window.first;
  #patience: number = askedAgain.first;
  #writing: Promise<void> = Promise.resolve();
  #cancel: () => void = () => {};
  #isOver = false;

  constructor(options: PieceReceiverOptions) {
    this.#options = options;
    this.#at = this.#end = this.#paced = options.have;
  }

  start(): void {
    this.#goOn();
  }

  /** What is not next is passed over, and so is what is damaged: it is asked for again. */
  take({ at, data, sha256 }: FilePiece): void {
    if (this.#isOver || at !== this.#at || data.length === 0 || at + data.length > this.#end) return;
    if (sha256Of(data) !== sha256) return;
    this.#at += data.length;
    this.#patience = askedAgain.first;
    this.#write(data, at);
    if (this.#at < this.#end) return;
    this.#learn();
    this.#goOn();
  }

  /** What was asked for may be lost: there is another connection, or another one that has the file. */
  again(): void {
    this.#patience = askedAgain.first;
    if (!this.#isOver && !this.#isNext) this.#goOn();
  }

  stop(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #write(data: Buffer, at: number): void {
    this.#writing = this.#writing
      .then(() => (this.#isOver ? undefined : this.#options.write(data, at)))
      .catch((thrown: unknown) => {
        if (this.#isOver) return;
        this.stop();
        this.#options.failed(thrown);
      });
  }

  /** Once all that has come is written: what waits to be is bounded by that. */
  #goOn(): void {
    const { size, progress, done, pace } = this.#options;
    this.#isNext = true;
    this.#end = this.#at;
    this.#cancel();
    void this.#writing.then(() => {
      if (this.#isOver) return;
      progress?.(this.#at);
      if (this.#at >= size) {
        this.stop();
        return done();
      }
      if (!pace || this.#next() <= this.#paced) this.#ask();
      else {
        const withdraw = pace(() => this.#ask());
        // It may have been asked at once, and then it is the answer that is waited for.
        if (this.#isNext) this.#cancel = withdraw;
      }
    });
  }

  #next(): number {
    return Math.min(this.#at + this.#window, this.#options.size);
  }

  /** @returns the bytes that were not asked for before */
  #ask(): number {
    const { ask, clock } = this.#options;
    this.#isNext = false;
    this.#end = this.#next();
    const more = Math.max(0, this.#end - Math.max(this.#at, this.#paced));
    this.#paced = Math.max(this.#paced, this.#end);
    this.#askedAt = clock.monotonic();
    this.#await(this.#at);
    ask(this.#at, this.#end - this.#at);
    return more;
  }

  /** @param from what was there when it was asked */
  #await(from: number): void {
    this.#cancel = this.#options.clock.after(this.#patience, () => {
      // What comes slowly comes.
      if (this.#at > from) return this.#await(this.#at);
      this.#patience = Math.min(this.#patience * 2, askedAgain.longest);
      this.#window = window.least;
      this.#goOn();
    });
  }

  #learn(): void {
    const took = this.#options.clock.monotonic() - this.#askedAt;
    if (took <= windowTime) this.#window = Math.min(this.#window * 2, maxWindowBytes);
    else if (took > 2 * windowTime) this.#window = Math.max(this.#window / 2, window.least);
  }
}
