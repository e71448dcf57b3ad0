import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import { ServiceManager, systemdAround, watchdogTime } from "./service-manager.ts";

function managed(watchdog?: number) {
  const said: string[] = [];
  const clock = new ManualClock();
  const manager = new ServiceManager({
    clock,
    told: { tell: (...words) => void said.push(words.join(" ")), watchdog },
  });
  return { said, clock, manager, third: watchdogTime / 3 };
}

suite("what systemd is told", ({ test }) => {
  test("that the agent stands, once, with the watchdog that it asks for; then a beat thrice in its time; at last that it stops", () => {
    const { said, clock, manager, third } = managed();
    manager.ready();
    manager.ready();
    assert.equal(said.splice(0), [`READY=1 WATCHDOG_USEC=${watchdogTime}000`]);
    clock.advance(third - 1);
    assert.equal(said, []);
    clock.advance(1);
    clock.advance(third);
    assert.equal(said.splice(0), ["WATCHDOG=1", "WATCHDOG=1"]);
    manager.stop();
    manager.stop();
    clock.advance(10 * third);
    assert.equal(said, ["STOPPING=1"]);
  });

  test("no beat while the work is not done, and beats again when it is", () => {
    const { said, clock, manager, third } = managed();
    let works = false;
    manager.watch(() => works);
    manager.ready();
    said.length = 0;
    for (let i = 0; i < 3; i++) clock.advance(third);
    assert.equal(said, []);
    works = true;
    clock.advance(third);
    assert.equal(said, ["WATCHDOG=1"]);
  });

  test("beats as often as the unit's own WatchdogSec wants", () => {
    const { said, clock, manager } = managed(30_000_000);
    manager.ready();
    clock.advance(10_000);
    assert.equal(said, ["READY=1", "WATCHDOG=1"]);
  });

  test("nothing where there is no systemd; and what the agent starts does not see the socket", () => {
    assert.is(systemdAround({}), undefined);
    const env = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "5" };
    assert.is(systemdAround(env)?.watchdog, 5);
    assert.not.ok("NOTIFY_SOCKET" in env);
    const manager = new ServiceManager({ clock: new ManualClock(), told: undefined });
    manager.ready();
    manager.stop();
  });
});
