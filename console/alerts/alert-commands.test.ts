import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { transaction, type Database } from "../database/database.ts";
import { AlertCommands, maxRunLate, maxRunsOfDevice, type AlertCommand } from "./alert-commands.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Alerts whose rule has a command sent, and what was sent. */
function open(database: Database, clock: ManualClock) {
  const at = openAlerts(database, clock);
  const { alerts } = at;
  const sent: AlertCommand[] = [];
  const world = {
    online: true,
    open: false,
    not: undefined as string | undefined,
    refuses: undefined as string | undefined,
  };
  const commands = new AlertCommands({
    clock,
    changes: alerts.book.changes,
    open: () => alerts.book.open(),
    find: (id) => alerts.book.find(id),
    ruleOf: (name) => alerts.rules.find(name),
    firedSince: (...which) => alerts.firedSince(...which),
    muted: (rule, device) => alerts.muted(rule, device) !== undefined,
    whyNot: () => world.not,
    isOnline: () => world.online,
    isOpen: () => world.open,
    send: (_, command) => {
      if (world.refuses !== undefined) throw new Error(world.refuses);
      sent.push(command);
    },
    say: (alert, event) => void transaction(database, () => alerts.book.say(alert, event))(),
    failed: (thrown) => void at.failures.push(thrown),
  });
  alerts.start();
  commands.start();
  let cycles = 0;
  return {
    ...at,
    sent,
    commands,
    world,
    /** It fires, and is over unless it is to last. */
    cycle: async (lasts = false): Promise<void> => {
      // Nearer to each other they would be one alert that goes up and down.
      clock.advance(2 * 3_600_000);
      const from = clock.now() + 10 * (cycles += 1);
      alerts.observe(rpi, [columns(from, [9])]);
      alerts.flush();
      await settle();
      if (lasts) return;
      alerts.observe(rpi, [columns(from + 5, [1])]);
      alerts.flush();
      await settle();
    },
    history: (): string[] =>
      [...alerts.book.open(), ...alerts.over()].flatMap(({ history }) =>
        history.flatMap(({ what, text = "" }) =>
          what === "spared" ? [text] : what === "ran" ? [`ran ${text.split(" ")[0]}`] : [],
        ),
      ),
    stop: async (): Promise<void> => {
      commands.stop();
      await alerts.stop();
    },
  };
}

const rule = { when: "m.v > 5", run: { key: "restart-service", args: { name: "web" } } };

suite("alerts: a command that a rule has sent", ({ test }) => {
  test("once for a firing, whoever is killed behind it", async (scope) => {
    const clock = new ManualClock(begin);
    const database = await openAlertDisk(scope);
    let at = open(database, clock);
    at.rules(rule);
    await at.cycle(true);
    assert.equal(
      at.sent.map(({ run, by, rule: name }) => [run, by, name]),
      [[rule.run, "ann", "R"]],
    );
    assert.equal(at.history(), ["ran restart-service"]);
    const [alert] = at.alerts.book.open();
    transaction(database, () => at.alerts.book.say(alert!, { ts: clock.now(), what: "acknowledged", by: "ann" }))();
    await settle();
    await at.stop();
    at = open(database, clock);
    clock.advance(60_000);
    await settle();
    assert.equal([at.sent, at.failures], [[], []], "not again after a start");
    await at.stop();
  });

  test("what a console that was killed has left is sent by the next one, unless it is past", async (scope) => {
    const clock = new ManualClock(begin);
    const database = await openAlertDisk(scope);
    for (const [late, count] of [
      [0, 1],
      [maxRunLate, 0],
    ] as const) {
      let at = open(database, clock);
      at.rules(rule);
      at.commands.stop();
      await at.cycle(true);
      assert.equal(at.sent, []);
      await at.alerts.stop();
      clock.advance(late);
      at = open(database, clock);
      clock.advance(10_000);
      await settle();
      assert.is(at.sent.length, count);
      at.alerts.observe(rpi, [columns(clock.now(), [1])]);
      at.alerts.flush();
      await at.stop();
    }
  });

  test("not beyond so many in a day, nor while the one before is open, and says so", async (scope) => {
    const clock = new ManualClock(begin);
    const at = open(await openAlertDisk(scope), clock);
    at.rules(rule);
    await at.cycle();
    at.world.open = true;
    await at.cycle();
    assert.is(at.sent.length, 1);
    assert.ok(at.history().includes("restart-service: the one before has not ended"));
    at.world.open = false;
    for (let n = 0; n < maxRunsOfDevice + 2; n += 1) await at.cycle();
    assert.is(at.sent.length, maxRunsOfDevice);
    assert.match(at.history()[0] ?? "", /restart-service: the rule has had 5 sent to the device in a day/);
    clock.advance(86_400_000);
    await at.cycle();
    assert.is(at.sent.length, maxRunsOfDevice + 1, "the next day it is");
    assert.equal(at.failures, []);
    await at.stop();
  });

  test("not where it may not, and the alert says why", async (scope) => {
    const clock = new ManualClock(begin);
    const at = open(await openAlertDisk(scope), clock);
    at.rules(rule);
    at.world.online = false;
    await at.cycle();
    Object.assign(at.world, { online: true, not: '"ann", who made the rule, is no administrator any more' });
    await at.cycle();
    Object.assign(at.world, { not: undefined, refuses: "rpi-7 takes signed commands alone" });
    await at.cycle();
    at.world.refuses = undefined;
    const order = { rule: null, where: null, device: rpi, from: clock.now(), cron: null, zone: "UTC", lasts: 0 };
    at.alerts.addMute({ ...order, until: clock.now() + 9 * 3_600_000, note: "", by: "ann" }).done();
    await at.cycle();
    assert.equal(at.sent, []);
    assert.equal(at.history(), [
      "restart-service: nobody is to be told of it now, and nothing done",
      "ran restart-service",
      "restart-service: rpi-7 takes signed commands alone",
      'restart-service: "ann", who made the rule, is no administrator any more',
      "restart-service: the device is not connected",
    ]);
    await at.stop();
  });
});
