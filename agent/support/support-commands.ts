import * as z from "zod/mini";
import type { Json } from "#shared/messages/payload-schema";
import { CommandError, type Handler, type RunContext } from "../commands/handler.ts";
import { maxRecentLines, type RecentLog } from "./recent-log.ts";
import { documentWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

export interface SupportParts {
  readonly recent: RecentLog;
  /** What else is told: versions, settings, states. */
  readonly state: () => Json;
  /** Secrets at this moment, of which none is told wherever it stands. */
  readonly secrets: () => readonly string[];
  /** Calls `run` once after `ms` milliseconds. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** Bytes of an answer: the console takes messages of 32 KiB, and some of it are names and marks. */
export const maxSupportBytes = 24 * 1024;
/** Bytes of log with which a follower begins: as much as one update of a running command carries. */
const firstBytes = 7_000;
/** Who reads a device's log at the same time: each has its own copy sent. */
export const maxFollowers = 4;
/** Milliseconds until a follower that nobody withdraws has ended. */
export const followFor = 3_600_000;

const logsArgs = z.object({
  lines: z.optional(z.int().check(z.gte(0), z.lte(maxRecentLines), z.meta({ title: "Lines, the newest" }))),
  follow: z.optional(z.boolean().check(z.meta({ title: "Go on with each line that comes, until it is withdrawn" }))),
});

/** By which somebody elsewhere sees how an agent fares. They change nothing, and wait behind nothing. */
export function supportCommands(parts: SupportParts): Record<string, Handler> {
  const { recent, secrets, state } = parts;
  const hide = (lines: string[]): string[] => {
    const known = secrets();
    return lines.map((line) => withoutSecrets(line, known));
  };
  let followers = 0;
  const logs: Handler<z.infer<typeof logsArgs>> = {
    title: "Show the newest lines of the agent's log",
    args: logsArgs,
    concurrent: true,
    harmless: true,
    async run({ lines = 100, follow = false }, context) {
      if (!follow) {
        const shown = hide(recent.newest(lines, maxSupportBytes));
        return { lines: shown, earlier: recent.size - shown.length };
      }
      if (followers >= maxFollowers)
        throw new CommandError("busy", `${maxFollowers} follow this log already: withdraw one of them`);
      followers += 1;
      const first = hide(recent.newest(lines, firstBytes));
      return followLog(parts, first, context).finally(() => (followers -= 1));
    },
  };
  return {
    logs: logs as Handler,
    support: {
      title: "Tell all that helps to find a fault, without secrets",
      concurrent: true,
      harmless: true,
      run: () => {
        const told = fitting(documentWithoutSecrets(state(), secrets()) as Record<string, Json>);
        const room = maxSupportBytes - bytesOf(told);
        return { ...told, log: hide(recent.newest(maxRecentLines, room)) };
      },
    },
  };
}

const bytesOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

/** Without the largest parts, where they are too large together: settings may hold certificates. */
function fitting(told: Record<string, Json>): Record<string, Json> {
  const leftOut: string[] = [];
  const left = { ...told };
  while (bytesOf(left) > maxSupportBytes - 1_000) {
    const [largest = ""] = Object.keys(left).sort((a, b) => bytesOf(left[b] ?? null) - bytesOf(left[a] ?? null));
    delete left[largest];
    leftOut.push(largest);
  }
  return leftOut.length === 0 ? left : { ...left, leftOut };
}

/** @returns once its time is over; rejects when it is withdrawn */
function followLog({ recent, secrets, after }: SupportParts, first: string[], context: RunContext): Promise<Json> {
  const { signal, output } = context;
  const known = secrets();
  let told = first.length;
  for (const line of first) output(`${line}\n`);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      deaf();
      cancel();
      signal.removeEventListener("abort", withdrawn);
    };
    const withdrawn = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const deaf = recent.added.on((line) => {
      told += 1;
      output(`${withoutSecrets(line, known)}\n`);
    });
    const cancel = after(followFor, () => {
      end();
      resolve({ lines: told });
    });
    if (signal.aborted) withdrawn();
    else signal.addEventListener("abort", withdrawn);
  });
}
