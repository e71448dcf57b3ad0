import type { DeviceId } from "#shared/ids";
import type { LineTarget, Rejected } from "./influx-lines.ts";
import type { LineBytes } from "./line-bytes.ts";
import { StoreUnavailableError, type SeriesColumns, type WriteOutcome } from "./store.ts";

/** Lines that InfluxDB has not taken though it has taken others: the first of them, how many, and why. */
export interface BadLines {
  readonly line: number;
  readonly count: number;
  readonly why: string;
  /** The line behind the last of them, where it is not known which `count` of those between they are. */
  readonly end?: number;
  /** Whether they may be tried again. */
  readonly again?: boolean;
}

/** One write, whose lines may be spread over several batches. */
export interface Call {
  /** Batches that hold lines of it and have not ended. */
  waiting: number;
  readonly rejected: Rejected[];
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: StoreUnavailableError) => void;
}

/** From line `from` on, the lines are of this call. The series' values are not held: they are in the lines. */
interface Owner {
  readonly from: number;
  readonly device: DeviceId;
  readonly measurement: string;
  readonly call: Call;
}

/** Lines and bytes after which a request is full: InfluxDB takes such ones best, and 25 MB at most. */
const most = { lines: 5_000, bytes: 1024 * 1024 };

/** The lines of one request, whose they are, and where each ends, so that a part of them can be sent again. */
export class LineBatch implements LineTarget {
  /** Bytes that hold a full request, with room for its last line. */
  static readonly capacity = most.bytes + 16 * 1024;

  readonly out: LineBytes;
  readonly #ends = new Uint32Array(most.lines);
  readonly #owners: Owner[] = [];
  readonly #grown: (bytes: number) => void;
  #device: DeviceId | undefined;
  #measurement: string | undefined;
  #call: Call | undefined;
  lines = 0;

  /** @param grown is told of the bytes of each line */
  constructor(out: LineBytes, grown: (bytes: number) => void) {
    this.out = out;
    this.#grown = grown;
  }

  get full(): boolean {
    return this.lines >= most.lines || this.out.length >= most.bytes;
  }

  /** Says whose the next lines are. */
  for({ device, measurement }: SeriesColumns, call: Call): this {
    this.#device = device;
    this.#measurement = measurement;
    this.#call = call;
    return this;
  }

  endLine(): void {
    const last = this.#owners.at(-1);
    if (!last || last.measurement !== this.#measurement || last.call !== this.#call || last.device !== this.#device)
      this.#begin(last);
    this.#grown(this.out.length - this.#endOf(this.lines - 1));
    this.#ends[this.lines++] = this.out.length;
  }

  /** The lines from `from` up to `to`, not with it. */
  slice(from: number, to: number): Buffer {
    return this.out.bytes.subarray(this.#endOf(from - 1), this.#endOf(to - 1));
  }

  /** Tells the calls that the lines are in, but for the bad ones, each of which its own call hears of. */
  taken(bad: readonly BadLines[]): void {
    for (const { line, count, why, end = line + count, again = false } of bad) {
      let left = count;
      for (const { device, measurement, call, lines } of this.#ownersIn(line, end)) {
        const own = Math.min(lines, left);
        left -= own;
        if (again)
          call.reject(
            new StoreUnavailableError(`InfluxDB refuses these lines and takes others: ${why}`, { alone: true }),
          );
        else if (own > 0) call.rejected.push({ device, measurement, why, count: own });
      }
    }
    for (const call of this.#calls()) if (--call.waiting === 0) call.resolve({ rejected: call.rejected });
  }

  /** Tells the calls that their lines may be tried again. */
  failed(error: StoreUnavailableError): void {
    for (const call of this.#calls()) call.reject(error);
  }

  #begin(last: Owner | undefined): void {
    const [device, measurement, call] = [this.#device, this.#measurement, this.#call];
    if (device === undefined || measurement === undefined || !call) throw new Error("a line of nobody was written");
    if (last?.call !== call) call.waiting += 1;
    this.#owners.push({ from: this.lines, device, measurement, call });
  }

  /** Whose lines there are from one up to another, and how many each has. */
  #ownersIn(from: number, end: number): (Owner & { readonly lines: number })[] {
    return this.#owners.flatMap((owner, at) => {
      const next = this.#owners[at + 1]?.from ?? this.lines;
      const lines = Math.min(next, end) - Math.max(owner.from, from);
      return lines > 0 ? [{ ...owner, lines }] : [];
    });
  }

  #calls(): Set<Call> {
    return new Set(this.#owners.map(({ call }) => call));
  }

  #endOf(line: number): number {
    return line < 0 ? 0 : this.#ends[line]!;
  }
}
