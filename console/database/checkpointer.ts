import { parentPort, workerData } from "node:worker_threads";
import { openForCheckpoints } from "./database.ts";

/** What is asked of the thread: a checkpoint, or to let go of the file and end. */
export type CheckpointOrder = "checkpoint" | "end";
/** Why there was none. */
export type CheckpointAnswer = { readonly error?: string };

/** Moves the log into the database, one time after the other, in a thread of its own. */
function serve(path: string): void {
  const database = openForCheckpoints(path);
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  parentPort?.on("message", (order: CheckpointOrder) => {
    if (order === "end") {
      database.close();
      parentPort?.close();
      return;
    }
    let answer: CheckpointAnswer = {};
    try {
      checkpoint.get();
    } catch (thrown) {
      answer = { error: String(thrown) };
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    parentPort?.postMessage(answer);
  });
}

if (parentPort && typeof workerData === "string") serve(workerData);
