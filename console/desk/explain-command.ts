import type { AnswerTimes } from "./answer-times.ts";
import { onlyPublishes, type Device } from "../devices/device.ts";
import { latestBeginning, type Command } from "./command.ts";

/** One sentence: what the command waits for and who acts next, or how it ended. */
export function explainCommand(command: Command, device: Device | undefined, usually?: AnswerTimes): string {
  const { key, state, device: name, error, ended } = command;
  const why = error ? `: ${error.message}` : "";
  switch (state) {
    case "queued":
    case "accepted":
      return waiting(command, device);
    case "running":
      return `"${key}" is running on ${name}${percent(command)}; ${untilWhen(command)}`;
    case "succeeded":
      return `"${key}" succeeded on ${name} after ${seconds((ended ?? command.ts) - command.ts)}; nothing to do`;
    case "failed":
    case "rejected":
    case "interrupted":
      return `"${key}" ${state} on ${name}${why}; the sender decides whether to send it again`;
    case "expired":
      return `expired: ${name} did not begin it before ${clock(latestBeginning(command) ?? null)}; it never will`;
    case "cancelled":
      return `cancelled${why}${stillRunning(command)}; nothing to do`;
    case "timed_out":
      return `${name} gave no final reply within ${seconds(command.timeout ?? 0)}, so it was withdrawn${lateNote(command)}${proposal(command, usually)}`;
  }
}

function waiting(command: Command, device: Device | undefined): string {
  const { device: name, expires } = command;
  if (command.doubted !== undefined)
    return `held: the console's state was put back to an older copy, in which it was queued; ${name} is asked what became of it ${device?.online ? "now" : "when it is back"}, and it is not begun any more: send it again if it is still wanted`;
  const until = expires === null ? "" : `; expires ${clock(expires)}`;
  if (device && onlyPublishes(device))
    return `waiting for ${name}, which only publishes so far${until}; nothing to do but wait for its agent`;
  if (!device?.online) {
    const since = device?.since ? ` since ${clock(device.since)}` : "";
    const reason = device?.reason ? ` (${device.reason})` : "";
    return `waiting for ${name}, offline${since}${reason}${until}; nothing to do but bring it back`;
  }
  if (command.state === "accepted") {
    const why = command.note === undefined ? "and works on earlier commands first" : `(${command.note})`;
    return `${name} has it ${why}${until}; nothing to do`;
  }
  return `sent to ${name}, which is online and has said nothing of it${until}; ${repeated(command)}`;
}

/** A broker may have dropped it. Where repeating has not helped, a person has to look. */
function repeated({ shown = 0 }: Command): string {
  const how = "it is sent again after 5, 10, 20, 40 and 60 s, and so on";
  if (shown === 0) return `${how}; nothing to do`;
  const often = shown === 1 ? "once" : `${shown} times`;
  return `${how} (${often} so far): if that does not help, look at the agent's log and at the broker's access rules`;
}

/** A call has no time but its caller's. */
function untilWhen({ id, ts, timeout, expires }: Command): string {
  if (expires !== null || timeout === null) return `nothing to do but wait, or withdraw ${id}`;
  return `nothing to do but wait: it is withdrawn unless it ends by ${clock(ts + timeout)}, when its caller's time is over`;
}

function percent({ progress, note }: Command): string {
  const parts = [progress === undefined ? "" : `${Math.round(progress * 100)} %`, note ?? ""].filter(Boolean);
  return parts.length > 0 ? ` (${parts.join(", ")})` : "";
}

function lateNote({ late }: Command): string {
  const last = late?.at(-1);
  return last ? `; its answer (${last.state}) came ${seconds(last.lateBy)} late and was kept` : "";
}

/** What was learned is proposed, never applied. */
function proposal({ timeout }: Command, usually: AnswerTimes | undefined): string {
  if (!usually || timeout === null) return "";
  const known = `; such answers usually take ${seconds(usually.p50)}, p99 ${seconds(usually.p99)}`;
  return usually.p99 > timeout
    ? `${known}: a timeout of ${seconds(Math.ceil(usually.p99 / 1_000) * 1_000)} would fit`
    : known;
}

/** A handler need not heed its withdrawal; the timeline has what the device said last. */
function stillRunning({ note, late, state }: Command): string {
  if (late?.length)
    return state === late.at(-1)?.state
      ? ", and the device has stopped it"
      : `, but on the device it had ${late.at(-1)?.state}`;
  return note === undefined ? "" : ` (${note})`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}

function clock(ms: number | null): string {
  if (ms === null) return "";
  const date = new Date(ms);
  // A sentence never fails, whatever moment a row holds.
  return Number.isNaN(date.getTime()) ? "never" : date.toISOString().replace("T", " ").slice(0, 19) + " UTC";
}
