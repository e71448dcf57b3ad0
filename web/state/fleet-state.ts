import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { DeviceDocument, PresenceDocument, SampleDocument } from "#api/device-routes";
import {
  learnedOf,
  livenessOf,
  silentAfter,
  silentByDefault,
  usualGap,
  type Liveness,
  type Rhythm,
} from "#shared/liveness";
import { looksByName, looksOf, type Looks } from "./field-looks.ts";
import { mergeLatest, type Latest, type Pair } from "./latest.ts";
import { nextMoment } from "./newest.ts";
import { now } from "./now.ts";

/** One device as the page knows it. Several signals, so that a sample redraws values and not the whole page. */
export interface Tracked {
  readonly presence: Signal<PresenceDocument>;
  /** Grows with each word of its presence that came by itself: what was fetched is none. */
  readonly told: Signal<number>;
  readonly latest: Signal<Latest>;
  /** When it was last heard, by the console's clock: presence is not told again for each sample. */
  readonly seen: Signal<number | null>;
  /** How it is at the moment. */
  readonly state: ReadonlySignal<Liveness>;
  /** Of one without an agent: milliseconds without a word after which it is silent. */
  readonly silentAfter: ReadonlySignal<number>;
  /** What this page has heard of its rhythm: the console tells its own with the list alone. */
  readonly rhythm: Signal<Rhythm | undefined>;
  /** Samples that will never come. */
  readonly missing: Signal<number>;
  /** How its fields are shown; by their names alone until the device's own page has asked. */
  readonly looks: Signal<Looks>;
}

/** Devices that somebody has looked at closely, by id. */
export const fleet = signal<ReadonlyMap<string, Tracked>>(new Map());

/** A device that was asked for and is not there, or is no more. */
export const unknownDevice = signal<string | undefined>(undefined);

/** When a device was told of, or asked for. */
const moments = new WeakMap<Tracked, number>();

type StepsListener = (steps: readonly Pair[]) => void;
const listeners = new Map<string, Set<StepsListener>>();

/** Calls `listener` with each new sample of `device` and the one before it. @returns what ends it */
export function onSteps(device: string, listener: StepsListener): () => void {
  const set = listeners.get(device) ?? new Set();
  listeners.set(device, set.add(listener));
  return () => set.delete(listener);
}

/**
 * All that is known of one device. Values that arrived by event meanwhile and are newer stay, and so does what was told of its presence, or asked for
 * later. @param asked when it was asked for
 */
export function takeDevice(
  { latest, missing, measurements = {}, ...presence }: DeviceDocument,
  asked = nextMoment(),
): void {
  const known = fleet.peek();
  // It went while the answer was on its way.
  if (unknownDevice.peek() === presence.id) return;
  const tracked = known.get(presence.id) ?? track(presence);
  if ((moments.get(tracked) ?? 0) <= asked) {
    moments.set(tracked, asked);
    update(tracked, presence);
    tracked.missing.value = missing;
    tracked.looks.value = looksOf(measurements);
  }
  merge(tracked, latest, true);
  if (!known.has(presence.id)) fleet.value = new Map(known).set(presence.id, tracked);
}

/** A device's presence has changed. */
export function takePresence(presence: PresenceDocument): void {
  const tracked = fleet.peek().get(presence.id);
  if (!tracked) return;
  moments.set(tracked, nextMoment());
  update(tracked, presence);
  tracked.told.value += 1;
}

/** A device is no more. */
export function dropDevice({ device }: { device: string }): void {
  const known = fleet.peek();
  if (!known.has(device)) return;
  unknownDevice.value = device;
  fleet.value = new Map([...known].filter(([id]) => id !== device));
}

/** Samples that have just arrived. Those of a device that has not been told of yet wait for the next fetch. */
export function takeSamples({ device, samples }: { device: string; samples: readonly SampleDocument[] }): void {
  const tracked = fleet.peek().get(device);
  if (!tracked) return;
  tracked.seen.value = now.peek();
  const taken = samples.length === 0 ? undefined : Math.max(...samples.map(({ ts }) => ts));
  if (tracked.presence.peek().boot === null) tracked.rhythm.value = learnedOf(tracked.rhythm.peek(), taken, now.peek());
  merge(tracked, samples);
}

/** Forgets everything: another person may log in next. */
export function forgetFleet(): void {
  fleet.value = new Map();
}

function track(told: PresenceDocument): Tracked {
  const presence = signal(told);
  const seen = signal(told.lastSeen);
  const rhythm = signal<Rhythm | undefined>(undefined);
  const after = computed(() => silentFrom(presence.value.silentAfter, rhythm.value));
  return {
    presence,
    told: signal(0),
    latest: signal<Latest>(new Map()),
    seen,
    state: computed(() => stateNow(presence.value, seen, after)),
    silentAfter: after,
    rhythm,
    missing: signal(0),
    looks: signal(looksByName),
  };
}

/** Only what has no agent changes by the clock alone: of the others nothing is computed each second. */
function stateNow(
  presence: PresenceDocument,
  seen: ReadonlySignal<number | null>,
  after: ReadonlySignal<number>,
): Liveness {
  if (presence.online || presence.boot !== null) return livenessOf(presence, 0);
  return livenessOf({ ...presence, lastSeen: seen.value, silentAfter: after.value }, now.value);
}

/** The console has listened for longer; of what has just come it knows no rhythm yet when it tells. */
const silentFrom = (told: number | null | undefined, heard: Rhythm | undefined): number =>
  usualGap(told) === undefined ? silentAfter(heard) : (told ?? silentByDefault);

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
