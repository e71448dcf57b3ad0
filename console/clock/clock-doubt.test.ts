import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Batch } from "#shared/messages/metrics";
import { suite, type Scope } from "../../test/suite.ts";
import { tolerated } from "./placing.ts";
import { openDatabase } from "../database/database.ts";
import { migrations } from "../database/schema.ts";
import { ClockDoubt, enoughWitnesses, noteEvery, steadyEnough } from "./clock-doubt.ts";
import { KnownMoment } from "./known-moment.ts";
import { maxWitnesses, Witnesses } from "./witnesses.ts";

const day = 86_400_000;
const hour = 3_600_000;
const began = Date.UTC(2026, 10, 21);
const here = "0fd31e4d";

/** What an agent sends whose clock says `t` at the moment of sending. */
const batch = (t: number, changes: Partial<Batch> = {}): Batch => ({
  v: 1,
  outbox: "a",
  seq: 1,
  t,
  dt: [0],
  age: 0,
  epoch: "elsewhere",
  mono: 5_000,
  m: [],
  ...changes,
});

/** Consoles one after the other on one database, each with a clock of its own. */
async function place(scope: Scope) {
  const database = openDatabase(join(await scope.directory(), "muster.db"), migrations);
  scope.cleanup(() => database.close());
  const known = new KnownMoment(database);
  const moment = {
    read: () => known.read()?.moment,
    write: (wall: number) => known.write({ moment: wall, confirmed: true }),
  };
  return {
    moment,
    console: (wall: number) => {
      const clock = new ManualClock(wall);
      const told: string[] = [];
      const note = (_: object, text: string): void => void told.push(text);
      let changes = 0;
      const doubt = new ClockDoubt({
        clock,
        log: { ...silentLog, info: note, warn: note },
        kept: { read: () => known.read(), write: (now) => known.write(now) },
        epoch: here,
        changed: () => (changes += 1),
        failed: (thrown) => assert.unreachable(String(thrown)),
      });
      doubt.start();
      return {
        clock,
        doubt,
        told,
        changes: () => changes,
        hears: (name: string, off: number, changes: Partial<Batch> = {}) =>
          doubt.heard(parseDeviceId(name), batch(clock.now() + off, changes)),
        is: (state: string, trust: string) => {
          assert.equal([doubt.verdict.state, doubt.trust], [state, trust]);
          assert.is(doubt.ages().trusted, state === "trusted");
        },
      };
    },
  };
}

suite("the console's clock", ({ test }) => {
  test("at the first start it is trusted, and the moment is written down once a minute", async (scope) => {
    const { console, moment } = await place(scope);
    const { clock, is, doubt } = console(began);
    is("trusted", "full");
    assert.is(moment.read(), began);
    clock.advance(noteEvery - 1);
    assert.is(moment.read(), began);
    clock.advance(1);
    assert.is(moment.read(), began + noteEvery);
    clock.advance(10_000);
    doubt.stop();
    assert.is(moment.read(), began + noteEvery + 10_000);
  });

  test("one that goes on where the last run has left off is trusted, up to five minutes either way", async (scope) => {
    for (const [off, state] of [
      [0, "trusted"],
      [tolerated, "trusted"],
      [tolerated + 1, "ahead"],
      [-tolerated, "trusted"],
      [-tolerated - 1, "behind"],
    ] as const) {
      const { console, moment } = await place(scope);
      moment.write(began);
      assert.is(console(began + off).doubt.verdict.state, state, String(off));
    }
  });

  test("eight days ahead: nothing is deleted, until the hour is over or a device elsewhere agrees", async (scope) => {
    const { console, moment } = await place(scope);
    moment.write(began);
    const first = console(began + 8 * day);
    first.is("ahead", "unsure");
    assert.match(first.told[0] ?? "", /8 d later than what was last known .*nothing is deleted by age/);
    assert.is(first.doubt.ages().latest, began);
    assert.is(first.doubt.clock.now(), began + 8 * day);
    first.hears("own", 0, { epoch: here });
    first.clock.advance(steadyEnough - 1_000);
    first.is("ahead", "unsure");
    first.doubt.stop();
    assert.is(moment.read(), began);

    const second = console(began + 8 * day);
    second.clock.advance(steadyEnough);
    second.is("trusted", "full");
    assert.is(second.told.length, 2);

    moment.write(began);
    const third = console(began + 14 * day);
    third.is("ahead", "unsure");
    third.hears("rpi-1", -tolerated);
    third.is("trusted", "full");
    assert.is(moment.read(), began + 14 * day);
  });

  test("devices that agree with one another are believed more: their time is the console's, however long it lasts", async (scope) => {
    const { console, moment } = await place(scope);
    moment.write(began);
    const { clock, doubt, hears, is, told } = console(began + 8 * day);
    for (let device = 1; device < enoughWitnesses; device++) hears(`rpi-${device}`, -8 * day);
    hears("in-2036", 10 * 365 * day);
    hears("in-1970", -clock.now());
    is("ahead", "unsure");
    clock.advance(1_000);
    hears(`rpi-${enoughWitnesses}`, -8 * day + 2_000);
    is("ahead", "full");
    assert.match(told.at(-1) ?? "", /2 devices agree that it is wrong/);
    assert.ok(Math.abs(doubt.clock.now() - (began + 1_000)) <= 2_000);
    for (let minute = 0; minute < 70; minute++) {
      clock.advance(60_000);
      for (let device = 1; device <= enoughWitnesses; device++) hears(`rpi-${device}`, -8 * day);
    }
    is("ahead", "full");
    // NTP sets it right: that ends the doubt at once, whoever asks.
    clock.setWall(clock.now() - 8 * day);
    is("trusted", "full");
    assert.match(told.at(-1) ?? "", /trusted again/);
  });

  test("before its own past nothing is taken, until the clock is there again", async (scope) => {
    const { console, moment } = await place(scope);
    moment.write(began);
    const { clock, doubt, is, told } = console(5_000);
    is("behind", "none");
    assert.match(told[0] ?? "", /1970-01-01T00:00:05.000Z, which cannot be: nothing is taken/);
    clock.advance(2 * steadyEnough);
    is("behind", "none");
    // Its own time goes on after its past.
    assert.is(doubt.clock.now(), began + 2 * steadyEnough);
    clock.setWall(began - day);
    is("behind", "none");
    assert.match(told.at(-1) ?? "", /1 d before what has been already/);
    clock.setWall(began + 2 * steadyEnough + 1_000);
    is("trusted", "full");
    assert.is(moment.read(), clock.now());
  });

  test("a past that was written by a wrong clock is put right by devices, or by an operator's word", async (scope) => {
    const { console, moment } = await place(scope);
    moment.write(began + 10 * 365 * day);
    const first = console(began);
    first.is("behind", "none");
    first.hears("rpi-1", 1_000);
    first.is("trusted", "full");
    assert.is(moment.read(), began);

    moment.write(began + 10 * 365 * day);
    const second = console(began);
    second.is("behind", "none");
    assert.is(second.doubt.believe(), true);
    second.is("trusted", "full");
    assert.is(console(5_000).doubt.believe(), false);
  });

  test("a step while it runs begins a doubt, in which the time before the step goes on; a step back ends it", async (scope) => {
    const { console } = await place(scope);
    const { clock, doubt, is, told } = console(began);
    clock.advance(steadyEnough);
    const before = clock.now();
    clock.setWall(before + tolerated);
    is("trusted", "full");
    clock.setWall(before);
    is("trusted", "full");

    clock.setWall(before + 8 * day);
    assert.is(doubt.clock.now(), before);
    is("ahead", "full");
    assert.is(doubt.ages().latest, before);
    clock.advance(hour / 2);
    assert.is(doubt.clock.now(), before + hour / 2);
    clock.setWall(before + hour / 2);
    is("trusted", "full");
    assert.is(told.length, 2);

    clock.setWall(clock.now() - day);
    is("behind", "none");
    clock.setWall(clock.now() + day);
    is("trusted", "full");
  });

  test("at the first start of all, devices can tell that the clock is wrong", async (scope) => {
    const { console } = await place(scope);
    const { hears, is, clock } = console(began - 400 * day);
    is("trusted", "full");
    hears("rpi-1", 400 * day);
    is("trusted", "full");
    hears("rpi-2", 400 * day);
    is("behind", "none");
    clock.setWall(began);
    is("trusted", "full");
    // Confirmed once, it is not denied by devices that are wrong together.
    hears("rpi-1", 0);
    hears("rpi-1", -3 * day);
    hears("rpi-2", -3 * day);
    is("trusted", "full");
  });

  test("a first start that nobody has confirmed is denied by devices also after a restart", async (scope) => {
    const { console } = await place(scope);
    const first = console(began - 400 * day);
    first.clock.advance(60_000);
    first.doubt.stop();
    const second = console(began - 400 * day + 61_000);
    second.is("trusted", "full");
    second.hears("rpi-1", 400 * day);
    second.hears("rpi-2", 400 * day);
    second.is("behind", "none");
    second.doubt.stop();

    // An hour without a step has confirmed it: then it is not denied by devices that are wrong together.
    const third = console(began - 400 * day + 62_000);
    third.clock.advance(steadyEnough + noteEvery);
    third.doubt.stop();
    const fourth = console(third.clock.now());
    fourth.hears("rpi-1", 400 * day);
    fourth.hears("rpi-2", 400 * day);
    fourth.is("trusted", "full");
  });

  test("a moment that does not read is none", async (scope) => {
    const database = openDatabase(join(await scope.directory(), "muster.db"), migrations);
    scope.cleanup(() => database.close());
    const moment = new KnownMoment(database);
    moment.write({ moment: began, confirmed: true });
    database.exec("UPDATE clock SET moment = moment | (1 << 41)");
    assert.is(moment.read(), undefined);
    moment.write({ moment: began + 1, confirmed: false });
    assert.equal(moment.read(), { moment: began + 1, confirmed: false });
  });

  test("witnesses are so many at most, and old words do not count", () => {
    const witnesses = new Witnesses(here);
    const hear = (name: number, mono: number): boolean => witnesses.note(parseDeviceId(`d${name}`), batch(began), mono);
    for (let device = 0; device < maxWitnesses; device++) hear(device, 0);
    assert.is(witnesses.about(began, 0).agree, maxWitnesses);
    hear(maxWitnesses, 0);
    assert.is(witnesses.about(began, 0).agree, maxWitnesses);
    assert.is(witnesses.about(began, 11 * 60_000).agree, 0);
    assert.is(witnesses.note(parseDeviceId("d0"), batch(began, { epoch: here }), 0), false);
    const { age: _, ...ageless } = batch(began);
    assert.is(witnesses.note(parseDeviceId("d0"), ageless, 0), false);
  });
});
