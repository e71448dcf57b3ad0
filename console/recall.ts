import { setImmediate as nextTurn } from "node:timers/promises";
import type { Registry } from "./devices/registry.ts";
import type { MetricsStore } from "./store/store.ts";

/** Series of one device whose newest samples are looked up after a start: some milliseconds of one turn. */
export const maxRecalled = 500;

/**
 * Gives devices the newest values that the store has of them, device by device, so that a page shows what is known of them, with its age: an
 * agent that is there says all of its series again within seconds, others perhaps once a day, and one that is off says nothing. Those without an
 * agent come first, because nobody else tells theirs; of who has spoken meanwhile nothing is looked up.
 */
export async function recallNewest(
  registry: Pick<Registry, "list" | "recall" | "sampled">,
  store: Pick<MetricsStore, "newest">,
  over: () => boolean,
): Promise<void> {
  if (!store.newest) return;
  const all = registry.list();
  const silentFirst = [...all.filter(({ boot }) => boot === null), ...all.filter(({ boot }) => boot !== null)];
  for (const { id, boot } of silentFirst) {
    await nextTurn();
    if (over()) return;
    if (boot === null || registry.sampled(id) === undefined) registry.recall(id, store.newest(id, maxRecalled));
  }
}
