import type { Device } from "../registry.ts";
import type { Command } from "./command.ts";

/** One sentence: what the command waits for and who acts next, or how it ended. */
export function explain(command: Command, device: Device | undefined): string {
  const { id, key, state, device: name, error, ended } = command;
  const why = error ? `: ${error.message}` : "";
  switch (state) {
    case "queued":
    case "accepted":
      return waiting(command, device);
    case "running":
      return `"${key}" is running on ${name}${percent(command)}; nothing to do but wait, or withdraw ${id}`;
    case "succeeded":
      return `"${key}" succeeded on ${name} after ${seconds((ended ?? command.ts) - command.ts)}; nothing to do`;
    case "failed":
    case "rejected":
    case "interrupted":
      return `"${key}" ${state} on ${name}${why}; the sender decides whether to send it again`;
    case "expired":
      return `expired: ${name} did not begin it before ${clock(command.expires)}; it never will`;
    case "cancelled":
      return `cancelled${why}; nothing to do`;
    case "timed_out":
      return `${name} gave no final reply within ${seconds(command.timeout ?? 0)}, so it was withdrawn${lateNote(command)}`;
  }
}

function waiting(command: Command, device: Device | undefined): string {
  const { device: name, expires } = command;
  const until = expires === null ? "" : `; expires ${clock(expires)}`;
  if (!device?.online) {
    const since = device?.since ? ` since ${clock(device.since)}` : "";
    const reason = device?.reason ? ` (${device.reason})` : "";
    return `waiting for ${name}, offline${since}${reason}${until}; nothing to do but bring it back`;
  }
  if (command.state === "accepted") return `${name} has it and works on earlier commands first${until}; nothing to do`;
  return `sent to ${name}, which is online and has not begun it${until}; nothing to do but wait`;
}

function percent({ progress, note }: Command): string {
  const parts = [progress === undefined ? "" : `${Math.round(progress * 100)} %`, note ?? ""].filter(Boolean);
  return parts.length > 0 ? ` (${parts.join(", ")})` : "";
}

function lateNote({ late }: Command): string {
  const last = late?.at(-1);
  return last ? `; its answer (${last.state}) came ${seconds(last.lateBy)} late and was kept` : "";
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}

function clock(ms: number | null): string {
  return ms === null ? "" : new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC";
}
