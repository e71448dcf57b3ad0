import type { CommandState } from "#shared/command-states";
import type { OwnFailure } from "#shared/messages/error-codes";
import { changed, notKeptCode, type Command, type TimelineEvent } from "./command.ts";
import { nobodyKnows } from "./doubts.ts";
import { withoutWait } from "./reply-effects.ts";

/** How a command ends without a final reply of its device. */
export interface Ending {
  readonly state: CommandState;
  readonly error: OwnFailure;
  readonly who: TimelineEvent["who"];
  readonly what: string;
}

/** @param now epoch ms */
export function endedWith(command: Command, { state, error, who, what }: Ending, now: number): Command {
  return changed(withoutWait(command), { state, error, ended: now }, { ts: now, who, what });
}

/** On a person's word. */
export function withdrawnBy(name: string): Ending {
  const message = `withdrawn by ${name}`;
  return { state: "cancelled", error: { code: "cancelled", message }, who: "operator", what: message };
}

/** With its device. @param why as a sentence */
export function removedWith(why: string): Ending {
  return { state: "cancelled", error: { code: "removed", message: why }, who: "operator", what: why };
}

/** Begun by a machine that is not this device any more. */
export function leftBehind({ device }: Command): Ending {
  const message = `${device} was enrolled again: what the machine of before made of it nobody knows`;
  return { state: "interrupted", error: { ...nobodyKnows, message }, who: "console", what: `ended: ${message}` };
}

/** Its row did not reach the disk. */
export function neverSent({ message: why }: Error): Ending {
  const message = `never sent: the console's own disk takes no writes (${why})`;
  return { state: "cancelled", error: { code: notKeptCode, message }, who: "console", what: message };
}

export function expired({ device }: Command): Ending {
  const message = `${device} did not begin it in time`;
  return { state: "expired", error: { code: "expired", message }, who: "console", what: `expired: ${message}` };
}

/** @param isOwn whether this run of the console sent it */
export function timedOut({ timeout }: Command, isOwn: boolean): Ending {
  const gone = isOwn ? "" : "; who called went with an earlier run of the console";
  const message = `no final reply within ${timeout} ms${gone}`;
  return { state: "timed_out", error: { code: "timeout", message }, who: "console", what: `${message}: withdrawn` };
}

/** Its device knows nothing of it, or was not there in all its time. */
export const unexplained: Ending = {
  state: "interrupted",
  error: nobodyKnows,
  who: "console",
  what: "ended: what became of it nobody knows",
};
