import { counted } from "#shared/counted";
import type { Job, JobRow } from "./job.ts";
import type { Tally } from "./tally.ts";

/**
 * Whether a job has to stop by itself: a sentence that says why, or undefined.
 * Devices that refused before anything was sent to them do not count; of the canaries every one has to count.
 */
export function tooManyFailed(
  { abort }: Pick<Job, "abort">,
  { ended, failed }: Tally["judged"],
  canaries: readonly JobRow[],
): string | undefined {
  if (abort && ended >= abort.min && failed / ended > abort.failed)
    return `${failed} of ${counted(ended, "device")} failed (${percent(failed / ended)}), more than the ${percent(abort.failed)} allowed`;
  return badCanaries(canaries, abort?.failed ?? 0);
}

function badCanaries(canaries: readonly JobRow[], allowed: number): string | undefined {
  if (canaries.length === 0 || canaries.some(({ ended }) => ended === null)) return undefined;
  const failed = canaries.filter(({ state }) => state !== "succeeded").length;
  if (failed / canaries.length <= allowed) return undefined;
  const names = canaries.length === 1 ? "the canary" : `${failed} of ${counted(canaries.length, "canary", "canaries")}`;
  return `${names} failed (${percent(failed / canaries.length)}), more than the ${percent(allowed)} allowed`;
}

export function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}
