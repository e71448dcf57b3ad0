import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import type { Log } from "#shared/log";
import type { Audit } from "../audit/audit.ts";
import type { Delivery } from "./delivery.ts";

/** Milliseconds in which notices that a channel will not deliver stand in one entry of the audit log, behind the first one's. */
export const givenUpWindow = 60_000;

export interface GivenUpOptions {
  readonly audit: Pick<Audit, "note">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a channel since its last entry. */
interface Count {
  times: number;
  last: { readonly alert: string; readonly said: string; readonly tries: number } | undefined;
}

/** Tells which notices will not be delivered: of a channel the first at once, and those of each window behind it with their number. */
export class GivenUp {
  readonly #options: GivenUpOptions;
  readonly #counts = new Map<string, Count>();
  #cancel: (() => void) | undefined;

  constructor(options: GivenUpOptions) {
    this.#options = options;
  }

  note(
    { channel, alert }: Pick<Delivery, "channel" | "alert">,
    { said, tries }: Pick<Delivery, "said" | "tries">,
  ): void {
    const one = { alert, said: said ?? "", tries };
    const count = this.#counts.get(channel);
    if (count) {
      count.times += 1;
      count.last = one;
      return;
    }
    this.#counts.set(channel, { times: 0, last: undefined });
    this.#cancel ??= this.#options.clock.after(givenUpWindow, () => this.#endWindow());
    this.#write(channel, 1, one);
  }

  /** Writes what was counted. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [channel, { times, last }] of this.#counts) if (last) this.#write(channel, times, last);
    this.#counts.clear();
  }

  #endWindow(): void {
    this.#cancel = undefined;
    for (const [channel, { times, last }] of this.#counts) {
      if (last) this.#write(channel, times, last);
      if (last) this.#counts.set(channel, { times: 0, last: undefined });
      else this.#counts.delete(channel);
    }
    if (this.#counts.size > 0) this.#cancel = this.#options.clock.after(givenUpWindow, () => this.#endWindow());
  }

  #write(channel: string, times: number, { alert, said, tries }: NonNullable<Count["last"]>): void {
    const { audit, log } = this.#options;
    const event = { who: "console", from: "console", what: "notice.given-up", on: channel, result: `failed: ${said}` };
    audit.note({ ...event, detail: { alert, tries, times } });
    log.error({ channel, alert, tries, said, times }, `${counted(times, "notice")} of alerts will not be delivered`);
  }
}
