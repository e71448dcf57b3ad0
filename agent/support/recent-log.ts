import type { Clock } from "#shared/clock";
import { isoTime } from "#shared/iso-time";
import { readableLine, type Log } from "#shared/log";
import { loggable } from "#shared/log-line";
import { Signal } from "#shared/signal";
import { withoutSecrets } from "./without-secrets.ts";

/** Lines of the log, and bytes of them, that an agent remembers: half an hour of much trouble, and little of a small machine's memory. */
export const maxRecentLines = 500;
export const maxRecentBytes = 128 * 1024;

/** The newest lines of the agent's log, without secrets, for whoever asks from afar. The level `debug` is left out: it is for those who are there. */
export class RecentLog {
  readonly #clock: Pick<Clock, "now">;
  readonly #lines: string[] = [];
  #bytes = 0;
  /** Each line as it comes. */
  readonly added = new Signal<string>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** How many there are. */
  get size(): number {
    return this.#lines.length;
  }

  /** The same log, whose lines are remembered, whatever its level is. */
  over(log: Log): Log {
    const at =
      (name: "info" | "warn" | "error"): Log["info"] =>
      (fields, message) => {
        log[name](fields, message);
        this.#add(name, fields, message);
      };
    return {
      debug: (fields, message) => log.debug(fields, message),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
    };
  }

  /** The newest of them that fit into so many bytes of JSON, the oldest first. */
  newest(count: number, bytes: number): string[] {
    let left = bytes;
    let at = this.#lines.length;
    while (at > 0 && this.#lines.length - at < count) {
      left -= Buffer.byteLength(JSON.stringify(this.#lines[at - 1])) + 1;
      if (left < 0) break;
      at -= 1;
    }
    return this.#lines.slice(at);
  }

  #add(name: "info" | "warn" | "error", given: object, text: string): void {
    const { message, fields } = loggable(text, given);
    const time = isoTime(this.#clock.now());
    const line = withoutSecrets(readableLine({ time, name, fields, message }));
    this.#lines.push(line);
    this.#bytes += Buffer.byteLength(line);
    while (this.#lines.length > maxRecentLines || this.#bytes > maxRecentBytes)
      this.#bytes -= Buffer.byteLength(this.#lines.shift() ?? "");
    this.added.emit(line);
  }
}
