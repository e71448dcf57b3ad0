import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { Command } from "./command.ts";
import { Endings } from "./endings.ts";

/** One open command that expires in an hour, a clock, and whether that is believed. */
function desk() {
  const clock = new ManualClock();
  const ts = clock.now();
  const name = { device: parseDeviceId("rpi-7"), id: parseCommandId("1") };
  const command: Command = {
    ...name,
    key: "ping",
    args: {},
    by: "ann",
    ts,
    timeout: null,
    expires: ts + 3_600_000,
    state: "queued",
    timeline: [],
    online: false,
    encoding: "json",
  };
  const at = { timely: true };
  const ended: string[] = [];
  const endings = new Endings({
    clock,
    timely: () => at.timely,
    open: () => command,
    isOnline: () => false,
    expire: () => ended.push("expired"),
    giveUp: () => ended.push("given up"),
  });
  endings.connection(true);
  return { clock, at, ended, endings, name };
}

suite("when commands end", ({ test }) => {
  test("a clock that jumped ends none: the time that was left goes on", () => {
    const { clock, endings, ended, name } = desk();
    endings.schedule(name);
    clock.setWall(clock.now() + 8 * 86_400_000);
    clock.advance(3_599_999);
    assert.equal(ended, []);
    clock.advance(1);
    assert.equal(ended, ["expired"]);
  });

  test("what is over by a clock that is in doubt waits until it is believed, or right", () => {
    const { clock, at, endings, ended, name } = desk();
    at.timely = false;
    clock.setWall(clock.now() + 8 * 86_400_000);
    endings.schedule(name);
    clock.advance(60_000);
    endings.connection(true);
    clock.advance(60_000);
    assert.equal(ended, []);
    // Set right: most of the hour is left.
    clock.setWall(clock.now() - 8 * 86_400_000);
    at.timely = true;
    endings.reckon(name);
    clock.advance(3_400_000);
    assert.equal(ended, []);
    clock.advance(100_000);
    assert.equal(ended, ["expired"]);
  });

  test("what is over by a clock that is then believed ends", () => {
    const { clock, at, endings, ended, name } = desk();
    at.timely = false;
    clock.setWall(clock.now() + 8 * 86_400_000);
    endings.schedule(name);
    clock.advance(60_000);
    at.timely = true;
    endings.reckon(name);
    clock.advance(1);
    assert.equal(ended, ["expired"]);
  });
});
