import type { Birth, Status } from "#shared/messages/presence-messages";
import { introduced, type DeviceEntry } from "./device.ts";

// What each event makes of a device's presence. Moments are epoch ms.

/** It has introduced itself. */
export function born(entry: DeviceEntry, status: Birth, now: number): void {
  const same = entry.online && entry.birth?.session === status.session;
  Object.assign(entry, introduced(status), {
    online: true,
    confirmed: true,
    spoken: false,
    presumed: false,
    lastSeen: now,
    reason: null,
  });
  if (!same) entry.since = now;
}

/**
 * Its death or will was heard. That of a session which is not the current one changes nothing. @param retained whether a broker had kept it
 * @returns whether it is offline now, and was not
 */
export function gone(
  entry: DeviceEntry,
  status: Exclude<Status, Birth>,
  { retained, now }: { readonly retained: boolean; readonly now: number },
): boolean {
  entry.confirmed = true;
  const isCurrent = entry.birth?.session === status.session;
  if (isCurrent) entry.presumed = false;
  // Of one whose birth was not heard it may be the present one, or of before: it speaks again if it is there.
  const isPerhaps = entry.spoken && !retained;
  if (!entry.online || !(isCurrent || isPerhaps)) return false;
  entry.presumed = !isCurrent;
  entry.spoken = false;
  offline(entry, status.reason ?? "connection lost", now);
  return true;
}

/**
 * It has said something itself, a batch or a reply: one that counts as offline only because nothing was heard is there. @returns whether
 * that is news
 */
export function spoken(entry: DeviceEntry, now: number): boolean {
  if (entry.online || !entry.presumed || !entry.birth) return false;
  Object.assign(entry, {
    online: true,
    confirmed: true,
    spoken: true,
    presumed: false,
    lastSeen: now,
    since: now,
    reason: null,
  });
  return true;
}

/** The broker has been back for so long that it would have been heard. @returns whether it is offline now, and was not */
export function unheard(entry: DeviceEntry, now: number): boolean {
  if (!entry.online || entry.confirmed) return false;
  entry.presumed = true;
  offline(entry, "not heard since the broker came back", now);
  return true;
}

/** Whoever was there is cut off, and says so no more. @param presumed whether it is there if it speaks all the same @returns whether it was online */
export function shutOut(
  entry: DeviceEntry,
  { reason, presumed, now }: { readonly reason: string; readonly presumed: boolean; readonly now: number },
): boolean {
  if (!entry.online) return false;
  Object.assign(entry, { spoken: false, presumed });
  offline(entry, reason, now);
  return true;
}

function offline(entry: DeviceEntry, reason: string, now: number): void {
  entry.online = false;
  entry.since = now;
  entry.reason = reason;
}
