import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { configurationHash } from "#shared/configuration";
import { parseCommandId, parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Signal } from "#shared/signal";
import { suite, type Scope as Scoped } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { migrations } from "../database/schema.ts";
import type { Command } from "../desk/command.ts";
import { newEntry, toDevice, type Device } from "../devices/device.ts";
import type { Regrouped } from "../devices/groups.ts";
import { Configurations, maxConfiguredGroups, maxRememberedSettings } from "./configurations.ts";
import { Configurator, maxConfiguring, resentAfter } from "./configurator.ts";
import { Configured } from "./configured.ts";
import { everyone, parseScope, scopeText, type Scope } from "./scope.ts";

/** A console's part that brings devices to their settings, with devices and a desk that do as the test says. */
async function place(scope: Scoped, count: number) {
  const database = openDatabase(join(await scope.directory(), "muster.db"), migrations);
  scope.cleanup(() => closeDatabase(database));
  const clock = new ManualClock(1_800_000_000_000);
  const groups = new Map<string, readonly string[]>();
  const devices = new Map<DeviceId, Device>();
  for (let at = 0; at < count; at += 1) {
    const id = parseDeviceId(`d${at}`);
    devices.set(id, { ...toDevice(newEntry(id)), online: true });
  }
  const signals = {
    devices: new Signal<Device>(),
    removals: new Signal<DeviceId>(),
    groups: new Signal<Regrouped>(),
    commands: new Signal<Command>(),
  };
  const sent: Command[] = [];
  const cancelled: string[] = [];
  const desk = {
    changes: signals.commands,
    submit: (device: DeviceId, { key, args = {}, by }: { key: string; args?: Command["args"]; by: string }) => {
      const id = parseCommandId(`c${sent.length}`);
      const command = { id, device, key, args, by, ts: clock.now(), state: "queued" } as unknown as Command;
      sent.push(command);
      signals.commands.emit(command);
      return command;
    },
    find: (_: DeviceId, id: string) => sent.find((one) => one.id === id),
    cancel: (device: DeviceId, id: string) => {
      cancelled.push(`${device} ${id}`);
      end(Number(id.slice(1)), "cancelled");
    },
  };
  const end = (at: number, state: Command["state"], message?: string): void => {
    const error = message === undefined ? {} : { error: { code: "x", message } };
    const command = { ...(sent[at] as Command), state, ...error };
    sent[at] = command;
    signals.commands.emit(command);
  };
  /** A device says something of itself. */
  const says = (id: string, changes: Partial<Device>): void => {
    const device = { ...(devices.get(id as DeviceId) as Device), ...changes };
    devices.set(device.id, device);
    signals.devices.emit(device);
  };
  const configurations = new Configurations(database, (device) => groups.get(device) ?? []);
  const options = {
    configurations,
    configured: new Configured(database),
    desk: desk as never,
    registry: {
      changes: signals.devices,
      removals: signals.removals,
      get: (id: string) => devices.get(id as DeviceId),
      walk: () => devices.values(),
    } as never,
    groups: {
      changes: signals.groups,
      members: (group: string) => [...devices.keys()].filter((id) => groups.get(id)?.includes(group)),
    },
    clock,
    log: silentLog,
  };
  const configurator = new Configurator(options);
  configurator.start();
  const want = (scope: Scope | string, values: Record<string, string>): number => {
    const whose = typeof scope === "string" ? (parseScope(scope) ?? everyone) : scope;
    const { said, done } = configurations.put(whose, { values, by: "ann", ts: clock.now() });
    done();
    clock.advance(0);
    return said.version;
  };
  const stateOf = (id: string): string => configurator.drift(devices.get(id as DeviceId) as Device).state;
  const turn = (): void => clock.advance(0);
  return {
    ...options,
    database,
    devices,
    members: groups,
    signals,
    sent,
    cancelled,
    configurator,
    want,
    stateOf,
    end,
    says,
    turn,
    clock,
  };
}

function named(name: string): Scope {
  return { kind: "group", name };
}

suite("what brings devices to their settings", ({ test }) => {
  test(`${maxConfiguredGroups} groups have settings; of those with none any more the oldest makes room`, async (scope) => {
    const { want, configurations, database } = await place(scope, 1);
    for (let at = 0; at < maxConfiguredGroups; at += 1) want(`group:g${at}`, { interval: "5s" });
    assert.throws(() => want("group:more", { interval: "5s" }), /500 groups have settings/);
    want("device:d0", { interval: "5s" });
    want("group:g7", {});
    want("group:g3", {});
    const newest = want("group:more", { interval: "6s" });
    assert.equal([configurations.of(named("g7")), configurations.history(named("g7")).length], [undefined, 0]);
    assert.equal(configurations.of(named("g3"))?.values, {});
    const read = new Configurations(database, () => []);
    assert.equal([read.list().length, read.newest], [maxConfiguredGroups + 1, newest]);
    assert.is(configurations.newest, newest);
  });

  test(`sends to ${maxConfiguring} devices at once, and to the next whenever one has ended`, async (scope) => {
    const { sent, want, end, turn, stateOf } = await place(scope, maxConfiguring + 2);
    want(everyone, { interval: "5s" });
    assert.is(sent.length, maxConfiguring);
    assert.is(stateOf(`d${maxConfiguring}`), "waiting");
    end(0, "succeeded");
    turn();
    assert.is(sent.length, maxConfiguring + 1);
    assert.is(stateOf("d0"), "waiting", "it has not said so yet");
  });

  test("sends what is newest to who is there, and to others when they come; what is wanted no more is withdrawn", async (scope) => {
    const { sent, cancelled, want, says, turn, stateOf, end } = await place(scope, 1);
    says("d0", { online: false });
    want("device:d0", { interval: "5s" });
    want("device:d0", { interval: "6s" });
    assert.is(sent.length, 0);
    says("d0", { online: true });
    turn();
    assert.equal(
      sent.map(({ args }) => args["settings"]),
      [{ interval: "6s" }],
    );
    assert.is(stateOf("d0"), "sent");
    const version = want("device:d0", { interval: "7s" });
    turn();
    assert.equal(cancelled, ["d0 c0"]);
    assert.equal(sent[1]?.args, { version, settings: { interval: "7s" } });
    end(1, "succeeded");
    says("d0", { config: { version, hash: configurationHash({ interval: "7s" }) } });
    assert.is(stateOf("d0"), "in-step");
  });

  test("sends nothing again that was refused, until it is changed or a person says so", async (scope) => {
    const { sent, want, says, turn, stateOf, end, configurator } = await place(scope, 1);
    want("device:d0", { interval: "5s" });
    end(0, "failed", "no room");
    says("d0", {});
    turn();
    assert.is(stateOf("d0"), "refused");
    assert.is(sent.length, 1);
    configurator.apply("d0" as DeviceId, { by: "bob", from: "cli" });
    assert.is(sent[1]?.by, "bob");
    end(1, "failed", "it did not answer");
    says("d0", { config: { version: 0, hash: configurationHash({}), failed: { version: 1, hash: "x", why: "y" } } });
    assert.is(stateOf("d0"), "rolled-back");
    want("device:d0", { interval: "6s" });
    assert.is(sent.length, 3);
  });

  test("sends no more than once in ten minutes to a device that takes them and says otherwise", async (scope) => {
    const { sent, want, says, turn, end, clock } = await place(scope, 1);
    want("device:d0", { interval: "5s" });
    for (let times = 0; times < 3; times += 1) {
      end(0, "succeeded");
      says("d0", { config: { version: 1, hash: "another" } });
      turn();
    }
    assert.is(sent.length, 1);
    clock.advance(resentAfter);
    says("d0", {});
    turn();
    assert.is(sent.length, 2);
  });

  test("asks a person where only signed commands are taken, none are offered, or it knows nothing of what the device has", async (scope) => {
    const { sent, want, says, stateOf, turn } = await place(scope, 3);
    says("d0", { signers: ["NHUPmL1Z_PyUbaRa"] });
    says("d1", { commands: {} });
    says("d2", { config: { version: 99, hash: "of before a restore" } });
    want(everyone, { interval: "5s" });
    turn();
    assert.equal(["d0", "d1", "d2"].map(stateOf), ["unsigned", "unable", "foreign"]);
    assert.is(sent.length, 0);
  });

  test("what only publishes is no device that settings wait for, until an agent has come", async (scope) => {
    const { sent, want, says, stateOf, configurator, devices, turn } = await place(scope, 2);
    says("d0", { online: false, lastSeen: 1_800_000_000_000 });
    says("d1", { online: false });
    want(everyone, { interval: "5s" });
    assert.equal(["d0", "d1"].map(stateOf), ["unable", "waiting"]);
    assert.match(configurator.drift(devices.get("d0" as DeviceId) as Device).why, /^d0 takes no commands: it only/);
    says("d0", { online: true, boot: "b" });
    turn();
    assert.is(sent.length, 1);
  });

  test("goes on with what an earlier run had on its way, and merges a device's over its groups' over all devices'", async (scope) => {
    const first = await place(scope, 2);
    first.members.set("d0", ["b", "a"]);
    first.want(everyone, { interval: "1s", tags: "x=1", disks: "sd*" });
    first.want("group:a", { interval: "2s", tags: "x=2" });
    first.want("group:b", { interval: "3s" });
    const version = first.want("device:d0", { "log-level": "warn" });
    const { values, from, version: newest } = first.configurations.desired("d0");
    assert.equal(values, { interval: "3s", tags: "x=2", disks: "sd*", "log-level": "warn" });
    assert.equal([from["interval"], from["tags"], newest], ["group:b", "group:a", version]);
    assert.equal(first.configurations.desired("d1").values, { interval: "1s", tags: "x=1", disks: "sd*" });
    first.configurator.stop();
    const again = new Configurator({ ...first, configured: new Configured(first.database) });
    const before = first.sent.length;
    again.start();
    first.turn();
    assert.is(first.sent.length, before);
    again.stop();
    assert.is(new Configurations(first.database, () => []).newest, version);
  });

  test(`remembers ${maxRememberedSettings} changes of each scope`, async (scope) => {
    const { want, configurations } = await place(scope, 0);
    for (let at = 0; at <= maxRememberedSettings; at += 1) want("group:lab", { interval: `${at + 1}s` });
    const history = configurations.history({ kind: "group", name: "lab" });
    assert.is(history.length, maxRememberedSettings);
    assert.equal(history[0]?.values, { interval: `${maxRememberedSettings + 1}s` });
    for (const text of ["default", "group:lab", "device:rpi-7"])
      assert.is(scopeText(parseScope(text) ?? everyone), text);
    for (const text of ["", "all", "group:", "group:a/b", "device:UPPER", "x:y"])
      assert.is(parseScope(text), undefined);
  });
});
