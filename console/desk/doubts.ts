import type { Clock } from "#shared/clock";
import type { OwnFailure } from "#shared/messages/error-codes";
import { nameOf, type CommandName } from "./book.ts";
import { changed, type Command } from "./command.ts";

/** Milliseconds that a device which is there is given to say what became of a command that is in doubt. */
export const answerWithin = 5_000;

/** @param why as a sentence @param now epoch ms */
export function inDoubt(command: Command, why: string, now: number): Command {
  const what = `${why}: it is not begun any more, and its device is asked what became of it`;
  return changed(command, { doubted: now }, { ts: now, who: "console", what });
}

/** The same command, of which its device has said that it runs. */
export function outOfDoubt(command: Command): Command {
  const { doubted: _, ...certain } = command;
  return certain;
}

export const nobodyKnows: OwnFailure = {
  code: "restored",
  message:
    "it was queued when the console's state was put back to an older copy: whether somebody has cancelled it since, or it was carried out, nobody knows; send it again if it is still wanted",
};

export interface DoubtsOptions {
  readonly clock: Clock;
  /** Its device has not said anything of it. */
  readonly unanswered: (name: CommandName) => void;
}

/**
 * Commands that stood in the queue when the console's state was put back to an older copy. Somebody may have cancelled them since, so that
 * they must not begin on the word of that copy; or they were carried out, and then their device knows: it is asked when it is there.
 */
export class Doubts {
  readonly #options: DoubtsOptions;
  readonly #timers = new Map<string, () => void>();

  constructor(options: DoubtsOptions) {
    this.#options = options;
  }

  /** Its device has been asked just now. */
  asked(name: CommandName): void {
    const key = nameOf(name);
    if (this.#timers.has(key)) return;
    const { clock, unanswered } = this.#options;
    this.#timers.set(
      key,
      clock.after(answerWithin, () => {
        this.#timers.delete(key);
        unanswered(name);
      }),
    );
  }

  end(name: CommandName): void {
    this.#timers.get(nameOf(name))?.();
    this.#timers.delete(nameOf(name));
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
