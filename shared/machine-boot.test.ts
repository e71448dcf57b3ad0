import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { isSameBoot, machineEpoch } from "./machine-boot.ts";

suite("the machine's boot", ({ test }) => {
  test("an epoch is that of the boot, and another one in a time namespace, of the same machine", () => {
    const boot = "bfe03820-1111-2222-3333-444455556666";
    assert.is(machineEpoch(boot, "4026531834"), "bfe03820");
    assert.is(machineEpoch(boot, "4026532500"), "bfe03820-4026532500");
    assert.ok(isSameBoot("bfe03820", "bfe03820-4026532500"));
    assert.not.ok(isSameBoot("bfe03821", "bfe03820"));
  });
});
