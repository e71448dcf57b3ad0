import * as assert from "uvu/assert";
import { TargetTree } from "#shared/signing/targets";
import { suite } from "../../test/suite.ts";
import { targetsOf } from "./target-root.ts";

suite("page: the list of devices that is signed", ({ test }) => {
  test("its root is the one that devices reckon, for each size, whatever the order, each device once", async () => {
    for (let count = 1; count <= 33; count++) {
      const devices = Array.from({ length: count }, (_, at) => `d${at}-ü`);
      assert.equal(await targetsOf([...devices.toReversed(), "d0-ü"]), new TargetTree(devices).targets);
    }
  });
});
