import { computed, signal, type Signal } from "@preact/signals";
import type { DeviceDocument, PresenceDocument, SampleDocument } from "#api/device-routes";
import { mergeLatest, type Latest, type Pair } from "./latest.ts";
import { now } from "./now.ts";

/** One device as the page knows it. Several signals, so that a sample redraws values and not the whole page. */
export interface Tracked {
  readonly presence: Signal<PresenceDocument>;
  readonly latest: Signal<Latest>;
  /** When it was last heard, by the console's clock: presence is not told again for each sample. */
  readonly seen: Signal<number | null>;
  /** Samples that will never come. */
  readonly missing: Signal<number>;
}

/** All known devices by id; undefined until they were fetched. */
export const fleet = signal<ReadonlyMap<string, Tracked> | undefined>(undefined);

export const counts = computed(() => {
  const all = [...(fleet.value?.values() ?? [])];
  const online = all.filter((tracked) => tracked.presence.value.online).length;
  return { all: all.length, online, offline: all.length - online };
});

type StepsListener = (steps: readonly Pair[]) => void;
const listeners = new Map<string, Set<StepsListener>>();

/** Calls `listener` with each new sample of `device` and the one before it. @returns what ends it */
export function onSteps(device: string, listener: StepsListener): () => void {
  const set = listeners.get(device) ?? new Set();
  listeners.set(device, set.add(listener));
  return () => set.delete(listener);
}

/** The whole fleet, freshly fetched. Values that arrived by event meanwhile and are newer stay. */
export function takeDevices(devices: readonly DeviceDocument[]): void {
  const known = fleet.peek();
  const next = new Map<string, Tracked>();
  for (const { latest, missing = 0, ...presence } of devices) {
    const tracked = known?.get(presence.id) ?? track(presence);
    update(tracked, presence);
    tracked.missing.value = missing;
    next.set(presence.id, tracked);
    merge(tracked, latest);
  }
  fleet.value = next;
}

/** All newest values of one device: the fleet's list has the few that it shows. */
export function takeValues({ id, latest }: DeviceDocument): void {
  const tracked = fleet.peek()?.get(id);
  if (tracked) merge(tracked, latest, true);
}

/** A device's presence has changed, or it is new. */
export function takePresence(presence: PresenceDocument): void {
  const known = fleet.peek();
  if (!known) return;
  const tracked = known.get(presence.id);
  if (tracked) update(tracked, presence);
  else fleet.value = new Map(known).set(presence.id, track(presence));
}

/** A device is no more. */
export function dropDevice({ device }: { device: string }): void {
  const known = fleet.peek();
  if (!known?.has(device)) return;
  fleet.value = new Map([...known].filter(([id]) => id !== device));
}

/** Samples that have just arrived. Those of a device that has not been told of yet wait for the next fetch. */
export function takeSamples({ device, samples }: { device: string; samples: readonly SampleDocument[] }): void {
  const tracked = fleet.peek()?.get(device);
  if (!tracked) return;
  tracked.seen.value = now.peek();
  merge(tracked, samples);
}

/** Forgets everything: another person may log in next. */
export function forgetFleet(): void {
  fleet.value = undefined;
}

function track(presence: PresenceDocument): Tracked {
  return {
    presence: signal(presence),
    latest: signal<Latest>(new Map()),
    seen: signal(presence.lastSeen),
    missing: signal(0),
  };
}

function update(tracked: Tracked, presence: PresenceDocument): void {
  tracked.presence.value = presence;
  tracked.seen.value = Math.max(presence.lastSeen ?? 0, tracked.seen.peek() ?? 0) || null;
}

/** @param whole whether the samples have all fields, where those that are known may have one */
function merge(tracked: Tracked, samples: readonly SampleDocument[], whole = false): void {
  const { latest, steps } = mergeLatest(tracked.latest.peek(), samples, whole);
  if (steps.length === 0 && !whole) return;
  tracked.latest.value = latest;
  for (const listener of listeners.get(tracked.presence.peek().id) ?? []) listener(steps);
}
