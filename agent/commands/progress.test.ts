import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { ProgressReporter, type ProgressUpdate } from "./progress.ts";

function reporter() {
  const clock = new ManualClock();
  const sent: ProgressUpdate[] = [];
  return { clock, sent, progress: new ProgressReporter({ clock, send: (update) => sent.push(update) }) };
}

suite("progress", ({ test }) => {
  test("a command that ends soon says nothing before its end", () => {
    const { clock, sent, progress } = reporter();
    progress.progress(0.5);
    clock.advance(199);
    progress.stop();
    assert.equal(sent, []);
  });

  test("a quiet one says once that it runs", () => {
    const { clock, sent } = reporter();
    clock.advance(10_000);
    assert.equal(sent, [{}]);
  });

  test("at most five updates a second, each with all that is new", () => {
    const { clock, sent, progress } = reporter();
    for (let step = 0; step < 1_000; step++) {
      progress.progress(step / 1_000, `step ${step}`);
      progress.output(`${step}\n`);
      clock.advance(1);
    }
    assert.is(sent.length, 5);
    assert.is(sent.at(-1)?.progress, 0.999);
    assert.is(
      sent.map(({ output }) => output).join(""),
      Array.from({ length: 1_000 }, (_, step) => `${step}\n`).join(""),
    );
  });

  test("of too much output the end is kept, and the cut said", () => {
    const { clock, sent, progress } = reporter();
    progress.output("x".repeat(20_000));
    progress.output("the end");
    clock.advance(200);
    const output = sent[0]?.output ?? "";
    assert.match(output, /^\[11815 characters cut\]\nx+the end$/);
    assert.ok(output.length < 8_300);
  });

  test("output that came last is not lost at the end; nonsense is no progress", () => {
    const { clock, sent, progress } = reporter();
    clock.advance(200);
    progress.progress(Number.NaN);
    progress.progress(7);
    progress.output("last words");
    progress.stop();
    assert.equal(sent.at(-1), { progress: 1, output: "last words" });
  });
});
