import type { ToldGap } from "./check.ts";
import { smallOutbox, type Device } from "../setting.ts";
import type { Struck } from "../striker.ts";

/** Whether something that was done since the last look may have forced batches of `device` out, so that a gap is told. */
export function mayDrop(device: Device, recent: readonly Struck[]): boolean {
  if (device === smallOutbox) return true;
  return recent.some(({ who, what }) => {
    if (who === "server") return what === "put back" || what === "restore" || what === "turn";
    return who === device && (what === "fill" || what === "turn" || what === "put back");
  });
}

/** Whether all of the gap has been told before: two that touch are told as one. */
export function isCovered({ outbox, from, to }: ToldGap, told: readonly ToldGap[]): boolean {
  for (let seq = from; seq <= to; seq++)
    if (!told.some((gap) => gap.outbox === outbox && gap.from <= seq && seq <= gap.to)) return false;
  return true;
}
