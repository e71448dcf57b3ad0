import type { Encoding } from "#shared/codec";
import type { CommandId } from "#shared/ids";
import type { FinalReply } from "#shared/messages/command";

interface Ended {
  readonly reply: FinalReply;
  readonly encoding: Encoding;
  settled: boolean;
}

/** Ids remembered at most; the oldest settled ones are forgotten beyond it. */
const capacity = 10_000;

/** What the agent has answered: the reason why no id is carried out twice. */
export class Ledger {
  readonly #ended = new Map<CommandId, Ended>();

  end(id: CommandId, reply: FinalReply, encoding: Encoding): void {
    this.#ended.set(id, { reply, encoding, settled: false });
    if (this.#ended.size > capacity) this.#forgetOldest();
  }

  /** The final reply that `id` was given, if it was. */
  reply(id: CommandId): Ended | undefined {
    return this.#ended.get(id);
  }

  /** The console has the final reply: it withdrew the task. */
  settle(id: CommandId): void {
    const ended = this.#ended.get(id);
    if (ended) ended.settled = true;
  }

  /** The final replies that the console has not acknowledged. */
  *unsettled(): Iterable<[CommandId, Ended]> {
    for (const entry of this.#ended) if (!entry[1].settled) yield entry;
  }

  #forgetOldest(): void {
    for (const [id, { settled }] of this.#ended) {
      if (!settled) continue;
      this.#ended.delete(id);
      return;
    }
  }
}
