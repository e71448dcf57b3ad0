import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { Command, TimelineEvent } from "./command.ts";

/**
 * What a list shows of a command: characters of its document up to which it is shown whole, and of the parts that are kept of a longer
 * one. A hundred outputs of 64 KiB held everything up for half a second.
 */
export const briefly = { whole: 4_096, part: 400, steps: 4 };

/** A command for lists, without what is long in it: `brief` tells that there is more. The whole is there by its id. */
export function briefOf(command: Command): Command {
  const { output: _, result, args, error, note, late, timeline, ...rest } = command;
  const last = late?.at(-1);
  return {
    ...rest,
    args: isShort(args) ? args : ({} satisfies Args),
    ...(result !== undefined && isShort(result) ? { result } : {}),
    ...(error ? { error: { code: error.code, message: error.message.slice(0, briefly.part) } } : {}),
    ...(note === undefined ? {} : { note: note.slice(0, briefly.part) }),
    ...(last ? { late: [{ ts: last.ts, lateBy: last.lateBy, state: last.state }] } : {}),
    timeline: timeline.slice(-briefly.steps).map(shortened),
    brief: true,
    steps: timeline.length,
  };
}

function isShort(value: Json): boolean {
  return JSON.stringify(value).length <= briefly.part;
}

function shortened({ what, ...event }: TimelineEvent): TimelineEvent {
  return { ...event, what: what.slice(0, briefly.part) };
}
