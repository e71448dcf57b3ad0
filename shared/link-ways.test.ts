import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { LinkWays, type Met } from "./link-ways.ts";

const refused: Met = { cause: Object.assign(new Error("not authorized"), { code: 5 }), answered: true };
const nobody: Met = { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }), answered: false };
const lost: Met = { cause: Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }), answered: false };

suite("the ways to one broker", ({ test }) => {
  test("each is tried once before anybody waits, from the one on that let us in last", () => {
    const ways = new LinkWays("a", () => ["a", "b", "c"]);
    assert.is(ways.another(refused), true);
    assert.is(ways.url, "b");
    assert.is(ways.another(nobody), true);
    assert.is(ways.url, "c");
    assert.is(ways.another(nobody), false);
    assert.is(ways.conclude(nobody), refused, "who was there says more than nobody");
    assert.is(ways.url, "a");
    ways.another(nobody);
    assert.is(ways.letIn(), true);
    assert.is(ways.letIn(), false);
    assert.is(ways.url, "b");
    ways.another(nobody);
    assert.is(ways.url, "a");
    ways.another(nobody);
    assert.is(ways.another(nobody), false);
    assert.is(ways.conclude(nobody), nobody);
    assert.is(ways.url, "b");
  });

  test("what says nothing of the port does not lead elsewhere, nor does anything where there is one way", () => {
    const ways = new LinkWays("a", () => ["b"]);
    for (const met of [lost, { cause: undefined, answered: true }]) {
      assert.is(ways.another(met), false);
      assert.is(ways.conclude(met), met);
      assert.is(ways.url, "a");
    }
    assert.is(new LinkWays("a").another(nobody), false);
  });
});
