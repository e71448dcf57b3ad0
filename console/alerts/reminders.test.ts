import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Database } from "../database/database.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";
import { maxToldOfDevice, toldWithin } from "./tell-limit.ts";

const hour = 3_600_000;
const rule = { when: "m.v > 5", remind: "4h" };
type Opened = ReturnType<typeof openAlerts>;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function fire(database: Database, clock: ManualClock, more: object = {}): Promise<Opened> {
  const at = openAlerts(database, clock);
  at.alerts.start();
  at.rules({ ...rule, ...more });
  at.alerts.observe(rpi, [columns(begin, [9])]);
  at.alerts.flush();
  return at;
}

const kinds = ({ told }: Opened): string[] => told.map(({ kind }) => kind);

async function wait(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

suite("alerts: reminders", ({ test }) => {
  test("what fires and nobody sees to is told again once in an interval, until it is over", async (scope) => {
    const clock = new ManualClock(begin);
    const at = await fire(await openAlertDisk(scope), clock);
    await wait(clock, 4 * hour - 1);
    assert.equal(kinds(at), ["firing"]);
    await wait(clock, 1);
    await wait(clock, 4 * hour);
    assert.equal(kinds(at), ["firing", "reminder", "reminder"]);
    assert.is(at.told.at(-1)?.at, begin + 8 * hour);
    const [alert] = at.alerts.book.open();
    assert.equal(
      alert?.history.map(({ what }) => what),
      ["fired", "told", "reminded"],
      "the newest stands for all of them",
    );
    at.alerts.observe(rpi, [columns(begin + 8 * hour, [1])]);
    at.alerts.flush();
    await wait(clock, 8 * hour);
    assert.equal(kinds(at), ["firing", "reminder", "reminder", "resolved"]);
    await at.alerts.stop();
  });

  test("of one device no more are told again in a minute than told, and the others in the next ones", async (scope) => {
    const clock = new ManualClock(begin);
    const at = await fire(await openAlertDisk(scope), clock);
    const all = 2 * maxToldOfDevice + 5;
    for (let one = 1; one < all; one++) {
      if (one % (maxToldOfDevice - 1) === 0) await wait(clock, toldWithin);
      at.alerts.observe(rpi, [{ ...columns(begin, [9]), tags: { one: String(one) } }]);
      at.alerts.flush();
    }
    assert.is(at.told.length, all);
    await wait(clock, 4 * hour);
    const reminders = (): number => kinds(at).filter((kind) => kind === "reminder").length;
    assert.is(reminders(), maxToldOfDevice);
    await wait(clock, toldWithin);
    assert.is(reminders(), 2 * maxToldOfDevice);
    await wait(clock, toldWithin);
    assert.is(reminders(), all);
    await at.alerts.stop();
  });

  test("a console that is killed reminds neither twice nor never", async (scope) => {
    const clock = new ManualClock(begin);
    const database = await openAlertDisk(scope);
    let at = await fire(database, clock);
    await wait(clock, 4 * hour);
    assert.equal(kinds(at), ["firing", "reminder"]);
    // Its timers stay behind with nobody to hear them: a killed one has none.
    await at.alerts.stop();
    at = openAlerts(database, clock);
    at.alerts.start();
    await settle();
    assert.equal(kinds(at), [], "it was told in this interval");
    await wait(clock, 4 * hour - 1);
    assert.equal(kinds(at), []);
    await at.alerts.stop();
    clock.advance(9 * hour);
    at = openAlerts(database, clock);
    at.alerts.start();
    await settle();
    assert.equal(kinds(at), ["reminder"], "one for all that were missed");
    await wait(clock, 4 * hour);
    assert.equal(kinds(at), ["reminder", "reminder"]);
    await at.alerts.stop();
  });

  test("quiet without it, once somebody sees to it, and while nobody is to be told", async (scope) => {
    const clock = new ManualClock(begin);
    const quiet = await fire(await openAlertDisk(scope), clock, { remind: undefined });
    await wait(clock, 8 * hour);
    assert.equal(kinds(quiet), ["firing"]);
    // A rule that is changed counts for what fires already.
    quiet.rules(rule);
    await settle();
    assert.equal(kinds(quiet), ["firing", "reminder"]);
    const order = { rule: null, where: null, device: rpi, from: clock.now(), cron: null, zone: "UTC", lasts: 0 };
    const mute = { ...order, until: clock.now() + 6 * hour, note: "", by: "ann" };
    quiet.alerts.addMute(mute).done();
    await wait(clock, 4 * hour);
    await wait(clock, 2 * hour - 1);
    assert.equal(kinds(quiet), ["firing", "reminder"]);
    await wait(clock, 2 * 60_000);
    assert.equal(kinds(quiet), ["firing", "reminder", "reminder"], "once the silence is over");
    const [alert] = quiet.alerts.book.open();
    const ts = clock.now();
    if (alert)
      quiet.alerts.book.say(
        alert,
        { ts, what: "acknowledged", by: "ann" },
        { acknowledged: { by: "ann", ts, note: "" } },
      )();
    await wait(clock, 8 * hour);
    assert.equal(kinds(quiet), ["firing", "reminder", "reminder"]);
    await quiet.alerts.stop();
  });
});
