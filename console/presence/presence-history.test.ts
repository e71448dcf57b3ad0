import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { asDeviceId, type DeviceId } from "#shared/ids";
import { suite, type Scope } from "../../test/suite.ts";
import { availabilityOf } from "../reports/availability.ts";
import { transaction } from "../database/database.ts";
import { openState } from "../state/state.ts";
import { notedEach, PresenceHistory, type PresentDevice } from "./presence-history.ts";
import { maxPresenceOfDevice, maxWatches, presenceKept } from "./presence-rows.ts";

const id = asDeviceId("rpi-7") as DeviceId;
const minute = 60_000;

/** A device, what is kept of it, and the console, which can be killed. */
async function started(scope: Scope) {
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const device: { -readonly [K in keyof PresentDevice]: PresentDevice[K] } = {
    id,
    online: false,
    boot: "b",
    since: null,
    lastSeen: null,
    silentAfter: null,
  };
  let timely = true;
  let history!: PresenceHistory;
  /** A kill leaves the timers of a process to nobody. */
  let cancel = (): void => {};
  const start = (): void => {
    const own = { ...ofClock(clock), after: (ms: number, run: () => void) => (cancel = clock.after(ms, run)) };
    history = new PresenceHistory({
      database: state.database,
      clock: own,
      devices: () => [device],
      timely: () => timely,
    });
    history.start();
    history.connected();
  };
  start();
  const begun = clock.now();
  return {
    clock,
    device,
    state,
    get history() {
      return history;
    },
    doubt: (is: boolean) => (timely = !is),
    goes: (online: boolean) => {
      Object.assign(device, { online, since: clock.now() });
      history.changed(device);
    },
    kill: (away: number) => {
      cancel();
      clock.advance(away);
      device.online = false;
      start();
    },
    /** In whole minutes. */
    told: (from = begun) => {
      const to = clock.now();
      const { rows } = history;
      const { known, up, outages, longest } = availabilityOf(rows.of(id, from, to), rows.watches(from, to), {
        from,
        to,
      });
      const minutes = (ms: number): number => Math.round(ms / minute);
      return [minutes(known), minutes(up), outages, minutes(longest)];
    },
  };
}

function ofClock(clock: ManualClock) {
  return { now: () => clock.now(), monotonic: () => clock.monotonic(), uptime: () => clock.uptime() };
}

suite("the history of presence", ({ test }) => {
  test("an outage is one; a kill, and the time without a console, is none", async (scope) => {
    const given = await started(scope);
    const { clock, goes, kill, told } = given;
    goes(true);
    given.history.settled();
    clock.advance(10 * minute);
    goes(false);
    clock.advance(5 * minute);
    goes(true);
    clock.advance(15 * minute);
    assert.equal(told(), [30, 25, 1, 5]);
    kill(60 * minute);
    // Nobody has heard of it yet: that is no outage either.
    clock.advance(2 * minute);
    assert.equal(told(), [30, 25, 1, 5]);
    goes(true);
    given.history.settled();
    clock.advance(10 * minute);
    assert.equal(told(), [40, 35, 1, 5]);
    // It goes while there is no console, and is away when there is one again.
    goes(true);
    kill(60 * minute);
    clock.advance(minute);
    given.history.settled();
    clock.advance(10 * minute);
    assert.equal(told(), [50, 35, 2, 10]);
  });

  test("what a kill cuts off is a minute at most, and an outage goes on behind it", async (scope) => {
    const given = await started(scope);
    const { clock, goes, kill, told } = given;
    goes(true);
    given.history.settled();
    clock.advance(10 * minute);
    goes(false);
    clock.advance(10 * minute + notedEach / 2);
    kill(60 * minute);
    given.history.settled();
    clock.advance(10 * minute);
    assert.equal(told(), [30, 10, 1, 20]);
  });

  test("a clock that is put forward, put back, or not believed, makes no outage and no time twice", async (scope) => {
    const given = await started(scope);
    const { clock, goes, told, doubt, history } = given;
    goes(true);
    history.settled();
    clock.advance(10 * minute);
    clock.setWall(clock.now() + 600 * minute);
    clock.advance(10 * minute);
    assert.equal(told(), [19, 19, 0, 0]);
    clock.setWall(clock.now() - 5 * minute);
    clock.advance(10 * minute);
    assert.equal(told(), [24, 24, 0, 0]);
    doubt(true);
    clock.advance(60 * minute);
    doubt(false);
    clock.advance(10 * minute);
    assert.equal(told(), [33, 33, 0, 0]);
    history.disconnected();
    clock.advance(60 * minute);
    assert.equal(told(), [33, 33, 0, 0]);
  });

  test("one that only publishes is away once it is silent for longer than it is used to be, from its last word on", async (scope) => {
    const given = await started(scope);
    const { clock, device, told, history } = given;
    Object.assign(device, { boot: null, silentAfter: 3 * minute, lastSeen: clock.now() });
    history.settled();
    clock.advance(minute);
    device.lastSeen = clock.now();
    clock.advance(minute);
    const last = device.lastSeen;
    clock.advance(9 * minute);
    history.heardAgain(id, last);
    device.lastSeen = clock.now();
    clock.advance(2 * minute);
    assert.equal(told(), [13, 3, 1, 10]);
  });

  test("it is bounded by age and by number, and goes with the device", async (scope) => {
    const { clock, goes, history, state } = await started(scope);
    for (let at = 0; at < 30; at += 1) {
      clock.advance(1_000);
      goes(at % 2 === 0);
    }
    history.settled();
    history.flush();
    const count = (table: string): unknown => state.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
    assert.is(count("presence"), 20);
    const { rows } = history;
    const now = clock.now() + presenceKept;
    transaction(state.database, () => {
      for (let at = 0; at < maxPresenceOfDevice + 10; at += 1) rows.put({ device: id, ts: now + at, up: at % 2 === 0 });
      for (let at = 0; at < maxWatches + 10; at += 1)
        rows.putWatch({ begun: now + at, settled: null, until: now + at });
    });
    rows.trim(id, now);
    assert.is(count("presence"), maxPresenceOfDevice);
    rows.trim(id, now + presenceKept + maxPresenceOfDevice + 10);
    assert.is(count("presence"), 1, "what was so then is still so");
    rows.trimWatches(now);
    assert.is(count("presence_watches"), maxWatches);
    rows.erase(id);
    assert.is(count("presence"), 0);
  });
});
