import type { ConnectionChange } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { isoTime } from "#shared/iso-time";

/** Changes of the connection that are remembered: a bad night's. */
export const maxConnectionChanges = 50;

/** When the agent was connected and why no longer, newest last. */
export class ConnectionHistory {
  readonly #clock: Pick<Clock, "now">;
  readonly #changes: { readonly at: string; readonly up: boolean; readonly why?: string }[] = [];

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  get changes(): readonly object[] {
    return this.#changes;
  }

  heard(change: ConnectionChange): void {
    const at = isoTime(this.#clock.now());
    this.#changes.push({ at, up: change.up, ...(change.up ? {} : { why: change.reason.slice(0, 200) }) });
    if (this.#changes.length > maxConnectionChanges) this.#changes.shift();
  }
}
