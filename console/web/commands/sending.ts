import type { Json } from "#shared/messages/command";
import type { NewCommand } from "../api/console.ts";
import { parseDuration } from "../format/duration.ts";

/** What the form's two times say. */
export type ReadTimes =
  | { readonly ok: true; readonly timeout?: number; readonly ttl?: number }
  | { readonly ok: false; readonly problems: { readonly timeout?: string; readonly ttl?: string } };

const expectation = "Expected a time such as 5s, 10m or 1h.";

const wrong = (text: string, ms: number | undefined): boolean => text.trim() !== "" && !ms;

/** Reads both times; one that was left empty is left to the console. */
export function readTimes(typed: { timeout: string; ttl: string }): ReadTimes {
  const timeout = parseDuration(typed.timeout);
  const ttl = parseDuration(typed.ttl);
  const problems = {
    ...(wrong(typed.timeout, timeout) ? { timeout: expectation } : {}),
    ...(wrong(typed.ttl, ttl) ? { ttl: expectation } : {}),
  };
  if (Object.keys(problems).length > 0) return { ok: false, problems };
  return { ok: true, ...(timeout ? { timeout } : {}), ...(ttl ? { ttl } : {}) };
}

/** The command to post: no empty `args`, and only the times that were given. */
export function newCommand(
  key: string,
  args: Record<string, Json>,
  times: Extract<ReadTimes, { ok: true }>,
): NewCommand {
  const { timeout, ttl } = times;
  return {
    key,
    ...(Object.keys(args).length > 0 ? { args } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}
