import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Ack } from "#shared/messages/metrics";
import { suite } from "../test/suite.ts";
import { ConsoleClock } from "./console-clock.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 10, 27);

type Heard = readonly [ts: number, unsure?: Ack["unsure"]];

/** What was heard, a second before each of the moments is asked about: how long ago it was by then; undefined where nobody knows. */
const cases: readonly (readonly [
  what: string,
  heard: readonly Heard[],
  moments: Record<number, number | undefined>,
])[] = [
  ["nothing", [], { [now]: undefined }],
  ["a sure moment", [[now]], { [now]: 1_000, [now + day]: 1_000 - day }],
  ["one that may be late", [[now + day, "ahead"]], { [now]: undefined, [now + 2 * day]: 1_000 - day }],
  ["one that may be early", [[now - day, "behind"]], { [now - 2 * day]: undefined, [now + day]: undefined }],
  ["one that may be late, after a sure one", [[now], [now + day, "ahead"]], { [now + 5_000]: -4_000 }],
  ["one that may be early, after a sure one", [[now], [now - day, "behind"]], { [now + 500]: 500 }],
  ["a sure one, after one that may be late", [[now + day, "ahead"], [now]], { [now + 500]: 500 }],
];

suite("the console's clock at the agent", ({ test }) => {
  for (const [what, heard, moments] of cases)
    test(what, () => {
      const clock = new ManualClock();
      const known = new ConsoleClock(clock);
      for (const [ts, unsure] of heard) known.learn(ts, unsure);
      clock.advance(1_000);
      for (const [moment, since] of Object.entries(moments))
        assert.is(known.since(Number(moment)), since, String(Number(moment) - now));
    });
});
