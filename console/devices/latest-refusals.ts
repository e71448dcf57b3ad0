import { Signal } from "#shared/signal";

/** What was not taken of somebody, and why. */
export interface Refused {
  /** The device that it concerns, or the name that somebody has given; null where there was none. */
  readonly name: string | null;
  /** Whether that is a device which is enrolled or was heard. */
  readonly known: boolean;
  /** Of the message; null where it was a connection. */
  readonly topic: string | null;
  readonly why: string;
  /** A line that would have been taken. */
  readonly try?: string | undefined;
  /** Whether the message was taken, and fields of it are not stored: they are told of by themselves. */
  readonly fields?: boolean | undefined;
  /** Where it came from, where that is known. */
  readonly address?: string;
  /** Epoch ms. */
  readonly first: number;
  readonly last: number;
  /** How many times it was told. */
  readonly count: number;
  /** By which it is looked at and forgotten. */
  readonly id: number;
  /** Bytes of the newest such message, where the console had it. */
  readonly size?: number;
}

export type ToldRefusal = Omit<Refused, "known" | "first" | "last" | "count" | "id" | "size"> & { readonly ts: number };

/** A message that was refused. */
export interface RefusedPayload {
  readonly topic: string | null;
  /** Bytes of the whole. */
  readonly size: number;
  /** The first {@link maxKeptPayload} of them. */
  readonly head: Buffer;
}

/** Bytes of a refused message that are kept to be looked at: more than a sensor's line, and 4 MiB with all refusals that are kept. */
export const maxKeptPayload = 2_048;
/** Messages whose refusal has yet to come round by the broker; no more are told in a stretch of time. */
export const maxAwaitedRefusals = 200;

/**
 * Refusals that are kept of one device, of all whom nobody knows, and in all; with each the one that was told longest ago goes. They are of
 * the moment: a person looks for what was sent just now.
 */
export const maxLatestRefusals = { ofDevice: 20, ofStrangers: 100, ofAll: 2_000 };
/** Characters of a name that somebody has given for his. */
const maxShownName = 64;

/** The latest refusals, for people: what is told on `refused`, and who was not let in. */
export class LatestRefusals {
  /** Told once that there is something new. */
  readonly changes: Signal<void>;
  readonly #isKnown: (name: string) => boolean;
  /** By device, or the empty name for all strangers; in each, and of these, the one told last is the last. */
  readonly #shares = new Map<string, Map<string, Refused>>();
  /** By the number of their refusal. */
  readonly #payloads = new WeakMap<Refused, RefusedPayload>();
  /** What was refused just now, by device and topic, until that is heard; the oldest first. */
  readonly #awaited = new Map<string, RefusedPayload>();
  #count = 0;
  #lastId = 0;

  /** @param isKnown whether there is such a device */
  constructor(isKnown: (name: string) => boolean, failed: (thrown: unknown) => void) {
    this.#isKnown = isKnown;
    this.changes = new Signal(failed);
  }

  /** The console itself is about to refuse a message: what it was is kept for the refusal that comes. */
  saw(device: string, topic: string, payload: Uint8Array): void {
    const key = `${device} ${topic}`;
    this.#awaited.delete(key);
    const [oldest] = this.#awaited.size >= maxAwaitedRefusals ? this.#awaited.keys() : [];
    if (oldest !== undefined) this.#awaited.delete(oldest);
    // A copy: the rest of what it came in with is not held.
    const head = Buffer.from(payload.subarray(0, maxKeptPayload));
    this.#awaited.set(key, { topic, size: payload.length, head });
  }

  note({ ts, name, ...told }: ToldRefusal): void {
    const known = name !== null && this.#isKnown(name);
    const share = known ? name : "";
    const all = this.#shares.get(share) ?? new Map<string, Refused>();
    this.#shares.delete(share);
    this.#shares.set(share, all);
    const shown = name === null ? null : name.slice(0, maxShownName);
    const key = JSON.stringify([shown, told.topic, told.why]);
    const before = all.get(key);
    if (before) all.delete(key);
    else this.#count += 1;
    const awaited = `${name ?? ""} ${told.topic ?? ""}`;
    const payload = this.#awaited.get(awaited) ?? (before && this.#payloads.get(before));
    this.#awaited.delete(awaited);
    const refused: Refused = {
      ...told,
      name: shown,
      known,
      first: before?.first ?? ts,
      last: ts,
      count: (before?.count ?? 0) + 1,
      id: before?.id ?? (this.#lastId += 1),
      ...(payload ? { size: payload.size } : {}),
    };
    all.set(key, refused);
    if (payload) this.#payloads.set(refused, payload);
    if (all.size > (known ? maxLatestRefusals.ofDevice : maxLatestRefusals.ofStrangers)) this.#dropOldest(share, all);
    if (this.#count > maxLatestRefusals.ofAll) this.#dropOldest(...this.#oldestShare(share, all));
    this.changes.emit();
  }

  /** The newest first. @param name of one device, enrolled or not; of everybody where it is left out */
  list(name?: string): Refused[] {
    const shares = name === undefined ? [...this.#shares.values()] : [this.#shares.get(name), this.#shares.get("")];
    const all = shares.flatMap((one) => [...(one?.values() ?? [])]);
    const shown = name?.slice(0, maxShownName);
    return all.filter((one) => shown === undefined || one.name === shown).sort((a, b) => b.last - a.last);
  }

  find(id: number): Refused | undefined {
    for (const share of this.#shares.values()) for (const one of share.values()) if (one.id === id) return one;
    return undefined;
  }

  /** What the newest such message was, where the console had it. */
  payloadOf(refused: Refused): RefusedPayload | undefined {
    return this.#payloads.get(refused);
  }

  /** The device is no more. */
  forget(name: string): void {
    this.#count -= this.#shares.get(name)?.size ?? 0;
    this.#shares.delete(name);
  }

  /** Forgets those that `is` says so of. @returns how many they were */
  forgetSome(is: (refused: Refused) => boolean): number {
    let forgotten = 0;
    for (const [share, all] of this.#shares) {
      for (const [key, one] of all) {
        if (!is(one)) continue;
        all.delete(key);
        forgotten += 1;
      }
      if (all.size === 0) this.#shares.delete(share);
    }
    this.#count -= forgotten;
    if (forgotten > 0) this.changes.emit();
    return forgotten;
  }

  #oldestShare(share: string, all: Map<string, Refused>): [string, Map<string, Refused>] {
    for (const oldest of this.#shares) return oldest;
    return [share, all];
  }

  #dropOldest(share: string, all: Map<string, Refused>): void {
    const [oldest] = all.keys();
    if (oldest === undefined) return;
    all.delete(oldest);
    this.#count -= 1;
    if (all.size === 0) this.#shares.delete(share);
  }
}
