import type { Clock } from "#shared/clock";
import { mayReach, type GroupsOf, type Principal } from "#shared/principal";
import type { FleetColumns, FleetRow } from "../devices/fleet-columns.ts";
import type { Device } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";

/** Milliseconds between two bundles of changes. */
export const bundleEvery = 1_000;
/** Devices in a bundle: some 10 ms to write out. Those that changed the longest ago are told first, the others in the next one. */
export const maxBundleRows = 2_000;

export interface FeedOptions {
  readonly registry: Pick<Registry, "changedSince" | "revisions">;
  readonly clock: Pick<Clock, "after">;
  readonly rowOf: (device: Device) => FleetRow;
  readonly groupsOf: GroupsOf;
}

/** What has changed of a fleet, told together once in a second to all who follow the same columns: made once for them. */
class FleetFeed {
  readonly #options: FeedOptions;
  readonly #columns: FleetColumns;
  readonly #wanted: (id: string) => boolean;
  readonly #listeners = new Set<(text: string) => void>();
  #told = 0;
  #cancel: (() => void) | undefined;

  constructor(options: FeedOptions, columns: FleetColumns, wanted: (id: string) => boolean) {
    this.#options = options;
    this.#columns = columns;
    this.#wanted = wanted;
  }

  /** @param listener gets an event's text, the first one at once: from it on nothing is missed @returns what ends it */
  join(listener: (text: string) => void): () => void {
    if (!this.#cancel) this.#begin();
    this.#listeners.add(listener);
    listener(this.#frame([]));
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  #begin(): void {
    this.#told = this.#options.registry.revisions.last;
    const beat = (): void => {
      this.#cancel = this.#options.clock.after(bundleEvery, beat);
      this.#tell();
    };
    this.#cancel = this.#options.clock.after(bundleEvery, beat);
  }

  #tell(): void {
    const { registry, rowOf } = this.#options;
    const { devices, upTo } = registry.changedSince(this.#told, maxBundleRows);
    this.#told = upTo;
    const rows = devices.filter(({ id }) => this.#wanted(id)).map((device) => this.#columns.cells(rowOf(device)));
    if (rows.length === 0) return;
    const text = this.#frame(rows);
    for (const listener of this.#listeners) listener(text);
  }

  #frame(rows: readonly unknown[]): string {
    const revision = this.#options.registry.revisions.name(this.#told);
    return `event: fleet\ndata: ${JSON.stringify({ rows, revision })}\n\n`;
  }
}

/**
 * The feeds that somebody follows: one for all who ask for the same columns and may reach the same. What they may is made of the same groups
 * that a feed is found by: an account's tokens may reach less than the account, and none may hear what another may.
 */
export class FleetFeeds {
  readonly #options: FeedOptions;
  readonly #feeds = new Map<string, FleetFeed>();

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** @param groups to which whoever listens is limited @returns what ends it */
  join(columns: FleetColumns, { groups }: Pick<Principal, "groups">, listener: (text: string) => void): () => void {
    const name = JSON.stringify([columns.names, groups ? groups.toSorted() : null]);
    const reaches = (id: string): boolean => mayReach({ groups }, id, this.#options.groupsOf);
    const feed = this.#feeds.get(name) ?? new FleetFeed(this.#options, columns, reaches);
    this.#feeds.set(name, feed);
    const leave = feed.join(listener);
    return () => {
      leave();
      if (feed.isEmpty && this.#feeds.get(name) === feed) this.#feeds.delete(name);
    };
  }
}
