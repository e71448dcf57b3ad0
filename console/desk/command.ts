import type { CommandState } from "#shared/command-states";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Encoding } from "#shared/codec";
import type { Args, Failure, FinalReply } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import type { Signature } from "#shared/messages/command-signature";
import type { ErrorCode } from "#shared/messages/error-codes";

/**
 * Who sent or withdrew what came from a broker that does not say who published it: only the embedded one does. What the message
 * itself claims is nobody's word. No account can be called so.
 */
export const unknownSender = "unknown (MQTT)";

/** Of a command that was never sent, because the console's disk did not take its row for good. */
export const notKeptCode = "not-kept" satisfies ErrorCode;

/** A command's whole story: the console's truth, of which the retained task is the image. Times are epoch ms. */
export interface Command {
  readonly id: CommandId;
  readonly device: DeviceId;
  readonly key: string;
  readonly args: Args;
  /** Who sent it: an account's name, or {@link unknownSender}. */
  readonly by: string;
  readonly ts: number;
  /** How long the caller waits, ms; null where nobody does. */
  readonly timeout: number | null;
  /** After this moment the device must not begin; null for a call, which ends with its caller's patience. */
  readonly expires: number | null;
  /** Its times are of a clock that nobody knows to be right: they are put right with that. */
  readonly unsure?: true;
  readonly state: CommandState;
  readonly progress?: number;
  readonly note?: string;
  readonly output?: string;
  readonly result?: Json;
  readonly error?: Failure;
  /** When it became final. */
  readonly ended?: number;
  /** Whether the device was online when it was sent: else an answer's time says nothing about the device. */
  readonly online: boolean;
  /** Whether a final reply of the device closed it, and not the console or a person. */
  readonly answered?: boolean;
  /** Milliseconds until its handler had ended it, succeeded or failed, on the monotonic clock; only where one run of the console saw both. */
  readonly took?: number;
  /** Answers that came after the command was closed; they change nothing. */
  readonly late?: readonly LateAnswer[];
  /** How many times it was published again because nothing was heard of it. */
  readonly shown?: number;
  /** Since when (epoch ms) it is not begun any more, because the console's state was put back to an older copy. */
  readonly doubted?: number;
  readonly timeline: readonly TimelineEvent[];
  /** How the task and its replies are encoded. */
  readonly encoding: Encoding;
  /** A person's word for it, as the device gets it. */
  readonly signature?: Signature;
  /** Shortened for a list: the whole is there by its id. `steps` is then how long its timeline is. */
  readonly brief?: boolean;
  readonly steps?: number;
}

export interface LateAnswer {
  readonly ts: number;
  /** Milliseconds after the command was closed. */
  readonly lateBy: number;
  readonly state: FinalReply["state"];
  readonly result?: Json;
  readonly error?: Failure;
}

export interface TimelineEvent {
  readonly ts: number;
  readonly who: "console" | "device" | "operator" | "broker";
  readonly what: string;
  /** In place of so many events that are not kept. */
  readonly more?: number;
}

export function isOpen({ state }: Pick<Command, "state">): boolean {
  return state === "queued" || state === "accepted" || state === "running";
}

/** The moment (epoch ms) after which the device must not begin it: a call's is its caller's patience; undefined where there is none. */
export function latestBeginning({
  ts,
  timeout,
  expires,
}: Pick<Command, "ts" | "timeout" | "expires">): number | undefined {
  return expires ?? (timeout === null ? undefined : ts + timeout);
}

/** Events that a command's timeline keeps: its first ones and its last ones, with the count of those between. */
export const maxEvents = 40;
const firstEvents = 20;
/** Characters of what one event tells; a note has it all. */
export const maxEventLength = 300;

/** The command with changes and, where something happened, one more event. */
export function changed(command: Command, changes: Partial<Command>, ...events: readonly TimelineEvent[]): Command {
  if (events.length === 0) return { ...command, ...changes };
  return { ...command, ...changes, timeline: events.reduce(withEvent, command.timeline) };
}

/** A device that never stops telling would otherwise make a row of megabytes, written anew with each word. */
function withEvent(timeline: readonly TimelineEvent[], event: TimelineEvent): readonly TimelineEvent[] {
  const next = { ...event, what: event.what.slice(0, maxEventLength) };
  if (timeline.length < maxEvents) return [...timeline, next];
  const [first, ...others] = timeline.slice(firstEvents);
  const kept = others.slice(1);
  const more = first?.more === undefined ? 2 : first.more + 1;
  const ts = kept[0]?.ts ?? event.ts;
  const gap: TimelineEvent = { ts, who: "console", what: `${more} events more, which are not kept`, more };
  return [...timeline.slice(0, firstEvents), gap, ...kept, next];
}
