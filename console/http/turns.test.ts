import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { maxAnswerTurn, maxLongAnswers, Turns, type Steps } from "./turns.ts";

interface Stage {
  readonly turns: Turns;
  /** An answer of so many steps, each of which takes a while. */
  readonly steps: (name: string, count: number, ms?: number) => Steps<string>;
  /** What was done in each turn of the event loop. */
  readonly done: string[][];
  readonly goOn: (turns?: number) => void;
}

function stage(): Stage {
  const clock = new ManualClock();
  const due: (() => void)[] = [];
  const done: string[][] = [];
  return {
    turns: new Turns({ clock, next: (run) => void due.push(run) }),
    *steps(name, count, ms = maxAnswerTurn) {
      for (let at = 1; at <= count; at++) {
        done.at(-1)?.push(`${name}${at}`);
        clock.advance(ms);
        yield;
      }
      return name;
    },
    done,
    goOn(count = Infinity) {
      for (let turn = 0; turn < count && due.length > 0; turn++) {
        done.push([]);
        due.shift()?.();
      }
    },
  };
}

suite("long answers in turns", ({ test }) => {
  test("a turn of the event loop has one step of one answer, and accounts take turns", async () => {
    const { turns, steps, done, goOn } = stage();
    const asked = [
      turns.run("ann", steps("a", 2)),
      turns.run("ann", steps("b", 1)),
      turns.run("bob", steps("c", 2)),
      turns.run("eve", steps("d", 1)),
    ];
    assert.equal(done, [], "nothing in the turn in which it is asked for");
    goOn();
    assert.equal(await Promise.all(asked), ["a", "b", "c", "d"]);
    const order = done.flat();
    assert.equal(order, ["a1", "c1", "d1", "a2", "c2", "b1"]);
    assert.ok(done.every((turn) => turn.length <= 1));
  });

  test("short steps go on until the turn is used up", async () => {
    const { turns, steps, done, goOn } = stage();
    const asked = turns.run("ann", steps("a", 12, maxAnswerTurn / 5));
    goOn();
    assert.is(await asked, "a");
    assert.equal(
      done.filter((turn) => turn.length > 0).map((turn) => turn.length),
      [5, 5, 2],
    );
  });

  test("what throws fails alone; whom nobody waits for is not worked for", async () => {
    const { turns, steps, done, goOn } = stage();
    const bad = (function* (): Steps<string> {
      yield;
      throw new Error("broken");
    })();
    const gone = new AbortController();
    const failed = turns.run("ann", bad).catch((error: Error) => error.message);
    const left = turns.run("ann", steps("a", 100), gone.signal).catch((error: Error) => error.message);
    const good = turns.run("ann", steps("b", 1));
    goOn(3);
    gone.abort();
    goOn();
    assert.is(await failed, "broken");
    assert.match(await left, /nobody waits/);
    assert.is(await good, "b");
    assert.ok(done.flat().filter((step) => step.startsWith("a")).length < 3);
    const late = await turns.run("ann", steps("c", 1), gone.signal).catch((error: Error) => error.message);
    assert.match(late, /nobody waits/);
    // It stands still, and begins again.
    const again = turns.run("ann", steps("d", 1));
    goOn();
    assert.is(await again, "d");
  });

  test("so many wait for one account and for all, and the next is told so", async () => {
    const { turns, steps, goOn } = stage();
    const refused = async (account: string): Promise<unknown> =>
      turns.run(account, steps("x", 1)).catch((error: { status: number }) => error.status);
    const asked: Promise<string>[] = [];
    const ask = (account: string): void => void asked.push(turns.run(account, steps("a", 1)));
    for (let at = 0; at < maxLongAnswers.ofOne; at++) ask("ann");
    assert.is(await refused("ann"), 429);
    for (let at = 0; asked.length < maxLongAnswers.ofAll; at++) ask(`one-${at % 10}`);
    assert.is(await refused("bob"), 503);
    goOn();
    assert.is((await Promise.all(asked)).length, maxLongAnswers.ofAll);
    ask("ann");
    goOn();
    assert.is(await asked.at(-1), "a");
  });
});
