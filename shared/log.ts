import { messageWithCauses } from "#shared/errors";

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

/**
 * A log on standard error: JSON lines for machines, one readable line each on a terminal. `scope` names the part. No library:
 * the usual one takes 2 MB of every agent's memory.
 */
export function createLog(scope: string, level: LogLevel): Log {
  const at = (name: keyof Log): Log["info"] => {
    if (numbers[name] < numbers[level]) return () => {};
    return (fields, message) => {
      const time = new Date().toISOString();
      const { isTTY } = process.stderr;
      process.stderr.write(
        isTTY
          ? readable({ time, name, scope, fields, message })
          : `${JSON.stringify({ level: numbers[name], time, scope, ...fields, msg: message }, plain)}\n`,
      );
    };
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that writes nothing: for tests and for embedding. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** JSON has no errors: without this they would read `{}`. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  return {
    ...Object.fromEntries(Object.entries(value)),
    type: value.name,
    message: messageWithCauses(value),
    stack: value.stack,
  };
}

interface Line {
  readonly time: string;
  readonly name: string;
  readonly scope: string;
  readonly fields: object;
  readonly message: string;
}

function readable({ time, name, scope, fields, message }: Line): string {
  const { err, ...rest } = fields as Record<string, unknown>;
  const shown = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value, plain)}`,
  );
  const cause = err && typeof err === "object" && "message" in err ? `(${String(err.message)})` : "";
  return `${[time.slice(11, 19), name.padEnd(5), `${scope}:`, message, cause, ...shown].filter(Boolean).join(" ")}\n`;
}
