import { parentPort, workerData } from "node:worker_threads";
import type { DamagedStretch } from "./damaged-stretches.ts";
import { openForReading } from "../database/database.ts";
import { DayFinder, type FoundDays, type RollUpOrder } from "./rollup/day-finder.ts";
import { StretchFinder, type FoundStretches, type PackOrder } from "./stretch-finder.ts";
import { StretchReader } from "./stretch-reader.ts";

export type PackAnswer =
  | ((FoundStretches | FoundDays) & { readonly damaged: readonly DamagedStretch[] })
  | { readonly error: string };

/** Finds what can be packed or rolled up, and does so, in a thread of its own; the one that writes the file puts it there. */
function serve(path: string): void {
  const database = openForReading(path);
  const finder = new StretchFinder(database);
  const { damaged } = finder;
  const days = new DayFinder(database, new StretchReader(database, damaged), damaged);
  parentPort?.on("message", (order: PackOrder | RollUpOrder) => {
    let answer: PackAnswer;
    try {
      answer = { ...("day" in order ? days : finder).find(order as PackOrder & RollUpOrder), damaged: damaged.taken() };
    } catch (thrown) {
      answer = { error: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    parentPort?.postMessage(answer);
  });
}

if (parentPort && typeof workerData === "string") serve(workerData);
