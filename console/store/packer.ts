import { parentPort, workerData } from "node:worker_threads";
import type { DamagedStretch } from "./damaged-stretches.ts";
import { openForReading } from "../database/database.ts";
import { StretchFinder, type FoundStretches, type PackOrder } from "./stretch-finder.ts";

export type PackAnswer =
  | (FoundStretches & { readonly damaged: readonly DamagedStretch[] })
  | { readonly error: string };

/** Finds what can be packed, and packs it, in a thread of its own; the one that writes the file puts it there. */
function serve(path: string): void {
  const finder = new StretchFinder(openForReading(path));
  parentPort?.on("message", (order: PackOrder) => {
    let answer: PackAnswer;
    try {
      answer = { ...finder.find(order), damaged: finder.damaged.taken() };
    } catch (thrown) {
      answer = { error: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    parentPort?.postMessage(answer);
  });
}

if (parentPort && typeof workerData === "string") serve(workerData);
