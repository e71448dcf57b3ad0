import { signal } from "@preact/signals";
import type { AlertDocument } from "#api/alert-routes";
import { client } from "./page-client.ts";

/** Alerts that are not over, by id, kept current by events. Changed in place: thousands may come to fire at once. */
const open = new Map<string, AlertDocument>();
/** Whether they have been asked for since somebody is here. */
export const alertsKnown = signal(false);
/** Grows when alerts have changed, a few times in a second at most: what hangs on them is drawn and asked for anew. */
export const alertChanges = signal(0);
/** What events have told while the list is on its way: they know better. */
let told: Set<string> | undefined;
let changeTold: ReturnType<typeof setTimeout> | undefined;

/** Alerts that are asked for at once, the gravest: the console has no page of them behind those. */
const atOnce = 1_000;

export function takeAlert(alert: AlertDocument): void {
  told?.add(alert.id);
  if (alert.resolved === null) open.set(alert.id, alert);
  else open.delete(alert.id);
  changeTold ??= setTimeout(() => {
    changeTold = undefined;
    alertChanges.value += 1;
  }, 250);
}

/** Asks for all that are not over; where that fails, the next connection asks again. */
export async function fetchAlerts(): Promise<void> {
  const since = (told = new Set<string>());
  const answer = await client.listAlerts({ limit: atOnce }).catch(() => undefined);
  // Another one is under way, which knows better.
  if (told !== since) return;
  told = undefined;
  if (!answer) return;
  for (const id of open.keys()) if (!since.has(id)) open.delete(id);
  for (const alert of answer.alerts) if (!since.has(alert.id)) open.set(alert.id, alert);
  alertsKnown.value = true;
  alertChanges.value += 1;
}

export function listOpenAlerts(): readonly AlertDocument[] {
  return alertChanges.value < 0 ? [] : [...open.values()];
}

/** Those that fire and that nobody sees to yet; what was told as one counts as one. */
export function countFiring(): number {
  return listOpenAlerts().filter(({ state, parent }) => state === "firing" && (parent === null || !open.has(parent)))
    .length;
}

export function forgetAlerts(): void {
  open.clear();
  told = undefined;
  alertsKnown.value = false;
  alertChanges.value += 1;
}
