import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { InstanceGuard, ownersComeback } from "./instance-guard.ts";

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

  /** Two that have proved to be two: "a" is the owner, and "b" was just refused. */
  function rivals(): InstanceGuard {
    const guard = new InstanceGuard();
    guard.born("a", 0);
    guard.born("b", 1);
    guard.born("a", 2);
    assert.is(guard.born("b", 3), true);
    return guard;
  }

  test("a rival that a service manager begins again and again is refused for as long as the owner comes back", () => {
    const guard = rivals();
    for (let at = 10_000; at < 10 * ownersComeback; at += 10_000) {
      assert.is(guard.born("a", at), false);
      assert.is(guard.born("b", at + 1), true);
    }
  });

  test("once the owner does not come back, the other takes its place, however often it has tried", () => {
    const guard = rivals();
    for (let at = 5_000; at < 3 + ownersComeback; at += 5_000) assert.is(guard.born("b", at), true);
    assert.is(guard.born("b", 3 + ownersComeback), false);
    assert.is(guard.born("b", 4 + ownersComeback), false);
  });

  test("a device whose instance is another at each start is never refused", () => {
    const guard = new InstanceGuard();
    for (let at = 0; at < 20; at++) assert.is(guard.born(`i${at}`, at * 1_000), false);
  });
});
