import type { Command } from "./command.ts";
import { expired, timedOut, unexplained, type Ending } from "./endings.ts";

/** Whose time is over: nobody may begin it any more; its caller has waited enough; its device was asked what became of it, and has not said. */
export type Deadline = "expiry" | "caller" | "doubt";

/** What is known when a command's time is over. */
export interface DeadlineMoment {
  /** Milliseconds since there is a broker; undefined where there is none. */
  readonly heardFor: number | undefined;
  /** Whether the present moment is known well enough to end something by it. */
  readonly timely: boolean;
  /** Whether its device is online. */
  readonly online: boolean;
}

/** Milliseconds after the broker came up in which devices repeat what was not heard: the answer to their birth makes them. */
export const settling = 1_500;

/** Milliseconds in which "begun" arrives from a device that is online: it is sent 200 ms after the beginning. */
export const expiryGrace = 1_000;

/**
 * Milliseconds that a call outlives its caller's time, with the grace below, where the caller went away with an earlier run of the console:
 * its end may be on the way. In the run that sent it, it ends with his time.
 */
export const callGrace = 1_000;

/**
 * The moment (epoch ms) at which an open command's time is over, and whose that is; undefined where it has no end. A caller's own timer
 * comes before: this one is for a caller that went away with an earlier run of the console.
 */
export function dueOf({ ts, timeout, expires }: Pick<Command, "ts" | "timeout" | "expires">): Due | undefined {
  if (expires !== null) return { which: "expiry", at: expires };
  return timeout === null ? undefined : { which: "caller", at: ts + timeout + callGrace };
}

export interface Due {
  readonly which: "expiry" | "caller";
  readonly at: number;
}

/**
 * Milliseconds left to a command whose time is over; undefined where its end waits for a broker, or for a clock that is right. Its
 * device's word may be on the way: "begun" from one that is online, or a final reply that is repeated to a console that has only just
 * come to hear. Closed now, the withdrawal would be taken for the receipt of a reply that was never heard.
 */
export function graceOf({ heardFor, timely, online }: DeadlineMoment): number | undefined {
  if (heardFor === undefined || !timely) return undefined;
  return Math.max(0, settling - heardFor, online ? expiryGrace : 0);
}

/**
 * What ends an open command when that time of it is over; undefined where it goes on.
 * @param isOwn whether this run of the console sent it
 */
export function endingOf(command: Command, which: Deadline, isOwn: boolean): Ending | undefined {
  switch (which) {
    case "expiry":
      // `expires` is about beginning: what runs may end.
      if (command.state === "running") return undefined;
      return command.doubted === undefined ? expired(command) : unexplained;
    case "caller":
      // A call is closed by it, a queued task goes on.
      return command.expires === null ? timedOut(command, isOwn) : undefined;
    case "doubt":
      return command.doubted === undefined ? undefined : unexplained;
  }
}
