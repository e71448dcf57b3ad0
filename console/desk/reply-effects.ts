import type { FinalReply, Reply } from "#shared/messages/command-messages";
import type { ErrorCode } from "#shared/messages/error-codes";
import { changed, maxEventLength, type Command, type TimelineEvent, type LateAnswer } from "./command.ts";
import { outOfDoubt } from "./doubts.ts";

/** Characters of a command's output kept: its end. */
const outputKept = 65_536;

/**
 * Commands whose result is for the console alone, and neither kept nor shown: with the hash of a secret everybody who may look at commands
 * could try words against it.
 */
export const withheldKeys: ReadonlySet<string> = new Set(["rotate-secret"]);

/**
 * The command as a final reply closes it.
 * @param now the console's clock, epoch ms
 * @param took milliseconds since it was sent, where that is known
 */
export function endedBy(command: Command, reply: FinalReply, now: number, took: number | undefined): Command {
  const ran = reply.ms === undefined ? "" : ` after ${reply.ms} ms`;
  const events: TimelineEvent[] = [
    { ts: Math.round(reply.ts ?? now), who: "device", what: `${reply.state}${ran}` },
    { ts: now, who: "console", what: "final reply received, task withdrawn" },
  ];
  const { state } = reply;
  const changes = { ...outcomeOf(command, reply), ...withTook(took), state, ended: now, answered: true } as const;
  return changed(withoutWait(command), changes, ...events);
}

/** Whether the device answers another task that somebody has published under the command's id. */
export function isOfOther({ key }: Command, reply: Reply): boolean {
  if (reply.state !== "rejected" || reply.error.code !== ("id-taken" satisfies ErrorCode)) return false;
  const { data } = reply.error;
  return typeof data === "object" && data !== null && !Array.isArray(data) && data["key"] !== key;
}

/** What a device has said of why a command waits is over with that. */
export function withoutWait(command: Command): Command {
  if (command.state !== "accepted") return command;
  const { note: _, ...others } = command;
  return others;
}

/** The command as a reply that is not final moves it on. */
export function progressedBy(command: Command, reply: Exclude<Reply, FinalReply>, now: number): Command {
  const { note } = reply;
  // What was begun stays so, whoever waits with it now: another agent under the id is not to begin it again.
  const state = command.state === "running" ? "running" : reply.state;
  const what = state === "running" ? "begun" : "received, waits behind earlier commands";
  const events: TimelineEvent[] = state === command.state ? [] : [{ ts: now, who: "device", what }];
  const running = reply.state === "running" ? reply : undefined;
  const before = state === command.state ? command : withoutWait(command);
  return changed(
    // Its device knows of it.
    state === "running" ? outOfDoubt(before) : before,
    {
      state,
      ...(note === undefined ? {} : { note }),
      ...(running?.progress === undefined ? {} : { progress: running.progress }),
      ...(running?.output === undefined ? {} : { output: appended(command.output, running.output) }),
    },
    ...events,
  );
}

/**
 * A closed command with a final reply that came afterwards; undefined where it tells nothing new: the agent repeats a reply
 * until it sees the withdrawal.
 */
export function lateWith(
  command: Command,
  reply: FinalReply,
  now: number,
  took: number | undefined,
): Command | undefined {
  const { state } = reply;
  if (command.answered && state === command.state) return undefined;
  if (command.late?.some((one) => one.state === state)) return undefined;
  const late: LateAnswer = { ts: now, lateBy: now - (command.ended ?? now), state, ...outcomeOf(command, reply) };
  const what = state === "cancelled" ? "stopped on being withdrawn" : `${state}, after the command was closed`;
  return changed(
    command,
    { late: [...(command.late ?? []), late], ...withTook(took) },
    { ts: now, who: "device", what },
  );
}

/** News of a command that is closed, such as that its handler goes on; undefined where it is none. */
export function afterwards(
  command: Command,
  { note }: Reply & { readonly note?: string | undefined },
  now: number,
): Command | undefined {
  if (note === undefined || command.timeline.at(-1)?.what === note.slice(0, maxEventLength)) return undefined;
  return changed(command, { note }, { ts: now, who: "device", what: note });
}

function outcomeOf({ key }: Command, reply: FinalReply): Pick<Command, "result" | "error"> {
  if (reply.state !== "succeeded") return { error: reply.error };
  return reply.result === undefined || withheldKeys.has(key) ? {} : { result: reply.result };
}

function withTook(took: number | undefined): Pick<Command, "took"> {
  return took === undefined ? {} : { took };
}

/** The end is kept, and the cut said. */
function appended(before = "", more: string): string {
  const output = before + more;
  return output.length > outputKept ? `[the beginning was cut]\n${output.slice(-outputKept)}` : output;
}
