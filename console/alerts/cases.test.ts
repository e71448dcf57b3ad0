import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import type { Command } from "../desk/command.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { gatewayAwaited } from "./behind-gateway.ts";
import { begin, columns, openAlertDisk, openAlerts, rpi } from "./fixture.ts";
import { flapQuiet, maxToldFlaps } from "./flapping.ts";
import { foldAtLeast } from "./folding.ts";

const minute = 60_000;

async function started(scope: Scope, ...rules: readonly object[]) {
  const clock = new ManualClock(begin);
  const at = openAlerts(await openAlertDisk(scope), clock);
  at.alerts.start();
  scope.cleanup(() => at.alerts.stop());
  at.rules(...rules);
  const [first] = at.devices.values();
  at.devices.delete(rpi);
  const put = (name: string, more: object): DeviceId => {
    const id = parseDeviceId(name);
    at.devices.set(id, { ...first!, ...at.devices.get(id), id, ...more });
    at.alerts.deviceChanged(id);
    return id;
  };
  /** Time passes, in which these are heard again and again. */
  const pass = (ms: number, ...heard: readonly string[]): void => {
    for (let left = ms; left > 0; left -= 10_000) {
      for (const name of heard) put(name, { lastSeen: clock.now() });
      clock.advance(10_000);
      at.alerts.flush();
    }
  };
  const step = (ms: number): void => clock.setWall(clock.now() + ms);
  const said = (): string[] => at.told.map(({ kind, rule, device }) => `${kind} ${rule} ${device ?? "-"}`);
  return { ...at, clock, put, pass, said, step };
}

suite("alerts when clocks are put, gateways go and links flap", ({ test }) => {
  test("the console's clock is put on, and put back: nobody is silent for that, and who is stays one alert", async (scope) => {
    const at = await started(scope, { name: "S", when: "silent > 30m" });
    for (const name of ["a", "b"]) at.put(name, { lastSeen: begin });
    at.pass(10 * minute, "a", "b");
    at.step(60 * minute);
    at.put("a", { agent: "1.0" });
    at.pass(20 * minute, "a");
    assert.equal(at.said(), [], "an hour has not passed");
    at.pass(12 * minute, "a");
    assert.equal(at.said(), ["firing S b"]);
    at.step(-6 * 60 * minute);
    at.pass(45 * minute, "a");
    assert.equal(at.said(), ["firing S b"], "that it was heard in the future does not end it");
    at.pass(minute, "a", "b");
    assert.equal(at.said(), ["firing S b", "resolved S b"]);
    assert.is([...at.alerts.over()].length, 1);
  });

  test("what holds for a time goes on over a step of the clock", async (scope) => {
    const at = await started(scope, { name: "Store", when: "console.store = away for 2m" });
    at.pass(minute);
    at.world.stores = false;
    at.pass(minute);
    at.step(-6 * 60 * minute);
    at.pass(50_000);
    at.step(3 * 60 * minute);
    assert.equal(at.said(), [], "not two minutes so far");
    at.pass(minute);
    assert.equal(at.said(), ["firing Store -"]);
    at.step(-60 * minute);
    at.pass(minute);
    at.world.stores = true;
    at.pass(minute);
    assert.equal(at.said(), ["firing Store -", "resolved Store -"]);
  });

  test("a command that ends well by a clock that was put back ends its alert", async (scope) => {
    const at = await started(scope, { name: "C", when: "command = failed" });
    const device = at.put("a", {});
    const ends = (state: "ok" | "failed"): void => {
      at.alerts.commandChanged({ device, key: "update", state, ended: at.clock.now() } as never);
      at.alerts.flush();
    };
    ends("failed");
    at.pass(minute);
    at.step(-60 * minute);
    at.pass(minute);
    ends("ok");
    assert.equal(at.said(), ["firing C a", "resolved C a"]);
  });

  test("a device's clock is put on, and put back: what it sees fires once and is over once", async (scope) => {
    const at = await started(scope, { when: "m.v > 5 for 30ms" });
    const device = at.put("rpi-7", {});
    const sends = (from: number, values: readonly number[]): void => {
      at.alerts.observe(device, [columns(from, values)]);
      at.alerts.flush();
      at.clock.advance(100);
    };
    sends(begin, [1, 9, 9]);
    // By more than nobody knows what was between: the time begins anew.
    sends(begin + 60 * minute, [9, 9, 9, 9, 9]);
    assert.equal(at.said(), ["firing R rpi-7"]);
    sends(begin + 200, [9, 9]);
    sends(begin + 300, [9, 1, 1]);
    assert.equal(at.said(), ["firing R rpi-7", "resolved R rpi-7"]);
    sends(begin + 400, [1, 1]);
    assert.is(at.told.length, 2);
    const [alert] = [...at.alerts.over()];
    assert.ok(alert && (alert.resolved ?? 0) >= alert.fired);
  });

  test("a link that flaps, and two machines that take turns: told some times, then as one until it is well", async (scope) => {
    const at = await started(
      scope,
      { name: "Offline", when: "state = offline" },
      { name: "Clone", when: "clone = true" },
      { name: "Each", when: "state = offline", each: true },
    );
    const times = 3 * maxToldFlaps;
    at.put("a", { online: true, boot: "b1" });
    at.pass(minute);
    for (let time = 0; time < times; time += 1) {
      at.put("a", { online: false, problem: "two machines use this id" });
      at.pass(minute);
      at.put("a", { online: true, problem: null });
      at.pass(minute);
    }
    const of = (rule: string) => at.told.filter((one) => one.rule === rule).map(({ kind }) => kind);
    assert.equal(of("Offline").length, 2 * maxToldFlaps + 1, "once more for all that follow");
    assert.is(of("Each").length, 2 * times);
    assert.equal([of("Offline").at(-1), at.told.at(-1)?.device], ["firing", "a"]);
    assert.is([...at.alerts.over()].filter(({ rule }) => rule === "Offline").length, times, "each stands in the list");
    at.pass(flapQuiet - 2 * minute);
    assert.is(of("Offline").at(-1), "firing");
    at.pass(5 * minute);
    assert.is(of("Offline").at(-1), "resolved");
    assert.is(at.alerts.book.open().length, 0);
  });

  test("who is behind a gateway that is away is told with it, and by himself where he stays away", async (scope) => {
    const at = await started(scope, { name: "S", when: "silent > 10m" });
    at.put("gw", { online: true, lastSeen: begin });
    at.put("other", { online: true, lastSeen: begin });
    at.put("sensor-1", { tags: ["attic", "via:gw"], lastSeen: begin });
    at.put("sensor-2", { facts: { via: "gw" }, lastSeen: begin });
    const all = ["gw", "other", "sensor-1", "sensor-2"];
    at.pass(minute, ...all);
    at.put("gw", { online: false, lastSeen: at.clock.now() + minute });
    at.pass(11 * minute, "other");
    assert.equal(at.said(), [], "those behind it are due, and it is not so far");
    at.pass(2 * minute, "other");
    assert.equal(at.said(), ["firing S gw"]);
    const open = () => new Map(at.alerts.book.open().map((alert) => [alert.device, alert]));
    assert.equal(
      ["sensor-1", "sensor-2"].map((name) => [open().get(name)?.told, open().get(name)?.parent]),
      [1, 2].map(() => ["folded", open().get("gw")?.id]),
    );
    at.put("gw", { online: true });
    at.pass(minute, "gw", "other");
    at.pass(minute, "gw", "other", "sensor-1");
    assert.equal(at.said(), ["firing S gw", "resolved S gw"], "they come back behind it");
    at.pass(gatewayAwaited, "gw", "other", "sensor-1");
    at.pass(minute, "gw", "other", "sensor-1");
    assert.equal(at.said().slice(2), ["firing S sensor-2"]);
    at.pass(minute, ...all);
    assert.equal(at.said().slice(3), ["resolved S sensor-2"]);
    // Of one that is there it stands for himself.
    at.pass(13 * minute, "gw", "other", "sensor-2");
    assert.equal(at.said().slice(4), ["firing S sensor-1"]);
  });

  test("of devices that say that they are behind each other, one is told, and the others with it", async (scope) => {
    const at = await started(scope, { name: "S", when: "silent > 10m" });
    at.put("gw", { online: true, facts: { via: "radio" } });
    at.put("radio", { online: true, facts: { via: "sensor" } });
    at.put("sensor", { online: true, tags: ["via:gw"] });
    at.pass(minute, "gw", "radio", "sensor", "other");
    for (const name of ["gw", "radio", "sensor"]) at.put(name, { online: false });
    at.pass(60 * minute, "other");
    assert.is(at.said().length, 1, at.said().join());
    const open = at.alerts.book.open();
    assert.equal(open.map(({ told }) => told).sort(), ["folded", "folded", "yes"]);
    at.pass(2 * minute, "other", "gw", "radio", "sensor");
    assert.is(at.said().length, 2);
  });

  test("who is behind a gateway that is heard stands for himself, whatever else is the matter with that one", async (scope) => {
    const at = await started(
      scope,
      { name: "S", when: "silent > 10m" },
      { name: "There", when: "online = true", severity: "info" },
    );
    at.put("gw", { online: true, lastSeen: begin });
    at.put("sensor", { online: true, tags: ["via:gw"], lastSeen: begin });
    at.pass(minute, "gw", "sensor");
    at.put("sensor", { online: false });
    at.pass(15 * minute, "gw");
    assert.ok(at.said().includes("firing S sensor"), at.said().join());
  });

  test("a command's key is none of the marks of alerts that stand for others", async (scope) => {
    const at = await started(scope, { name: "C", when: "command = failed" });
    at.put(rpi, { lastSeen: begin });
    const fail = (key: string): void => {
      const { alerts, clock } = at;
      const ended = {
        device: rpi,
        id: key,
        key,
        state: "failed",
        ts: clock.now(),
        ended: clock.now(),
        args: {},
        by: "ann",
      };
      alerts.commandChanged(ended as unknown as Command);
      at.pass(minute);
    };
    for (const key of ["again:x", "many:x", "x"]) fail(key);
    at.alerts.book.forget(parseDeviceId("nobody"));
    at.pass(minute);
    assert.equal(
      at.alerts.book
        .open()
        .map(({ series, told }) => [series, told])
        .sort(),
      ["again:x", "many:x", "x"].map((key) => [key, "yes"]),
    );
  });

  test("a forecast goes on over a restart, and where other rules are applied", async (scope) => {
    const database = await openAlertDisk(scope);
    const rule = { name: "F", when: "forecast(m.v, 3d) > 100" };
    let at = openAlerts(database);
    let sent = 0;
    const minutes = (count: number, slope: number): void => {
      for (let turn = 0; turn < count; turn += 1, sent += 1)
        at.alerts.observe(rpi, [columns(begin + sent * minute, [50 + Math.max(0, sent - 120) * slope])]);
      at.alerts.flush();
    };
    at.alerts.start();
    at.rules(rule);
    minutes(120, 0);
    at.rules(rule, { name: "Other", when: "x.y > 1" });
    await at.alerts.stop();
    at = openAlerts(database);
    at.alerts.start();
    scope.cleanup(() => at.alerts.stop());
    minutes(35, 0.5);
    assert.equal(
      at.told.map(({ kind, rule: name }) => `${kind} ${name}`),
      ["firing F"],
      "and not an hour later",
    );
  });

  test("a command and a job that ended as the console was killed are looked at by the next one, once", async (scope) => {
    const database = await openAlertDisk(scope);
    const rules = [
      { name: "C", when: "command = failed" },
      { name: "J", when: "job = aborted" },
    ];
    const command = (key: string, state: string, ended: number) =>
      ({ device: rpi, key, state, ended, ts: ended - 5 }) as unknown as Command;
    const commands = [command("old", "failed", begin - minute)];
    const jobs = [{ id: "j1", ts: begin, key: "update", state: "aborted", ended: begin + 3_000 }];
    const endings = { commands: () => commands.toReversed(), jobs: () => jobs };
    const run = (): ReturnType<typeof openAlerts> => {
      const at = openAlerts(database, new ManualClock(begin + 10_000));
      at.alerts.start();
      at.rules(...rules);
      at.alerts.catchUp(endings);
      at.alerts.flush();
      return at;
    };
    const said = (at: ReturnType<typeof openAlerts>) => at.told.map(({ kind, title }) => `${kind} ${title}`).sort();
    let at = openAlerts(database);
    at.alerts.start();
    at.rules(...rules);
    at.alerts.catchUp({ commands: () => commands, jobs: () => [] });
    const seen = command("seen", "failed", begin + 1_000);
    commands.push(seen);
    at.alerts.commandChanged(seen);
    at.alerts.flush();
    assert.equal(said(at), ["firing C: rpi-7 seen"], "what ended before there was a mark is none of it");
    // Killed: their rows were written, and nothing of their alerts.
    commands.push(command("update", "failed", begin + 2_000), command("seen", "succeeded", begin + 4_000));
    at = run();
    assert.equal(said(at), ["firing C: rpi-7 update", "firing J: j1", "resolved C: rpi-7 seen"]);
    at = run();
    assert.equal(said(at), []);
    await at.alerts.stop();
  });

  test("what stood for many is over where all of them were removed, also by a console that was killed between", async (scope) => {
    const at = await started(scope, { name: "S", when: "silent > 10m" });
    const names = Array.from({ length: foldAtLeast }, (_, place) => `d-${place}`);
    for (const name of names) at.put(name, { lastSeen: begin });
    at.pass(12 * minute);
    assert.equal(at.said(), ["firing S -"]);
    for (const name of names) {
      const id = parseDeviceId(name);
      at.devices.delete(id);
      at.alerts.forget(id);
      at.alerts.erase(id);
    }
    at.alerts.flush();
    assert.equal(at.said(), ["firing S -", "resolved S -"]);
    assert.is(at.alerts.book.open().length, 0);
  });
});
