import * as assert from "uvu/assert";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { suite } from "../../test/suite.ts";
import { newEntry, toDevice } from "../devices/device.ts";
import { rpi } from "./fixture.ts";
import { warningsOf } from "./told-rules.ts";

suite("warnings of rules", ({ test }) => {
  test("say nothing of a measured value until it is known what devices tell, and of a fact all the same", () => {
    const rules = ["room.t > 30", "place = attic"].map((when) => readRule(alertRule.parse({ name: "R", when })));
    const device = { device: toDevice(newEntry(rpi)), groups: [], metric: () => undefined, now: 0 };
    const told = (knows: boolean): boolean[] =>
      rules.map(
        (rule) =>
          [...warningsOf([rule], { devices: () => [device], isChannel: () => true, knowsValues: () => knows })]
            .flatMap(([, all]) => all)
            .filter((one) => one.includes("no device tells")).length > 0,
      );
    assert.equal(
      [told(false), told(true)],
      [
        [false, true],
        [true, true],
      ],
    );
  });
});
