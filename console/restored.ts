import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Birth } from "#shared/messages/presence-messages";
import { markEvery } from "./database/marks.ts";
import type { Setbacks } from "./database/setbacks.ts";

export interface RestoredOptions {
  readonly setbacks: Setbacks;
  /** The last moment that the state knows of the run before (epoch ms); undefined where it knows none. */
  readonly lastKnown: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Puts what waits to be sent in doubt. @param why as a sentence */
  readonly doubt: (why: string) => void;
  /** Tells a person. */
  readonly tell: (why: string) => void;
  /** Resolves once that is on the disk. */
  readonly durable: () => Promise<void>;
}

/** Milliseconds by which a device must have heard the console later than its state knows of: what it knows is written down now and then. */
export const heardLaterBy = markEvery + 5 * 60_000;

/**
 * Whether the console's state was put back to an older copy. The marks tell it of `muster.db` alone; of a whole directory the devices can:
 * one that has heard the console at a moment that the state knows nothing of has heard what is forgotten here.
 */
export class Restored {
  readonly #options: RestoredOptions;
  #started = 0;
  #noticed = false;

  constructor(options: RestoredOptions) {
    this.#options = options;
  }

  /** @returns why commands and jobs are in doubt from the beginning, as a sentence; undefined where they are not */
  start(): string | undefined {
    const { setbacks, clock } = this.#options;
    this.#started = clock.now();
    const why = setbacks.of("muster.db").at(-1)?.why;
    this.#noticed = why !== undefined;
    return why;
  }

  /** They have been put in doubt. */
  begun(): void {
    const { setbacks, durable, log } = this.#options;
    const known = setbacks.of("muster.db");
    if (known.length === 0) return;
    void durable()
      .then(() => known.forEach((one) => setbacks.done(one)))
      .catch((thrown: unknown) =>
        log.warn({ err: asError(thrown) }, "what was put in doubt is so at the next start, too"),
      );
  }

  /** Whether it may have been: this run began long after all that the state knows. */
  get isPossible(): boolean {
    const { lastKnown } = this.#options;
    return lastKnown !== undefined && this.#started - lastKnown > heardLaterBy;
  }

  /** Takes a device's word on when it has last heard the console, before anything is shown to it. */
  heard(device: DeviceId, { heard }: Pick<Birth, "heard">): void {
    const { lastKnown, doubt, tell } = this.#options;
    if (this.#noticed || heard === undefined || lastKnown === undefined) return;
    // What it has heard of this run says nothing.
    if (heard <= lastKnown + heardLaterBy || heard >= this.#started) return;
    this.#noticed = true;
    const copy = `the console's state was put back to a copy of ${iso(lastKnown)}`;
    tell(
      `it was put back to a copy of ${iso(lastKnown)}: ${device} has heard this console at ${iso(heard)}. Accounts, devices, jobs and commands are as they were then. Batches that were acknowledged since count as forgotten; of a command that was queued then its device is asked, it is not begun, and where nobody knows what became of it, it ends as interrupted; jobs that ran are paused`,
    );
    doubt(copy);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
