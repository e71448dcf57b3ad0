import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What happens to a bucket of 10 messages and 1,000 bytes a second: so many bytes go at once, or so many ms pass. */
type Step = { readonly spend: number } | { readonly pass: number };

const spend = (bytes: number, times = 1): Step[] => Array.from({ length: times }, () => ({ spend: bytes }));

const cases: readonly (readonly [what: string, steps: readonly Step[], wait: number])[] = [
  ["full at first", [], 0],
  ["a second's worth goes at once", spend(10, 9), 0],
  ["and then it is empty", spend(10, 10), 100],
  ["it fills with time", [...spend(10, 10), { pass: 50 }], 50],
  ["until the next may go", [...spend(10, 10), { pass: 100 }], 0],
  ["bytes count as well as messages", spend(600, 2), 200],
  ["up to all of them there is no wait", spend(500, 2), 0],
  ["one larger than the bucket goes, and is paid for afterwards", spend(3_000), 2_000],
  ["the slower of the two decides", spend(150, 10), 500],
  ["it holds no more than a second's worth", [{ pass: 60_000 }, ...spend(10, 10)], 100],
  ["a debt is paid before it fills", [...spend(2_000), { pass: 1_000 }, ...spend(500)], 500],
];

suite("the token bucket of old batches", ({ test }) => {
  for (const [what, steps, wait] of cases)
    test(what, () => {
      const clock = new ManualClock();
      const bucket = new TokenBucket({ messages: 10, bytes: 1_000 }, clock);
      for (const step of steps) {
        if ("pass" in step) clock.advance(step.pass);
        else bucket.spend(step.spend);
        // Asking costs nothing.
        bucket.wait();
      }
      assert.is(bucket.wait(), wait);
    });
});
