import * as assert from "uvu/assert";
import type { Json } from "#shared/messages/payload-schema";
import { readReply } from "#shared/messages/command-messages";
import { maxNesting } from "#shared/nesting";
import { suite } from "../../test/suite.ts";
import { CommandError } from "./handler.ts";
import { failedOutcome, succeededOutcome } from "./outcome.ts";

const nested = (levels: number): Json => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as Json;

/** The reply as the console reads it. */
const told = (outcome: object): unknown => readReply(Buffer.from(JSON.stringify({ id: "1", ts: 1, ...outcome }))).value;

suite("outcomes", ({ test }) => {
  test("a result or an error's data as deep as a message allows is told; a deeper one is a failure that can be told", () => {
    assert.is(succeededOutcome(nested(maxNesting - 1)).state, "succeeded");
    told(succeededOutcome(nested(maxNesting - 1)));
    const deeper = succeededOutcome(nested(maxNesting));
    assert.is(deeper.state, "failed");
    told(deeper);
    const data = (levels: number): object => failedOutcome(new CommandError("odd", "no", nested(levels)));
    assert.ok(JSON.stringify(data(maxNesting - 2)).includes("data"));
    told(data(maxNesting - 2));
    assert.not.ok(JSON.stringify(data(maxNesting - 1)).includes("data"));
    told(data(maxNesting - 1));
    assert.is(succeededOutcome(undefined).state, "succeeded");
  });

  test("a result with a whole number that would change on its way is a failure that says so", () => {
    const outcome = succeededOutcome({ counter: JSON.parse("9007199254740993") as number });
    assert.equal(outcome, {
      state: "failed",
      error: {
        code: "not-exact",
        message:
          "it succeeded, but in its result a whole number beyond 2^53 would not arrive as it is: send it as text",
      },
    });
    told(outcome);
    assert.is(succeededOutcome({ counter: "9007199254740993", most: Number.MAX_SAFE_INTEGER }).state, "succeeded");
  });
});
