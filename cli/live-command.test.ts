import * as assert from "uvu/assert";
import type { CommandDocument } from "#api/command-document";
import { suite } from "../test/suite.ts";
import { LiveCommand, story } from "./live-command.ts";

const command = (more: Partial<CommandDocument> = {}): CommandDocument => ({
  id: "42",
  device: "rpi-7",
  key: "backup",
  args: {},
  by: "ann",
  ts: 1_767_225_600_000,
  timeout: 5_000,
  expires: null,
  state: "running",
  timeline: [],
  explain: "it runs",
  ...more,
});

function shown(live: boolean) {
  const out: string[] = [];
  const err: string[] = [];
  const screen = new LiveCommand({ out: (text) => out.push(text), err: (text) => err.push(text), live, piped: !live });
  return { screen, out, err };
}

suite("a command on the command line", ({ test }) => {
  test("its output is shown once, as it comes; on a terminal a line with bar, note and what is usual is drawn over", () => {
    const { screen, out, err } = shown(true);
    screen.show(command({ progress: 0.25, note: "copying", output: "one\n" }));
    screen.show(command({ progress: 0.5, output: "one\ntwo\n", usually: { p50: 400, p99: 3_000, count: 9 } }));
    screen.end();
    assert.equal(out, ["| one", "| two"]);
    const lines = err.filter((text) => text.startsWith("rpi-7"));
    assert.is(lines[0], "rpi-7 backup: running [#####...............] 25 % copying");
    assert.match(lines[1] ?? "", /\[##########\.{10}\] 50 % .*usually 400ms, p99 3s, timeout 5s/);
    assert.is(err.at(-1), "\r\u001b[K");
  });

  test("where nobody looks there is no line, and the output of which the beginning was cut is shown whole", () => {
    const { screen, out, err } = shown(false);
    screen.show(command({ output: "one\n" }));
    screen.show(command({ output: "[the beginning was cut]\nnine\n" }));
    assert.equal(out, ["one", "[the beginning was cut]\nnine"]);
    screen.show(command({ output: "[the beginning was cut]\nnine\nten\n" }));
    const long = `[the beginning was cut]\n${"x".repeat(2_000)}ten\n`;
    screen.show(command({ output: long }));
    screen.show(command({ output: `[the beginning was cut]\n${long.slice(-1_500)}eleven\n` }));
    assert.equal([out[2], out.at(-1)], ["ten", "eleven"], "of what was cut at its beginning, what is new");
    assert.equal(err, []);
  });

  test("escape sequences of a device do not reach the terminal", () => {
    const { screen, out, err } = shown(true);
    screen.show(command({ note: "\u001b[2J", output: "\u001b]0;title\u0007" }));
    assert.is(
      [...out, ...err].some((text) => text.includes("\u001b[2J") || text.includes("\u0007")),
      false,
    );
  });

  test("its story is a line for each event, and the sentence", () => {
    const text = story(
      command({
        timeline: [
          { ts: 1_767_225_600_000, who: "console", what: "taken from ann" },
          { ts: 1_767_225_601_500, who: "device", what: "begun" },
        ],
        late: [{ ts: 1_767_225_609_000, lateBy: 2_000, state: "succeeded" }],
      }),
    );
    assert.match(
      text,
      /backup on rpi-7 \(42\)[\s\S]*\+0ms +console +taken from ann[\s\S]*\+1\.5s +device +begun[\s\S]*succeeded, 2s after it was closed[\s\S]*it runs$/,
    );
  });
});
