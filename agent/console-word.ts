import type { CommandId } from "#shared/ids";

/**
 * What the console has said on this connection about which of the device's commands are open.
 *
 * A broker may hand over what was withdrawn long ago: restored from its disk after a kill, say. And a task that waited here over a broken
 * connection may have been withdrawn meanwhile. So neither begins on the broker's word: the console's greeting names what is open.
 */
export class ConsoleWord {
  #greeted = false;
  #open: Set<string> | undefined;
  readonly #begun = new Set<string>();

  /** Whether the console has answered a birth of this connection. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** A connection came or went: what was said on the last one is of the past. */
  forget(): void {
    this.#greeted = false;
    this.#open = undefined;
    this.#begun.clear();
  }

  /**
   * The console has answered the birth of this connection.
   * @param open ids of open commands, or some of them: others may follow; undefined from a console that does not tell
   * @param begun those among them that it has heard to run
   */
  greet(open: readonly string[] | undefined, begun: readonly string[] = []): void {
    const isFirst = !this.#greeted;
    this.#greeted = true;
    if (open && (isFirst || this.#open)) this.#open = new Set([...(this.#open ?? []), ...open]);
    for (const id of begun) this.#begun.add(id);
  }

  /** Whether a task that was found at the broker is open by the console's word. */
  allows(id: CommandId): boolean {
    return this.#greeted && (this.#open === undefined || this.#open.has(id));
  }

  /** Whether the console names it as open: then it is shown, or withdrawn. */
  isOpen(id: CommandId): boolean {
    return this.#open?.has(id) ?? false;
  }

  /** It was withdrawn. */
  closed(id: CommandId): void {
    this.#open?.delete(id);
  }

  /** Whether the console has heard that it was begun, by whomever under this device's id. */
  isBegun(id: CommandId): boolean {
    return this.#begun.has(id);
  }
}
