import { setImmediate as nextTurn } from "node:timers/promises";
import type { Registry } from "./devices/registry.ts";
import type { MetricsStore } from "./store/store.ts";

/** Series of one device whose newest samples are looked up after a start: some milliseconds of one turn. */
export const maxRecalled = 500;

/**
 * Gives devices without an agent the newest values that the store has of them, device by device: an agent says all of its series again
 * within seconds, others perhaps once a day, and what a page shows of them is what is known of them.
 */
export async function recallNewest(
  registry: Pick<Registry, "list" | "recall">,
  store: Pick<MetricsStore, "newest">,
  over: () => boolean,
): Promise<void> {
  if (!store.newest) return;
  for (const { id, boot } of registry.list()) {
    if (boot !== null) continue;
    await nextTurn();
    if (over()) return;
    registry.recall(id, store.newest(id, maxRecalled));
  }
}
