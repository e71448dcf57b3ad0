import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { inventory } from "./inventory.ts";

suite("inventory", ({ test }) => {
  test("what is not known in time is left out, and nothing is added later", async () => {
    const clock = new ManualClock();
    const asked = inventory(clock);
    clock.advance(4_000);
    const facts = await asked;
    assert.type(facts["kernel"], "string");
    assert.not("distro" in facts);
    const whole = await inventory(new ManualClock());
    assert.ok("distro" in whole);
    assert.not("distro" in facts);
  });
});
