// Loaded into the server's process before the server (node --import), and asked over IPC for what cannot be seen from outside.
import { openSync, readSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

/** Milliseconds between two looks: what comes later than this was held up. */
const beat = 5;

if (isMainThread && process.send) {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const text = Buffer.alloc(64);
  /**
   * Milliseconds that the main thread has had a processor. Between two turns of the loop this is what one turn has cost; the
   * clock on the wall would also count the time in which other processes had the processor.
   */
  const ran = () =>
    Number(text.toString("latin1", 0, readSync(schedule, text, 0, text.length, 0)).split(" ", 1)[0]) / 1e6;
  let before = ran();
  let held = 0;
  setInterval(() => {
    const now = ran();
    held = Math.max(held, now - before);
    before = now;
  }, beat).unref();
  process.on("message", ({ ask }) => {
    const answer = { ask, held };
    if (ask === "settle") gc();
    if (ask !== "held") {
      // What the collection took is nobody's doing.
      before = ran();
      held = 0;
    }
    process.send?.(answer);
  });
  // The channel must not keep alive what has been told to stop.
  process.channel?.unref();
}
