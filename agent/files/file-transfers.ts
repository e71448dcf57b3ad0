import type { Message } from "#shared/bus";
import { asError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import { readFileDown, type FileDown, type FileUp } from "#shared/messages/file-messages";

/** Tells the console something of a command's file: what is lost is said again. Resolves once the next one may follow. */
export type SayOfFile = (id: CommandId, message: FileUp) => Promise<void>;

/** A command that a file belongs to. */
export interface FileTransfer {
  /** The console says something of it. */
  readonly heard: (message: FileDown) => void;
  /** The console is there anew, or another one: what was said may be lost. */
  readonly again: () => void;
}

/** Files on their way at the same time: the others wait. */
export const maxTransfersAtOnce = 2;

/** The commands under way that have a file on its way, and what the console says of each. */
export class FileTransfers {
  readonly #log: Log;
  readonly #present = new Map<CommandId, FileTransfer>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor({ log }: { readonly log: Log }) {
    this.#log = log;
  }

  receive(id: CommandId, { payload }: Pick<Message, "payload">): void {
    const transfer = this.#present.get(id);
    if (!transfer) return;
    try {
      transfer.heard(readFileDown(payload));
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "what the console says of a file could not be read");
    }
  }

  /** The console has answered a birth. */
  greeted(): void {
    for (const { again } of this.#present.values()) again();
  }

  /** @returns what ends it */
  join(id: CommandId, transfer: FileTransfer): () => void {
    this.#present.set(id, transfer);
    return () => {
      if (this.#present.get(id) === transfer) this.#present.delete(id);
    };
  }

  /** Does `work` when there is room for one more. @throws what `work` throws, and the signal's reason */
  async inTurn<T>(signal: AbortSignal, waits: () => void, work: () => Promise<T>): Promise<T> {
    if (this.#busy >= maxTransfersAtOnce) {
      waits();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => this.#leave(resolve), { once: true });
      });
      // Whoever left has no place that could be handed on.
      signal.throwIfAborted();
    } else this.#busy += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  #leave(resolve: () => void): void {
    const at = this.#waiting.indexOf(resolve);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    resolve();
  }
}
