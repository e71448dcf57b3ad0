import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { isCovered, mayDrop } from "./gaps.ts";
import type { Struck } from "../striker.ts";

const struck = (who: Struck["who"], what: Struck["what"]): Struck => ({ who, what, from: 0, to: 1 });

suite("chaos: gaps", ({ test }) => {
  test("come of a device's own full, damaged or older disk, and of the console's damaged or older one", () => {
    for (const one of [
      struck("dev-a", "fill"),
      struck("dev-a", "turn"),
      struck("dev-a", "put back"),
      struck("server", "turn"),
      struck("server", "put back"),
    ])
      assert.is(mayDrop("dev-a", [one]), true, `${one.who} ${one.what}`);
  });

  test("come of nothing else, but of an outbox that is small", () => {
    const others = [
      struck("dev-b", "fill"),
      struck("server", "fill"),
      struck("server", "power"),
      struck("dev-a", "kill"),
      struck("dev-a", "power"),
      struck("dev-a", "clone"),
    ];
    assert.is(mayDrop("dev-a", others), false);
    assert.is(mayDrop("dev-b", []), true);
  });

  test("that were told before are no news, also as one", () => {
    const gap = (from: number, to: number, outbox = "o") => ({ outbox, from, to, why: "" });
    assert.is(isCovered(gap(1, 5), [gap(1, 2), gap(3, 5)]), true);
    assert.is(isCovered(gap(1, 6), [gap(1, 2), gap(3, 5)]), false);
    assert.is(isCovered(gap(1, 2), [gap(1, 2, "other")]), false);
  });
});
