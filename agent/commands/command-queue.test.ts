import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { CommandQueue } from "./command-queue.ts";

/**
 * One word of a case: `connect`; `greet`, the console's word; `add b2`, an execution that was created at 2, and `add x3` one that is not ready;
 * `ready x`; `remove b`; `end`, of the execution that runs; `50` ms pass; `stop`.
 */
async function play(words: readonly string[]): Promise<string[]> {
  const clock = new ManualClock();
  const begun: string[] = [];
  const unready = new Set<string>();
  let end: (() => void) | undefined;
  const queue = new CommandQueue<{ id: string; created: number }>({
    clock,
    isReady: ({ id }) => !unready.has(id),
    run: ({ id }) => {
      begun.push(id);
      return new Promise((resolve) => (end = resolve));
    },
  });
  const acts: Readonly<Record<string, (word: string) => void>> = {
    connect: () => queue.gather(),
    greet: () => queue.greeted(),
    add: ([id = "", ...created]) => {
      if (id === "x") unready.add(id);
      queue.add({ id, created: Number(created.join("")) });
    },
    ready: (id) => {
      unready.delete(id);
      queue.changed();
    },
    remove: (id) => queue.remove(id),
    end: () => end?.(),
    stop: () => queue.stop(),
  };
  for (const word of words) {
    const [act = "", what = ""] = word.split(" ");
    if (/^\d+$/.test(act)) clock.advance(Number(act));
    else acts[act]?.(what);
    await new Promise(setImmediate);
  }
  queue.stop();
  return begun;
}

const cases: readonly (readonly [what: string, words: readonly string[], begun: string])[] = [
  ["nothing begins before the console has said something", ["connect", "add a1", "4999"], ""],
  ["or 5 s are over", ["connect", "add a1", "5000"], "a"],
  ["its word, and 50 ms of quiet", ["connect", "add a1", "greet", "49"], ""],
  ["then the first begins", ["connect", "add a1", "greet", "50"], "a"],
  ["one that still comes makes the quiet anew", ["connect", "add b2", "greet", "49", "add a1", "49"], ""],
  ["in the order of creation, not of arrival", ["connect", "add b2", "add a1", "greet", "50", "end"], "ab"],
  ["at the same moment by their ids", ["connect", "add c1", "add b1", "greet", "50", "end"], "bc"],
  ["one at a time", ["connect", "greet", "50", "add a1", "add b2"], "a"],
  ["without a wait where nothing is gathered", ["connect", "greet", "50", "add a1", "end", "add b2"], "ab"],
  ["one that is not ready holds up nobody", ["connect", "add x1", "add b2", "greet", "50"], "b"],
  ["and has its turn when it is", ["connect", "add x1", "add b2", "greet", "50", "ready x", "end"], "bx"],
  ["also alone", ["connect", "add x1", "greet", "50", "ready x"], "x"],
  ["one that was taken out does not begin", ["connect", "add a1", "add b2", "remove a", "greet", "50"], "b"],
  ["a new connection gathers anew", ["connect", "greet", "50", "connect", "add a1"], ""],
  [
    "while it does, what runs goes on",
    ["connect", "greet", "50", "add a1", "connect", "add b2", "end", "greet", "50"],
    "ab",
  ],
  ["the 5 s are those of the new connection", ["connect", "add a1", "3000", "connect", "3000"], ""],
  ["a stopped one begins nothing", ["connect", "add a1", "greet", "stop", "5000"], ""],
];

suite("the queue of serial commands", ({ test }) => {
  for (const [what, words, begun] of cases) test(what, async () => assert.is((await play(words)).join(""), begun));
});
