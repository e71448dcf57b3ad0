import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { Command } from "./command.ts";
import { endingOf, type Deadline } from "./deadline.ts";
import { Deadlines } from "./deadlines.ts";
import { endedWith } from "./endings.ts";

const hour = 3_600_000;
const week = 7 * 24 * hour;
const sample: Command = {
  device: parseDeviceId("rpi-7"),
  id: parseCommandId("1"),
  key: "ping",
  args: {},
  by: "ann",
  ts: 0,
  timeout: null,
  expires: null,
  state: "queued",
  timeline: [],
  online: false,
  encoding: "json",
};

/** A queued task that waits an hour; a call whose caller waits 5 s; one that nobody waits for, and that nobody must begin in time. */
const kinds = {
  queued: { expires: hour },
  call: { timeout: 5_000 },
  endless: {},
} as const satisfies Readonly<Record<string, Partial<Command>>>;

/**
 * What may happen: so many ms pass; the broker comes (`up`) or goes (`down`); the device is `online`, has begun it (`running`), or is `asked`
 * about it; a caller waits for it (`wait`) for 2 s, and the desk closes it (`closed`); the wall steps by a week (`on`, `back`), is not
 * believed (`unsure`), or is (`sure`). And what is over then, with the ms that had passed since the broker came.
 */
const cases: readonly (readonly [
  what: string,
  kind: keyof typeof kinds,
  words: readonly string[],
  over: readonly string[],
])[] = [
  ["nothing ends it", "endless", ["99999999"], []],
  ["a call outlives its caller by a moment", "call", ["5999"], []],
  ["then it is over, should the caller be gone", "call", ["6000"], ["caller at 6000"]],
  ["a queued task waits as long as it was given", "queued", ["3599999"], []],
  ["then it is over", "queued", ["3600000"], ["expiry at 3600000"]],
  ["once", "queued", ["9999999"], ["expiry at 3600000"]],
  ["not before the word of a device that is online can have come", "queued", ["online", "3600999"], []],
  ["but then", "queued", ["online", "3601000"], ["expiry at 3601000"]],
  ["without a broker it waits", "queued", ["down", "9999999"], []],
  ["until devices have repeated what was not heard", "queued", ["down", "3600000", "up", "1499"], []],
  ["but not longer", "queued", ["down", "3600000", "up", "1500"], ["expiry at 3601500"]],
  ["also where they are online", "queued", ["down", "3600000", "up", "online", "1500"], ["expiry at 3601500"]],
  ["a broker that has only just come", "queued", ["3599000", "down", "up", "1499"], []],
  ["leaves what is left of that", "queued", ["3599000", "down", "up", "1500"], ["expiry at 3600500"]],
  [
    "the grace that has begun is not given twice",
    "queued",
    ["online", "3600500", "down", "500"],
    ["expiry at 3601000"],
  ],
  ["closed within the grace, nothing is over", "queued", ["online", "3600500", "closed", "9999"], []],
  ["closed while it waits for a broker", "queued", ["down", "3600000", "closed", "up", "9999"], []],
  ["a clock that jumped ends nothing: what was left goes on", "queued", ["on", "3599999"], []],
  ["to its end", "queued", ["on", "3600000"], ["expiry at 3600000"]],
  ["by a clock that is in doubt nothing is over", "queued", ["unsure", "on", "reckon", "60000", "up", "60000"], []],
  ["by one that was right, it is", "queued", ["unsure", "on", "reckon", "60000", "sure", "1"], ["expiry at 60000"]],
  ["set right, most of the hour is left", "queued", ["unsure", "on", "reckon", "9000", "back", "sure", "3590999"], []],
  ["and no more", "queued", ["unsure", "on", "reckon", "9000", "back", "sure", "3591000"], ["expiry at 3600000"]],
  [
    "once, though a broker comes meanwhile",
    "queued",
    ["unsure", "on", "reckon", "9000", "back", "sure", "up", "9999999"],
    ["expiry at 3600000"],
  ],
  ["a device that is asked has a moment", "endless", ["asked", "4999"], []],
  ["and says nothing", "endless", ["asked", "5000"], ["doubt at 5000"]],
  ["asked again, it has no more", "endless", ["asked", "3000", "asked", "9999"], ["doubt at 5000"]],
  ["closed before", "endless", ["asked", "closed", "9999"], []],
  ["a caller waits as long as it wants", "queued", ["wait", "1999"], []],
  ["then it is told that it did", "queued", ["wait", "2000"], ["caller at 2000", "CommandTimeoutError"]],
  ["each by its own time", "endless", ["wait", "999", "wait", "1001"], ["caller at 2000", "CommandTimeoutError"]],
  ["also of a clock that steps", "queued", ["wait", "on", "1999"], []],
  ["without a broker too", "queued", ["wait", "down", "2000"], ["caller at 2000", "CommandTimeoutError"]],
  ["it hears of the end", "queued", ["wait", "wait", "closed", "9999"], ["succeeded", "succeeded"]],
  ["or that the console stops", "queued", ["wait", "asked", "stop", "9999999"], ["Error"]],
];

/** One open command, and all that its deadlines look at. */
function desk(changes: Partial<Command>) {
  const clock = new ManualClock(0);
  const at = { timely: true, online: false, command: { ...sample, ...changes }, open: true };
  const over: string[] = [];
  const deadlines = new Deadlines({
    clock,
    timely: () => at.timely,
    open: () => (at.open ? at.command : undefined),
    find: () => at.command,
    isOnline: () => at.online,
    over: (command, which) => {
      over.push(`${which} at ${clock.monotonic()}`);
      return command;
    },
    kept: async () => true,
  });
  const trust = (timely: boolean): void => {
    at.timely = timely;
    if (timely) deadlines.reckon(at.command);
  };
  const acts: Readonly<Record<string, () => void>> = {
    up: () => deadlines.connection(true),
    down: () => deadlines.connection(false),
    online: () => (at.online = true),
    asked: () => deadlines.asked(at.command),
    on: () => clock.setWall(clock.now() + week),
    back: () => clock.setWall(clock.now() - week),
    unsure: () => trust(false),
    sure: () => trust(true),
    reckon: () => deadlines.reckon(at.command),
    stop: () => deadlines.stop(new Error("the console is stopping")),
    wait: () =>
      void deadlines.wait(at.command, 2_000).then(
        ({ state }) => over.push(state),
        (error: Error) => over.push(error.name),
      ),
    closed: () => {
      at.open = false;
      at.command = { ...at.command, state: "succeeded" };
      deadlines.end(at.command);
      deadlines.settle(at.command);
    },
  };
  deadlines.connection(true);
  deadlines.begin(at.command);
  return { over, does: (word: string): void => (acts[word] ?? (() => clock.advance(Number(word))))() };
}

/** How a command ends whose time is over. */
const ends: readonly (readonly [
  which: Deadline,
  changes: Partial<Command>,
  ending: "goes on" | Command["state"],
  why?: RegExp,
])[] = [
  ["expiry", { expires: hour }, "expired", /^rpi-7 did not begin it in time$/],
  ["expiry", { expires: hour, state: "accepted" }, "expired"],
  ["expiry", { expires: hour, state: "running" }, "goes on"],
  ["expiry", { expires: hour, doubted: 1 }, "interrupted", /put back to an older copy/],
  ["expiry", { expires: hour, doubted: 1, state: "running" }, "goes on"],
  ["caller", { timeout: 5_000 }, "timed_out", /^no final reply within 5000 ms$/],
  ["caller", { timeout: 5_000, state: "running" }, "timed_out"],
  ["caller", { timeout: 5_000, expires: hour }, "goes on"],
  ["doubt", { doubted: 1 }, "interrupted", /put back to an older copy/],
  ["doubt", {}, "goes on"],
];

suite("the deadlines of a command", ({ test }) => {
  for (const [what, kind, words, over] of cases)
    test(`${kind}: ${what}`, async () => {
      const played = desk(kinds[kind]);
      for (const word of words) played.does(word);
      await new Promise(setImmediate);
      assert.equal(played.over, over);
    });

  for (const [which, changes, ending, why = /./] of ends)
    test(`${which} over, ${JSON.stringify(changes)}: ${ending}`, () => {
      const command = { ...sample, ...changes };
      const end = endingOf(command, which, true);
      assert.is(end?.state ?? "goes on", ending);
      if (end) assert.match(endedWith(command, end, 1).error?.message ?? "", why);
    });

  test("of a call that an earlier run sent its story says that the caller went with that", () => {
    const end = endingOf({ ...sample, timeout: 5_000 }, "caller", false);
    assert.is(
      end?.what,
      "no final reply within 5000 ms; who called went with an earlier run of the console: withdrawn",
    );
  });
});
