import * as assert from "uvu/assert";
import * as fc from "fast-check";
import { suite } from "../test/suite.ts";
import { Branches } from "./branches.ts";

class Level extends Branches<Level> {}

suite("branches", ({ test }) => {
  test("are a map of levels, whatever grows and is cut", () => {
    const step = fc.record({ level: fc.constantFrom("", "cmd", "ack", "+", "#", "status"), grows: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const [known, branches] = [new Map<string, Level>(), new Level()];
        for (const { level, grows } of steps) {
          if (!grows) {
            known.delete(level);
            branches.cut(level);
          } else if (!known.has(level)) {
            known.set(level, branches.grow(level, new Level()));
          }
          const below: [string, Level][] = [];
          branches.eachBelow((node, name) => below.push([name, node]));
          assert.is(below.length, known.size);
          for (const [name, node] of below) assert.is(known.get(name), node);
          for (const [name, node] of known) assert.is(branches.below(name), node);
          assert.is(branches.below("never"), undefined);
          assert.is(branches.isBare, known.size === 0);
        }
      }),
    );
  });
});
