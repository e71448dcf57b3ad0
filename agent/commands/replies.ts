import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode, type Encoding } from "#shared/codec";
import { DisconnectedError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Reply } from "#shared/messages/command-messages";
import type { Ended } from "./ledger-records.ts";

export interface RepliesOptions {
  readonly bus: Bus;
  readonly topic: (id: CommandId) => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds: the first repetition of a final reply, and the longest wait between two. */
const repeat = { first: 1_000, longest: 30_000 };

/** Sends replies; a final one again and again until the console withdraws the task, which is the acknowledgement. */
export class Replies {
  readonly #options: RepliesOptions;
  readonly #repeating = new Map<CommandId, () => void>();
  /** Final ones that the broker has taken on the present connection. What was only written to it may go down with it. */
  readonly #taken = new Set<CommandId>();

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  /** Whether a final reply to `id` waits for its acknowledgement. */
  waitsFor(id: CommandId): boolean {
    return this.#repeating.has(id);
  }

  /** Sends one that is not final; nobody waits for it. */
  send(id: CommandId, reply: Reply, encoding: Encoding): void {
    void this.#publish(this.#options.topic(id), encode(reply, encoding));
  }

  /** Sends a final one now, and repeats it from now on. */
  sendFinal(id: CommandId, ended: Ended): void {
    this.#repeating.get(id)?.();
    this.#sendAndWait(id, ended, repeat.first);
  }

  /**
   * The task was withdrawn. What the broker has not taken since the connection came up has not been heard, or not for certain: its caller may
   * just have given up. It goes out again, and is withdrawn once more.
   * @returns whether that was the acknowledgement; true where nothing waits for one
   */
  acknowledged(id: CommandId): boolean {
    const cancel = this.#repeating.get(id);
    if (cancel && !this.#taken.has(id)) return false;
    cancel?.();
    this.#repeating.delete(id);
    this.#taken.delete(id);
    return true;
  }

  /** The connection is gone, and perhaps what was on its way. */
  disconnected(): void {
    this.#taken.clear();
  }

  stop(): void {
    for (const cancel of this.#repeating.values()) cancel();
    this.#repeating.clear();
    this.#taken.clear();
  }

  #sendAndWait(id: CommandId, ended: Ended, wait: number): void {
    const again = (): void => this.#sendAndWait(id, ended, Math.min(wait * 2, repeat.longest));
    this.#repeating.set(id, this.#options.clock.after(wait, again));
    void this.#publish(this.#options.topic(id), encode(ended.reply, ended.encoding)).then((isTaken) => {
      if (isTaken && this.#repeating.has(id)) this.#taken.add(id);
    });
  }

  /** @returns whether the broker has taken it */
  async #publish(topic: string, payload: Buffer): Promise<boolean> {
    const { bus, log } = this.#options;
    try {
      await bus.publish(topic, payload);
      return true;
    } catch (err) {
      // Without a connection the reply waits for the next one: final replies are repeated until withdrawn.
      if (!(err instanceof DisconnectedError)) log.error({ err, topic }, "a reply could not be sent");
      return false;
    }
  }
}
