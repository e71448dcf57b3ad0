import type { OwnFailure } from "#shared/messages/error-codes";
import { changed, type Command } from "./command.ts";

/** Milliseconds that a device which is there is given to say what became of a command that is in doubt. */
export const answerWithin = 5_000;

/** @param why as a sentence @param now epoch ms */
export function inDoubt(command: Command, why: string, now: number): Command {
  const what = `${why}: it is not begun any more, and its device is asked what became of it`;
  return changed(command, { doubted: now }, { ts: now, who: "console", what });
}

/** The same command, of which its device has said that it runs. */
export function outOfDoubt(command: Command): Command {
  const { doubted: _, ...certain } = command;
  return certain;
}

export const nobodyKnows: OwnFailure = {
  code: "restored",
  message:
    "it was queued when the console's state was put back to an older copy: whether somebody has cancelled it since, or it was carried out, nobody knows; send it again if it is still wanted",
};
