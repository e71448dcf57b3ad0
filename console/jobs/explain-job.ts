import { counted } from "#shared/counted";
import { formatDuration } from "#shared/duration";
import type { DeviceId } from "#shared/ids";
import type { Device } from "../devices/device.ts";
import { isSent, type Job, type JobRow } from "./job.ts";
import { percent } from "./judge.ts";
import type { Counts } from "./tally.ts";

/**
 * One sentence: what the job waits for and who acts next, or how it ended.
 * @param heldUp what its gate waits for, where that holds it up
 * @param rows its devices; only looked at while it runs
 */
export function explainJob(
  job: Job,
  counts: Counts,
  rows: readonly JobRow[],
  device: (id: DeviceId) => Device | undefined,
  heldUp?: string,
): string {
  const { state, why = state } = job;
  switch (state) {
    case "running":
      if (heldUp !== undefined)
        return `the gate holds it up: ${heldUp}; ${counted(counts.waiting, "device waits", "devices wait")}${open(counts)}; nothing to do but wait`;
      return running(job, counts, rows, device);
    case "paused":
      return `${why}: ${counted(counts.waiting, "device waits", "devices wait")}${open(counts)}; somebody has to resume or cancel it`;
    case "cancelled":
      return `${why}: ${counts.cancelled} of ${counted(counts.total, "device")} were withdrawn or never got it${open(counts)}; nothing to do`;
    case "aborted":
      return `aborted: ${why}; ${counts.cancelled} of ${counted(counts.total, "device")} were withdrawn or never got it${open(counts)}; look into the failures, then send it anew`;
    case "done":
      return done(counts);
  }
}

function running(
  { rate, abort, canary }: Job,
  { waiting }: Counts,
  rows: readonly JobRow[],
  device: (id: DeviceId) => Device | undefined,
): string {
  const canaries = rows.filter((row) => row.canary && row.ended === null);
  if (canary > 0 && canaries.length > 0 && waiting > 0) {
    const others = rows.filter((row) => !row.canary && row.state === "waiting").length;
    const rest = others > 0 ? `; the other ${others} follow unless more than ${percent(abort?.failed ?? 0)} fail` : "";
    return `waiting for the canar${canaries.length === 1 ? "y" : "ies"} ${list(canaries)}${rest}; ${nextStep(canaries, device)}`;
  }
  if (waiting > 0)
    return `sending to ${waiting} more of ${counted(rows.length, "device")}, one every ${formatDuration(1_000 / rate)}; nothing to do but wait`;
  const sent = rows.filter(isSent);
  return `sent to all; waiting for ${counted(sent.length, "device")} (${list(sent)}); ${nextStep(sent, device)}`;
}

function nextStep(rows: readonly JobRow[], device: (id: DeviceId) => Device | undefined): string {
  const offline = rows.filter((row) => isSent(row) && !device(row.device)?.online);
  if (offline.length === 0) return "nothing to do but wait";
  return `${list(offline)} ${offline.length === 1 ? "is" : "are"} offline: nothing to do but bring ${offline.length === 1 ? "it" : "them"} back`;
}

function done({ total, succeeded, failed, cancelled, skipped, states }: Counts): string {
  if (succeeded === total)
    return `${total === 1 ? "the device" : `all ${counted(total, "device")}`} succeeded; nothing to do`;
  const left =
    skipped > 0
      ? `, ${counted(skipped, "takes", "take")} no such command and ${skipped === 1 ? "was" : "were"} not asked`
      : "";
  if (succeeded + skipped === total)
    return `ended: ${succeeded} of ${counted(total, "device")} succeeded${left}; nothing to do`;
  const { failed: _, succeeded: __, ...others } = states;
  const rejected = (others.rejected ?? 0) - skipped;
  const kinds = Object.entries({ failed: states.failed ?? 0, ...others, rejected }).filter(([, count]) => count > 0);
  const told = kinds.map(([state, count]) => `${count} ${state.replace("_", " ")}`).join(", ");
  return `ended: ${succeeded} of ${counted(total, "device")} succeeded, ${failed + cancelled - skipped} did not (${told})${left}; the sender decides whether to send it to those again`;
}

function open({ sent }: Counts): string {
  return sent === 0 ? "" : `, ${counted(sent, "still has", "still have")} an open command`;
}

/** The first few by name. */
function list(rows: readonly JobRow[]): string {
  const names = rows.slice(0, 3).map(({ device }) => device);
  return rows.length > 3 ? `${names.join(", ")} and ${rows.length - 3} more` : names.join(", ");
}
