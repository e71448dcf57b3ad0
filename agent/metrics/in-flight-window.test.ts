import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { InFlightWindow, inVain } from "./in-flight-window.ts";
import type { BatchQueue } from "./outbox/batch-queue.ts";

/** Batches 1 to `last` that wait, until they are acknowledged. */
class Numbers implements Pick<BatchQueue, "after" | "has"> {
  readonly #waiting: Set<number>;

  constructor(last: number) {
    this.#waiting = new Set(Array.from({ length: last }, (_, index) => index + 1));
  }

  after(seq: number): number | undefined {
    return [...this.#waiting].find((one) => one > seq);
  }

  has(seq: number): boolean {
    return this.#waiting.has(seq);
  }

  acked(seq: number): void {
    this.#waiting.delete(seq);
  }
}

/** One word of a case: `send` the next one, `ack 2`, `live 5`, `give up` all that is on its way, `away` the same of a console that takes none, `rewind`. */
function play(words: readonly string[]): { sent: number[]; inFlight: InFlightWindow; settled: number } {
  const queue = new Numbers(5);
  const inFlight = new InFlightWindow(queue as unknown as BatchQueue);
  const sent: number[] = [];
  let now = 0;
  let settled = 0;
  const send = (seq: number | undefined, live: boolean): void => {
    if (seq === undefined) return;
    inFlight.sent(seq, now, live);
    if (!live) inFlight.passed(seq);
    sent.push(seq);
  };
  const acts: Readonly<Record<string, (seq: number) => void>> = {
    send: () => send(inFlight.next(), false),
    stubborn: () => send(inFlight.nextStubborn(), false),
    live: (seq) => send(seq, true),
    ack: (seq) => {
      queue.acked(seq);
      inFlight.settle(() => (settled += 1));
    },
    "give-up": () => inFlight.giveUp(now, true),
    away: () => inFlight.giveUp(now, false),
    rewind: () => inFlight.rewind(),
  };
  for (const word of words) {
    const [act = "", seq = "0"] = word.split(" ");
    acts[act]?.(Number(seq));
    now += 1;
  }
  return { sent, inFlight, settled };
}

const failed = (times: number): string[] => Array.from({ length: times }, () => ["send", "give-up"]).flat();

/** What goes out, in its order; what is on its way then: old, live, and of those that give way to others. */
const cases: readonly (readonly [
  what: string,
  words: readonly string[],
  sent: readonly number[],
  left: readonly [number, number, number],
])[] = [
  ["oldest first, each once", ["send", "send", "send"], [1, 2, 3], [3, 0, 0]],
  ["after the last there is none", Array.from({ length: 7 }, () => "send"), [1, 2, 3, 4, 5], [5, 0, 0]],
  ["a live one is not sent again behind the old", ["live 3", "send", "send", "send"], [3, 1, 2, 4], [3, 1, 0]],
  ["an ack takes it from its way", ["send", "send", "ack 1"], [1, 2], [1, 0, 0]],
  ["an ack of what was not sent leaves it out", ["send", "ack 2", "send"], [1, 3], [2, 0, 0]],
  ["what was given up goes again before the rest", ["send", "send", "give-up", "send"], [1, 2, 1], [1, 0, 0]],
  ["an ack that comes after it was given up counts", ["send", "give-up", "ack 1", "send"], [1, 2], [1, 0, 0]],
  ["sent in vain too often, it gives way to all others", [...failed(inVain), "send"], [1, 1, 2], [1, 0, 0]],
  ["and goes by itself", [...failed(inVain), "stubborn"], [1, 1, 1], [1, 0, 1]],
  ["of those the one that waits longest goes first", [...failed(inVain * 2), "stubborn"], [1, 1, 2, 2, 1], [1, 0, 1]],
  ["one that was acknowledged meanwhile does not", [...failed(inVain), "ack 1", "stubborn"], [1, 1], [0, 0, 0]],
  [
    "a console that takes none says nothing about a batch",
    ["send", "away", "send", "away", "send"],
    [1, 1, 1],
    [1, 0, 0],
  ],
  ["a new connection sends everything again", ["send", "live 5", "send", "rewind", "send"], [1, 5, 2, 1], [1, 0, 0]],
];

suite("what is on its way", ({ test }) => {
  for (const [what, words, expected, left] of cases)
    test(what, () => {
      const { sent, inFlight } = play(words);
      assert.equal(sent, expected);
      assert.equal([inFlight.count(false), inFlight.count(true), inFlight.stubborn], left);
    });

  test("each ack tells when its batch was sent, and the earliest that is left is known", () => {
    const { inFlight, settled } = play(["send", "send", "send", "ack 1", "ack 3"]);
    assert.is(settled, 2);
    assert.is(inFlight.earliest, 1);
    assert.is(play([]).inFlight.earliest, Infinity);
  });
});
