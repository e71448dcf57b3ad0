import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "#shared/clock";
import type { Device } from "./devices/device.ts";
import type { Registry } from "./devices/registry.ts";
import { isMark } from "./ingest/store-marks.ts";
import { StoreUnavailableError, type MetricsStore } from "./store/store.ts";

/** Series of one device whose last values are looked up, after a start and of a time that somebody looks at. */
export const maxRecalled = 500;
/** Rows of each of them that the embedded store looks back at for fields that the newest one has left out: some 100 ms of its thread for thirty series. */
export const maxLookedBack = 1_000;
/** The same after a start, of agents: they say all fields of a series together, and there may be thousands of them. */
const agentsLookedBack = 20;
/** Milliseconds after which a store that was away is asked again. */
export const storeAskedAgain = 5_000;
/** Every moment that there is, epoch ms. */
const everything = { from: -8.64e15, to: 8.64e15 };

export interface RecallOptions {
  readonly registry: Pick<Registry, "list" | "recall" | "recalledAll" | "sampled">;
  readonly store: Pick<MetricsStore, "last">;
  readonly clock: Pick<Clock, "after">;
  /** Takes what a look into the store has thrown; the next device is looked up all the same. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * Gives devices the newest values that the store has of them, device by device and behind what people ask, so that a page shows what is known of them,
 * with its age: an agent that is there says all of its series again within seconds, others perhaps once a day, and one that is off says nothing. Those
 * without an agent come first, because nobody else tells theirs; of who has spoken meanwhile nothing is looked up.
 */
export class Recall {
  readonly #options: RecallOptions;
  #over = new AbortController();
  #running: Promise<void> | undefined;
  #awake: (() => void) | undefined;

  constructor(options: RecallOptions) {
    this.#options = options;
  }

  start(): void {
    this.#over = new AbortController();
    this.#running = this.#all(this.#over.signal).catch(this.#options.failed);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    this.#awake?.();
    await this.#running;
  }

  async #all(over: AbortSignal): Promise<void> {
    const all = this.#options.registry.list();
    const silentFirst = [...all.filter(({ boot }) => boot === null), ...all.filter(({ boot }) => boot !== null)];
    for (const device of silentFirst) {
      await nextTurn();
      while (!over.aborted && !(await this.#one(device, over))) await this.#wait(over);
      if (over.aborted) return;
    }
    this.#options.registry.recalledAll();
  }

  /** @returns whether there is no more to be had of it: false where the store is away */
  async #one({ id, boot }: Device, signal: AbortSignal): Promise<boolean> {
    const { registry, store, failed } = this.#options;
    if (boot !== null && registry.sampled(id) !== undefined) return true;
    const rows = boot === null ? maxLookedBack : agentsLookedBack;
    try {
      const series = await store.last({ device: id, ...everything, most: maxRecalled, rows, by: "recall", signal });
      if (!signal.aborted)
        registry.recall(
          id,
          series.filter((one) => !isMark(one)),
        );
    } catch (thrown) {
      if (signal.aborted) return true;
      if (thrown instanceof StoreUnavailableError) return false;
      failed(thrown);
    }
    return true;
  }

  #wait(over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (over.aborted) return resolve();
      const cancel = this.#options.clock.after(storeAskedAgain, resolve);
      this.#awake = () => {
        cancel();
        resolve();
      };
    });
  }
}
