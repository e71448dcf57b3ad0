import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { KeepAlive, learnedFor, minKeepalive } from "#shared/keep-alive";
import { suite } from "../test/suite.ts";

suite("how long a connection may be silent", ({ test }) => {
  test("less, once one has died of it and the next came up at once; and the usual again after a day", () => {
    const clock = new ManualClock();
    clock.advance(1_000_000);
    const keepAlive = new KeepAlive(30, clock);
    const after = (): number => {
      keepAlive.died();
      keepAlive.connected();
      return keepAlive.seconds;
    };
    assert.equal([after(), after(), after(), after(), after()], [20, 13, minKeepalive, minKeepalive, minKeepalive]);
    keepAlive.connected();
    clock.advance(learnedFor - 1);
    assert.is(keepAlive.seconds, minKeepalive);
    clock.advance(1);
    assert.is(keepAlive.seconds, 30);
  });

  test("a network that was away teaches nothing, and what is shorter by a setting stays so", () => {
    const keepAlive = new KeepAlive(30, new ManualClock());
    keepAlive.died();
    keepAlive.failed();
    keepAlive.connected();
    assert.is(keepAlive.seconds, 30);
    const short = new KeepAlive(2, new ManualClock());
    short.died();
    short.connected();
    assert.is(short.seconds, 2);
  });
});
