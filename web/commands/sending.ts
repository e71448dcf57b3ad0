import type { Json } from "#shared/messages/payload-schema";
import type { CommandOrder } from "#api/command-routes";
import { typedDuration } from "../format/format-duration.ts";

/** What the form's two times say. */
export type ReadTimes =
  | { readonly ok: true; readonly timeout?: number; readonly ttl?: number }
  | { readonly ok: false; readonly problems: { readonly timeout?: string; readonly ttl?: string } };

/** Reads both times; one that was left empty is left to the console. */
export function readTimes(typed: { timeout: string; ttl: string }): ReadTimes {
  const times: { timeout?: number; ttl?: number } = {};
  const problems: { timeout?: string; ttl?: string } = {};
  for (const name of ["timeout", "ttl"] as const) {
    if (typed[name].trim() === "") continue;
    const read = typedDuration(typed[name]);
    if ("ms" in read) times[name] = read.ms;
    else problems[name] = read.problem;
  }
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, ...times };
}

/** The command to post: no empty `args`, and only the times that were given. */
export function newCommand(
  key: string,
  args: Record<string, Json>,
  times: Extract<ReadTimes, { ok: true }>,
): CommandOrder {
  const { timeout, ttl } = times;
  return {
    key,
    ...(Object.keys(args).length > 0 ? { args } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}
