import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { InstanceGuard } from "./instance-guard.ts";

suite("instance guard", ({ test }) => {
  test("one agent may come back as often as it likes", () => {
    const guard = new InstanceGuard();
    for (let at = 0; at < 5; at++) assert.is(guard.born("a", at), false);
  });

  test("a replacement is taken when the earlier one stays away", () => {
    const guard = new InstanceGuard();
    guard.born("a", 0);
    assert.is(guard.born("b", 1), false);
    assert.is(guard.born("b", 2), false);
  });

  test("the later of two that take turns is refused, the earlier stays", () => {
    const guard = new InstanceGuard();
    guard.born("a", 0);
    assert.is(guard.born("b", 1), false);
    assert.is(guard.born("a", 2), false);
    assert.is(guard.born("b", 3), true);
    assert.is(guard.born("a", 4), false);
    assert.is(guard.born("b", 5), true);
  });

  test("a rival that waited long enough may take over", () => {
    const guard = new InstanceGuard();
    guard.born("a", 0);
    guard.born("b", 1);
    guard.born("a", 2);
    assert.is(guard.born("b", 3 + 10 * 60_000), false);
  });
});
