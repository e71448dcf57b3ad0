import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { alertRule } from "#shared/alerts/alert-rule";
import { readRule } from "#shared/alerts/read-rule";
import { replayRule, type Episode } from "#shared/alerts/replay";
import { checkOf } from "#shared/alerts/rule-check";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { Database } from "../database/database.ts";
import type { Alert } from "./alert.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";
import { foldAtLeast } from "./folding.ts";
import { lateSettles } from "./late-samples.ts";
import { minSampleGap } from "./rule-set.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Batches of a few values each, in the order in which they arrive, over a console that is killed and begins anew. */
interface Course {
  readonly values: readonly (readonly number[])[];
  /** By how many places each arrives later. */
  readonly delays: readonly number[];
  /** For each arrival where the console is killed: nowhere, or behind its looking, its writing, its ledger. */
  readonly kills: readonly number[];
  readonly hold: number;
}

const batchMs = 100;

/** Plays a course. @returns every alert that was kept, and what was told */
async function play(database: Database, { values, delays, kills, hold }: Course) {
  const clock = new ManualClock(begin + 3_600_000);
  const rule = { when: hold === 0 ? "m.v > 5" : `m.v > 5 for ${hold}ms`, each: true };
  let at = openAlerts(database, clock);
  const told = [...at.told];
  const stored = at.stored;
  const settled = new Set<number>();
  at.alerts.start();
  at.rules(rule);
  const arrivals = values
    .map((_, seq) => ({ seq, place: seq + (delays[seq] ?? 0) }))
    .sort((one, other) => one.place - other.place || one.seq - other.seq)
    .map(({ seq }) => seq);
  const heard = new Set<number>();
  let newest: number | null = null;
  const again = (): void => {
    told.push(...at.told);
    // A process that is killed has no next turn.
    at.alerts.forget(rpi);
    at = openAlerts(database, clock);
    at.world.newest = newest;
    for (const [ts, value] of stored) at.stored.set(ts, value);
    at.alerts.start();
    heard.clear();
    for (const seq of settled) heard.add(seq);
  };
  for (const [turn, seq] of arrivals.entries()) {
    let kill = kills[turn] ?? 0;
    for (;;) {
      at.world.newest = newest;
      heard.add(seq);
      const series = columns(begin + seq * batchMs, values[seq] ?? []);
      at.alerts.observe(rpi, [series], seq === 0 || heard.has(seq - 1));
      const isKilled = (place: number): boolean => kill === place;
      if (!isKilled(1)) {
        for (const [place, ts] of series.times.entries()) {
          stored.set(ts, values[seq]![place]!);
          at.stored.set(ts, values[seq]![place]!);
        }
        at.alerts.flush();
        if (!isKilled(2)) {
          settled.add(seq);
          newest = Math.max(newest ?? 0, series.times.at(-1) ?? 0);
        }
      }
      if (kill === 0) break;
      const isDone = settled.has(seq);
      kill = 0;
      again();
      // What was not written down as stored comes again.
      if (isDone) break;
    }
    at.world.newest = newest;
  }
  for (let round = 0; round < 6; round += 1) {
    clock.advance(lateSettles + 1);
    for (let turn = 0; turn < 6; turn += 1) await nextTurn();
  }
  assert.is(at.alerts.late.size, 0);
  told.push(...at.told);
  const alerts = [...at.alerts.book.open(), ...at.alerts.over()].sort((one, other) => one.fired - other.fired);
  await at.alerts.stop();
  return { alerts, told };
}

/** What there was, in the order of the samples' times. */
function truth({ values, hold }: Course): readonly Episode[] {
  const { base } = readRule(alertRule.parse({ name: "R", when: "m.v > 5" }));
  const rows = values.flatMap((all, seq) => all.map((v, place) => [begin + seq * batchMs + place * 10, v] as const));
  return replayRule({ ...checkOf(base), hold }, { hold, gap: minSampleGap }, rows).episodes;
}

const overlap = (one: Pick<Alert, "since" | "resolved">, other: Pick<Alert, "since" | "resolved">): boolean =>
  one.since <= (other.resolved ?? Infinity) && (one.resolved ?? Infinity) >= other.since;

const batches = fc.array(fc.array(fc.integer({ min: 3, max: 8 }), { minLength: 1, maxLength: 4 }), { maxLength: 14 });
const holds = fc.constantFrom(0, 20, 150, 250);

suite("alerts, whatever is killed when", ({ test }) => {
  const clear = (database: Database): void => {
    for (const table of ["alerts", "alert_slots", "alert_late", "alert_points", "alert_rules"])
      database.exec(`DELETE FROM ${table}`);
  };

  test("in order: each crossing fires once and is over once, and both are told once", async (scope) => {
    const database = await openAlertDisk(scope);
    await fc.assert(
      fc.asyncProperty(
        batches,
        holds,
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 14 }),
        async (values, hold, kills) => {
          clear(database);
          const course = { values, delays: [], kills, hold };
          const { alerts, told } = await play(database, course);
          const expected = truth(course);
          const shown = alerts.map(({ since, fired, resolved }) => ({ since, fired, resolved }));
          assert.equal(
            shown,
            expected.map(({ since, fired, resolved }) => ({ since, fired, resolved })),
          );
          const said = alerts.flatMap(({ id, resolved }) => [
            `firing ${id}`,
            ...(resolved === null ? [] : [`resolved ${id}`]),
          ]);
          // A notice that was in a transaction that a kill has cut off was never there.
          assert.equal(told.map(({ kind, alert }) => `${kind} ${alert}`).sort(), said.sort());
        },
      ),
      { numRuns: 60 },
    );
  });

  test("out of order: nothing that was is missed, nothing that was not is told, and nothing twice", async (scope) => {
    const database = await openAlertDisk(scope);
    const delays = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(
        batches,
        holds,
        delays,
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 14 }),
        async (values, hold, late, kills) => {
          clear(database);
          const course = { values, delays: late, kills, hold };
          const { alerts, told } = await play(database, course);
          const expected = truth(course);
          for (const one of expected)
            assert.ok(
              alerts.some((alert) => overlap(alert, one)),
              `missed: ${JSON.stringify({ one, alerts })}`,
            );
          for (const alert of alerts)
            assert.ok(
              expected.some((one) => overlap(alert, one)),
              `told: ${JSON.stringify({ alert, expected })}`,
            );
          assert.ok(alerts.length <= expected.length);
          const firing = told.filter(({ kind }) => kind === "firing").map(({ alert }) => alert);
          assert.equal(firing.sort(), alerts.map(({ id }) => id).sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});

suite("alerts", ({ test }) => {
  test("rules by group, by filter and by series", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules(
      { name: "A", when: "m.v > 5", overrides: [{ group: "lab", when: "m.v > 50" }] },
      { name: "B", when: "m.v > 5", where: "group=lab" },
      { name: "C", when: "m.v > 5", series: { path: "/home*" } },
    );
    const firing = (): string[] => at.alerts.book.open().map(({ rule }) => rule);
    const send = (value: number, tags = {}): void => {
      at.clock.advance(10_000);
      at.alerts.observe(rpi, [{ ...columns(at.clock.now(), [value]), tags }]);
      at.alerts.flush();
    };
    send(20);
    assert.equal(firing(), ["A"]);
    at.groups.set(rpi, ["lab"]);
    at.alerts.deviceChanged(rpi);
    send(20);
    assert.equal(firing(), ["B"], "over by the group's own threshold, and of the group");
    send(20, { path: "/home/ann" });
    assert.equal(firing().sort(), ["B", "B", "C"]);
    at.groups.set(rpi, []);
    at.alerts.deviceChanged(rpi);
    at.alerts.flush();
    assert.equal(firing(), ["C"], "a device that leaves the group is not meant any more");
    assert.match([...at.alerts.over()].find(({ rule }) => rule === "B")?.why ?? "", /does not count/);
    at.alerts.forget(rpi);
    at.alerts.erase(rpi);
    assert.equal([at.alerts.book.open().length, [...at.alerts.over()].length], [0, 0]);
  });

  test("of a measurement with a whole, its parts are not looked at", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    const of = (cpu: string, value: number) => ({ ...columns(begin, [value]), tags: { cpu } });
    at.alerts.observe(rpi, [of("cpu0", 9), of("cpu-total", 2)]);
    at.alerts.flush();
    assert.is(at.alerts.book.open().length, 0);
  });

  test("held back in maintenance, told behind it where it still fires, and not at all where it is over", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    const order = {
      rule: "R*",
      where: "id=rpi-*",
      device: null,
      cron: null,
      zone: "UTC",
      lasts: 0,
      note: "move",
      by: "ann",
    };
    at.alerts.addMute({ ...order, from: begin, until: begin + 600_000 }).done();
    const send = (value: number): void => {
      at.clock.advance(10_000);
      at.alerts.observe(rpi, [columns(at.clock.now(), [value])]);
      at.alerts.flush();
    };
    send(9);
    send(1);
    assert.equal(at.told, []);
    send(9);
    at.clock.advance(600_000);
    at.alerts.flush();
    assert.equal(
      at.told.map(({ kind }) => kind),
      ["firing"],
    );
    send(1);
    assert.equal(
      at.told.map(({ kind }) => kind),
      ["firing", "resolved"],
    );
    const cron = at.alerts.addMute({ ...order, cron: "0 3 * * *", lasts: 3_600_000, from: begin, until: null });
    cron.done();
    const active = (ts: number): boolean => {
      at.clock.setWall(ts);
      return at.alerts.muted("R", rpi) !== undefined;
    };
    const day = begin + 3 * 86_400_000;
    assert.equal(
      [2.9, 3, 3.9, 4.1].map((hour) => active(day + hour * 3_600_000)),
      [false, true, true, false],
    );
  });

  test("many devices that are silent at once are one alert; a console that has just begun, or hears nobody, tells of none", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    const minute = 60_000;
    const [first] = at.devices.values();
    const heard = (lastSeen: number): void => {
      for (let number = 0; number < 40; number += 1) {
        const id = parseDeviceId(`d-${number}`);
        at.devices.set(id, { ...first!, id, lastSeen });
      }
    };
    heard(begin - 60 * minute);
    at.devices.delete(rpi);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "silent > 5m", severity: "critical" });
    const pass = (ms: number): void => {
      for (let left = ms; left > 0; left -= 10_000) {
        at.clock.advance(10_000);
        at.alerts.flush();
      }
    };
    pass(4 * minute);
    assert.equal(at.told, [], "all were silent for an hour, in which there was no console");
    heard(at.clock.now());
    at.world.hears = false;
    pass(30 * minute);
    assert.equal(at.told, [], "nobody can be heard");
    at.world.hears = true;
    pass(4 * minute);
    assert.equal(at.told, [], "they have had no time to come back");
    pass(3 * minute);
    assert.equal(
      at.told.map(({ kind, device, value }) => [kind, device, value]),
      [["firing", null, 40]],
    );
    assert.is(at.alerts.book.open().length, 41);
    heard(at.clock.now());
    pass(minute);
    assert.equal(at.told.map(({ kind, device }) => [kind, device]).at(-1), ["resolved", null]);
    assert.equal([at.told.length, at.alerts.book.open().length], [2, 0]);
  });

  test("who falls silent a little behind many others is told as well, and that it is over", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    const minute = 60_000;
    const [first] = at.devices.values();
    const hear = (name: string, lastSeen: number): void => {
      const id = parseDeviceId(name);
      at.devices.set(id, { ...first!, id, lastSeen });
    };
    at.devices.delete(rpi);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "silent > 10m" });
    for (let number = 0; number < foldAtLeast; number += 1) hear(`d-${number}`, begin);
    hear("soon", begin + minute / 2);
    hear("later", begin + 8 * minute);
    const pass = (ms: number): void => {
      for (let left = ms; left > 0; left -= 10_000) {
        at.clock.advance(10_000);
        at.alerts.flush();
      }
    };
    pass(22 * minute);
    assert.equal(
      at.told.map(({ kind, device, value }) => [kind, device, device === null ? value : null]),
      [
        ["firing", null, foldAtLeast],
        ["firing", "soon", null],
        ["firing", "later", null],
      ],
    );
    hear("later", at.clock.now());
    pass(minute);
    assert.equal(at.told.map(({ kind, device }) => [kind, device]).at(-1), ["resolved", "later"]);
  });

  test("a store that is away for an hour is told once", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.devices.clear();
    at.world.stores = false;
    at.clock.advance(3_600_000);
    at.alerts.flush();
    assert.equal(
      at.told.map(({ kind, rule }) => [kind, rule]),
      [["firing", "MusterStoreDown"]],
    );
    at.world.stores = true;
    at.clock.advance(60_000);
    at.alerts.flush();
    assert.equal(
      at.told.map(({ kind }) => kind),
      ["firing", "resolved"],
    );
  });

  test("what changes from one sample to the next is seen over a restart, and so is how fast", async (scope) => {
    const database = await openAlertDisk(scope);
    const clock = new ManualClock(begin + 1_000);
    const first = openAlerts(database, clock);
    first.alerts.start();
    first.rules({ name: "C", when: "changed(m.v)" }, { name: "F", when: "rate(m.v) > 500" });
    first.alerts.observe(rpi, [columns(begin, [1, 1])]);
    await first.alerts.stop();
    const at = openAlerts(database, clock);
    at.world.newest = begin + 10;
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.alerts.observe(rpi, [columns(begin + 20, [21, 21])]);
    at.alerts.flush();
    const shown = [...at.alerts.over()].map(({ rule, fired, resolved }) => [
      rule,
      fired - begin,
      (resolved ?? 0) - begin,
    ]);
    assert.equal(shown.sort(), [
      ["C", 20, 30],
      ["F", 20, 30],
    ]);
  });

  test("a command that ends badly fires until it ends well; a job for a day", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules(
      { name: "C", when: "command = failed key = up*" },
      { name: "J", when: "job = aborted", severity: "critical" },
    );
    const end = (key: string, state: string, ended: number): void => {
      at.alerts.commandChanged({ device: rpi, key, state, ended } as Parameters<typeof at.alerts.commandChanged>[0]);
      at.alerts.flush();
    };
    end("ping", "failed", begin);
    end("update", "running", begin);
    assert.equal(at.said(), []);
    end("update", "failed", begin + 10);
    // A late answer changes the command, and not its end.
    end("update", "failed", begin + 10);
    assert.equal(at.said(), ["firing 10"]);
    end("update", "succeeded", begin + 20);
    assert.equal(at.said(), ["firing 10", "resolved 20"]);
    at.alerts.jobChanged({ id: "j1", ts: begin, key: "update", state: "aborted", ended: begin + 30 });
    at.alerts.flush();
    assert.equal(at.told.at(-1)?.title, "J: j1");
    at.clock.advance(86_400_000 + 60_000);
    at.alerts.flush();
    assert.equal(at.said().slice(2, 3), ["firing 30"]);
    assert.equal([at.told.length, at.alerts.book.open().length], [4, 0]);
  });

  test("what is known of a device: its version, its clock, its clone, its certificate", async (scope) => {
    const at = openAlerts(await openAlertDisk(scope));
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    const [device] = at.devices.values();
    at.rules(
      { name: "V", when: "version < 0.3" },
      { name: "S", when: "skew > 2m" },
      { name: "D", when: "clone = true" },
      { name: "E", when: "certificate < 7d" },
    );
    const firing = (change: object): string => {
      at.devices.set(rpi, { ...device!, ...change });
      at.alerts.deviceChanged(rpi);
      at.alerts.flush();
      return at.alerts.book
        .open()
        .map(({ rule }) => rule)
        .sort()
        .join("");
    };
    assert.is(firing({ agent: "0.4.0" }), "E");
    assert.is(firing({ agent: "0.2.9", skew: -150_000 }), "ESV");
    assert.is(firing({ agent: "0.3.0", problem: "two machines run as rpi-7: a and b" }), "DE");
    at.devices.delete(rpi);
    at.alerts.deviceChanged(rpi);
    at.alerts.flush();
    assert.is(at.alerts.book.open().length, 0, "one that is retired is nobody's concern");
  });

  test("a fault of one rule's, and a disk that takes nothing, cost no sample", async (scope) => {
    const database = await openAlertDisk(scope);
    const at = openAlerts(database);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    at.rules({ when: "m.v > 5" });
    at.alerts.observe(rpi, [columns(begin, [9])]);
    database.exec("ALTER TABLE alerts RENAME TO elsewhere");
    at.alerts.flush();
    assert.ok(at.failures.length > 0, "it is told, and holds up nothing");
    database.exec("ALTER TABLE elsewhere RENAME TO alerts");
    at.alerts.observe(rpi, [columns(begin + 100, [1, 9])]);
    database.exec("PRAGMA query_only = 1");
    assert.throws(() => at.alerts.flush());
    database.exec("PRAGMA query_only = 0");
    at.clock.advance(1_000);
    assert.is(at.said().at(-1), "firing 110");
    assert.equal(
      at.alerts.book.open().map(({ fired }) => fired),
      [begin + 110],
    );
  });
});
