import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { rolloutDay } from "./rollout-day.ts";

/** As many as show each kind of fault; the night has a hundred times as many: `npm run bench -- rollout`. */
const devices = 90;

suite("a fleet's day with updates", ({ test }) => {
  test(
    "each device has one end, the faulty ones are named with the reason, and the gate and what failed stop what is bad",
    async (scope) => {
      const said: string[] = [];
      const { violations, updated, faulty } = await rolloutDay({
        devices,
        seed: "day",
        faulty: 5 / devices,
        hold: "5m",
        perMinute: 10,
        interval: 240_000,
        lasts: 0,
        scope,
        say: (line) => void said.push(line),
      });
      assert.equal(violations, [], said.join("\n"));
      assert.is(updated, devices - 5);
      assert.equal(Object.values(faulty), [1, 1, 1, 1, 1]);
    },
    { seconds: 60 },
  );
});
