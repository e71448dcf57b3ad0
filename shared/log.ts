import { counted } from "#shared/counted";
import { systemClock, type Clock } from "#shared/clock";
import { isoTime } from "#shared/iso-time";
import { LineBudget, tellEvery } from "#shared/log-budget";
import { loggable } from "#shared/log-line";
import { forTerminal, forTerminalJson } from "#shared/printable";

/** What a part is given to write its log with: fields come first, `err` for an error among them, and the sentence after. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** The numbers that log viewers know from bunyan and pino. */
const numbers = { debug: 20, info: 30, warn: 40, error: 50, silent: Number.POSITIVE_INFINITY };

let levelOfProcess: LogLevel | undefined;

/** What a person wants to read of this process while it runs, whatever its logs were made with; undefined for these again. */
export function setLogLevel(level: LogLevel | undefined): void {
  levelOfProcess = level;
}

/**
 * A log on standard error: JSON lines for machines, one readable line each on a terminal. `scope` names the part. No library:
 * the usual one takes 2 MB of every agent's memory. How many lines there are, and how long each, is bounded. It never throws.
 */
export function createLog(scope: string, level: LogLevel, outlet = standardError()): Log {
  const at = (name: keyof Log): Log["info"] => {
    return (fields, message) => {
      if (numbers[name] >= numbers[levelOfProcess ?? level]) outlet.write(name, scope, fields, message);
    };
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that writes nothing: for tests and for embedding. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Where lines go to: as much of a stream of Node's as is used. */
export interface LogStream {
  readonly isTTY?: boolean;
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: "error", listener: () => void): unknown;
}

export interface LogOutletOptions {
  readonly stream: LogStream;
  readonly clock: Pick<Clock, "now" | "monotonic" | "after">;
}

/** Bytes that wait for whoever reads the log; Node itself keeps all that a slow reader leaves. */
export const maxUnwrittenLog = 1024 * 1024;

/** What all logs of a process write through: it bounds them together, and takes whatever the reader does. */
export class LogOutlet {
  readonly #options: LogOutletOptions;
  readonly #budget: LineBudget;
  #lost = 0;

  constructor(options: LogOutletOptions) {
    this.#options = options;
    const { clock, stream } = options;
    this.#budget = new LineBudget({
      now: () => clock.monotonic(),
      later: (ms, run) => void clock.after(ms, run),
      leftOut: (part, place, count) => this.#tellLeftOut(part, place, count),
    });
    // The reader may go at any time (EPIPE, EIO, ENOSPC): that is no reason to end what it has read about.
    stream.on("error", () => {});
  }

  write(name: keyof Log, scope: string, fields: object, message: string): void {
    if (this.#budget.admits(`${name} ${scope}`, message)) this.#line(name, scope, fields, message);
  }

  #line(name: keyof Log, scope: string, fields: object, message: string): void {
    const { stream } = this.#options;
    if (stream.writableLength > maxUnwrittenLog) return void (this.#lost += 1);
    try {
      if (this.#lost > 0)
        stream.write(
          this.#format(
            "warn",
            scope,
            {},
            `${counted(this.#lost, "line of the log was", "lines of the log were")} lost: nobody read them`,
          ),
        );
      this.#lost = 0;
      stream.write(this.#format(name, scope, fields, message));
    } catch {
      // A file on a full disk throws here. There is nowhere left to tell it.
      this.#lost += 1;
    }
  }

  #format(name: keyof Log, scope: string, given: object, text: string): string {
    const { stream, clock } = this.#options;
    const time = isoTime(clock.now());
    const { message, fields } = loggable(text, given);
    if (stream.isTTY) return `${readableLine({ time: time.slice(11, 19), name, scope, fields, message })}\n`;
    return `${forTerminalJson(JSON.stringify({ level: numbers[name], time, scope, ...fields, msg: message }))}\n`;
  }

  #tellLeftOut(part: string, place: string, count: number): void {
    const [name, scope = ""] = part.split(" ") as [keyof Log, string | undefined];
    const which = place === "" ? "of other kinds" : `like "${place}"`;
    this.#line(
      name,
      scope,
      { leftOut: count },
      `${counted(count, `more line ${which} was`, `more lines ${which} were`)} left out in the last ${tellEvery / 1_000} s`,
    );
  }
}

let standard: LogOutlet | undefined;

/** One for the process: its parts share the reader. */
function standardError(): LogOutlet {
  const after = (ms: number, run: () => void): (() => void) => {
    // What was left out is worth a line, not waiting for it.
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  };
  return (standard ??= new LogOutlet({ stream: process.stderr, clock: { ...systemClock, after } }));
}

interface Line {
  readonly time: string;
  readonly name: string;
  /** Which part says so, where that is to stand in it. */
  readonly scope?: string;
  readonly fields: object;
  readonly message: string;
}

/** A line for people, without its end: nothing in it is obeyed by a terminal, whoever sent it. */
export function readableLine({ time, name, scope, fields, message }: Line): string {
  const { err, ...rest } = fields as Record<string, unknown>;
  const shown = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const cause = err && typeof err === "object" && "message" in err ? `(${String(err.message)})` : "";
  // What strangers sent stands in all of these: it is one line whatever they are.
  const told = [message, cause, ...shown].filter(Boolean).map((part) => forTerminal(part));
  return [time, name.padEnd(5), ...(scope === undefined ? [] : [`${scope}:`]), ...told].join(" ");
}
