import { pino } from "pino";

/** What a part is given to write its log with: pino's interface, so that fields come first and the sentence after. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** A log on standard error: JSON lines for machines, one readable line each on a terminal. `scope` names the part. */
export function createLog(scope: string, level: LogLevel): Log {
  const destination = process.stderr.isTTY
    ? { write: (line: string) => process.stderr.write(readable(line)) }
    : process.stderr;
  return pino({ level, base: { scope }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** A log that writes nothing: for tests and for embedding. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

const names: Record<number, string> = { 20: "debug", 30: "info ", 40: "warn ", 50: "error" };

function readable(line: string): string {
  const { level, time, scope, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 19);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const cause = err && typeof err === "object" && "message" in err ? `(${String(err.message)})` : "";
  return `${[clock, names[Number(level)] ?? "", `${String(scope)}:`, msg, cause, ...rest].filter(Boolean).join(" ")}\n`;
}
