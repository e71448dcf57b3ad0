import type { ProcReader } from "./proc.ts";

/** By the number that the kernel writes for each state, from include/net/tcp_states.h; `none` is any other. */
export const states = [
  "tcp_none",
  "tcp_established",
  "tcp_syn_sent",
  "tcp_syn_recv",
  "tcp_fin_wait1",
  "tcp_fin_wait2",
  "tcp_time_wait",
  "tcp_close",
  "tcp_close_wait",
  "tcp_last_ack",
  "tcp_listen",
  "tcp_closing",
] as const;

/** A table of sockets. */
export interface SocketTable {
  readonly path: string;
  /** From the colon behind a line's number to its state: two addresses of hexadecimal digits with their ports. */
  readonly offset: number;
}

/** Bytes read at a time; some hundred lines. */
const buffer = Buffer.allocUnsafeSlow(32_768);

/**
 * Counts the sockets of some tables by state, in as many steps as one likes: the kernel goes on from where the last reading of the
 * same open file ended. What comes or goes meanwhile is counted or not; a state of the middle of the walk is as true as one of its end.
 */
export class TcpWalk {
  readonly #proc: ProcReader;
  readonly #tables: SocketTable[];
  readonly #counts: Record<string, number> = Object.fromEntries(states.map((state) => [state, 0]));
  #file: number | undefined;
  #position = 0;
  /** The beginning of a line whose end has not been read. */
  #rest = "";

  constructor(proc: ProcReader, tables: readonly SocketTable[]) {
    this.#proc = proc;
    this.#tables = [...tables];
  }

  /** Reads on, so many bytes at most. @returns the sockets by state, once everything is read */
  step(bytes: number): Readonly<Record<string, number>> | undefined {
    for (let left = bytes; left > 0;) {
      const [table] = this.#tables;
      if (!table) return this.#counts;
      this.#file ??= this.#proc.open(table.path);
      const length = this.#file === undefined ? 0 : this.#proc.readOn(this.#file, buffer, this.#position);
      if (length === 0) this.#next();
      else this.#count(this.#rest + buffer.toString("latin1", 0, length), table.offset);
      this.#position += length;
      left -= length;
    }
    return this.#tables.length === 0 ? this.#counts : undefined;
  }

  /** Lets go of the file that is being read. */
  stop(): void {
    if (this.#file !== undefined) this.#proc.close(this.#file);
    this.#file = undefined;
    this.#tables.length = 0;
  }

  #next(): void {
    if (this.#file !== undefined) this.#proc.close(this.#file);
    this.#file = undefined;
    this.#position = 0;
    this.#rest = "";
    this.#tables.shift();
  }

  /** Nothing is split, so that a thousand lines leave no garbage. */
  #count(text: string, offset: number): void {
    let line = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", line)) {
      const at = text.indexOf(":", line) + offset;
      // The line of titles has no colon.
      if (at >= offset && at < end) {
        const state = states[Number.parseInt(text.slice(at, at + 2), 16)] ?? "tcp_none";
        this.#counts[state] = (this.#counts[state] ?? 0) + 1;
      }
      line = end + 1;
    }
    this.#rest = text.slice(line);
  }
}
