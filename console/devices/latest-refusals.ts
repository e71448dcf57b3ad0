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
  /** Where it came from, where that is known. */
  readonly address?: string;
  /** Epoch ms. */
  readonly first: number;
  readonly last: number;
  /** How many times it was told. */
  readonly count: number;
}

export type ToldRefusal = Omit<Refused, "known" | "first" | "last" | "count"> & { readonly ts: number };

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
  #count = 0;

  /** @param isKnown whether there is such a device */
  constructor(isKnown: (name: string) => boolean, failed: (thrown: unknown) => void) {
    this.#isKnown = isKnown;
    this.changes = new Signal(failed);
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
    all.set(key, {
      ...told,
      name: shown,
      known,
      first: before?.first ?? ts,
      last: ts,
      count: (before?.count ?? 0) + 1,
    });
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

  /** The device is no more. */
  forget(name: string): void {
    this.#count -= this.#shares.get(name)?.size ?? 0;
    this.#shares.delete(name);
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
