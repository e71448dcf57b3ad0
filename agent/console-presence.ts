import type { ConsoleStatus } from "#shared/messages/presence-messages";

/**
 * Whether there is a console, by what it says of itself. A broker may publish the will of an earlier connection as much as 45 s late: a death
 * whose session is not that of the newest online status is of the past, and changes nothing.
 */
export class ConsolePresence {
  #session: string | undefined;
  #isAway = false;
  #fleet = 0;

  /** How many devices there are by the console's last word, which holds without a connection: it is for the way back. */
  get fleet(): number {
    return this.#fleet;
  }

  /** Whether the console has said, or the broker for it, that it is gone. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /**
   * @param retained whether the broker had kept it: then it tells of one that has been there
   * @returns `returned` where another console, or the same one anew, has begun to listen; `past` for what changes nothing
   */
  heard({ online, session, fleet }: ConsoleStatus, retained: boolean): "returned" | "past" | undefined {
    const known = this.#session;
    if (!online) {
      if (known !== undefined && known !== session) return "past";
      this.#isAway = true;
      return undefined;
    }
    this.#session = session;
    this.#isAway = false;
    this.#fleet = fleet ?? this.#fleet;
    return known === session || (known === undefined && retained) ? undefined : "returned";
  }

  /** The connection is gone, and with it what is known of the console's presence. */
  forget(): void {
    this.#session = undefined;
    this.#isAway = false;
  }
}
