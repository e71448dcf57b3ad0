import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Versions } from "./agent-versions.ts";

/** Milliseconds in which a new version has to be connected and have a batch acknowledged. The starter waits longer, for one that hangs. */
export const trialTime = 60_000;
/** Milliseconds that it has for its goodbye. */
const partingTime = 5_000;

export interface TrialOptions {
  readonly versions: Pick<Versions, "prove" | "giveUp">;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes a sample and sends it, whatever the interval is, and while sampling is paused. */
  readonly report: () => Promise<unknown>;
  /** Says goodbye. */
  readonly stop: () => Promise<void>;
  /** Ends the process: the starter goes back. */
  readonly end: () => void;
}

/** A new version's trial: it is in use once it is connected and the console has one of its batches; otherwise it makes way for the one of before. */
export class Trial {
  readonly #options: TrialOptions;
  #cancel: (() => void) | undefined;
  #connected = false;
  #state: "open" | "proving" | "over" = "open";
  #proven: () => void = () => {};
  /** Resolves once it is in use. Where it does not prove itself this never settles: the process is gone. */
  readonly proven = new Promise<void>((resolve) => (this.#proven = resolve));

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(trialTime, () =>
      this.#giveUp(
        this.#connected
          ? `it connected, and no batch of it was acknowledged within ${trialTime / 1_000} s`
          : `it did not connect within ${trialTime / 1_000} s`,
      ),
    );
  }

  /** Whoever stops it meanwhile does not let it prove itself. */
  stop(): void {
    this.#cancel?.();
    if (this.#state === "open") this.#state = "over";
  }

  connected(): void {
    this.#connected = true;
    if (this.#state !== "open") return;
    this.#options.report().catch((err: unknown) => this.#options.log.warn({ err }, "no sample for the trial"));
  }

  acked(): void {
    if (this.#state !== "open" || !this.#connected) return;
    this.#state = "proving";
    this.#cancel?.();
    this.#options.versions.prove().then(
      () => {
        this.#state = "over";
        this.#options.log.info({}, "this version has proven itself and is in use");
        this.#proven();
      },
      (thrown: unknown) => this.#giveUp(`that it has proven itself cannot be written: ${asError(thrown).message}`),
    );
  }

  #giveUp(why: string): void {
    const { versions, log, clock, stop, end } = this.#options;
    this.#state = "over";
    log.error({ why }, "this version has not proven itself: the one of before comes back");
    const patience = new Promise<void>((resolve) => void clock.after(partingTime, resolve));
    const parting = versions
      .giveUp(why)
      .catch(() => {})
      .then(stop)
      .catch(() => {});
    void Promise.race([parting, patience]).then(end);
  }
}
