import * as assert from "uvu/assert";
import { Broker } from "../../broker/broker.ts";
import { ManualClock, systemClock } from "#shared/clock";
import { payloadCap } from "#shared/codec";
import { parseCommandId, parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Reply } from "#shared/messages/command-messages";
import { Topics } from "#shared/topics";
import { suite, type Scope } from "../../test/suite.ts";
import { newEntry, toDevice } from "../devices/device.ts";
import { openState } from "../state/state.ts";
import { promptChanges, quietUpdate } from "./command-book.ts";
import { changed, maxEventLength, maxEvents, type Command } from "./command.ts";
import { Desk } from "./desk.ts";
import { CommandRefusedError } from "./command-errors.ts";
import { maxOpen, maxOpenOfDevice, type Order } from "./order.ts";
import { maxEchoes, Tasks } from "./tasks.ts";

const device = parseDeviceId("rpi-7");
const order: Order = { key: "ping", by: "test", timeout: null, ttl: 3_600_000 };

async function office(scope: Scope) {
  const limits = { listen: "127.0.0.1", port: 0, root: "muster", clock: systemClock, log: silentLog };
  const broker = new Broker({ ...limits, authenticate: async () => undefined });
  await broker.start();
  scope.cleanup(() => broker.stop());
  const clock = new ManualClock();
  const state = openState(await scope.directory(), clock);
  scope.cleanup(() => state.close());
  const desk = new Desk({
    database: state.database,
    bus: broker.local(),
    topics: new Topics(),
    clock,
    log: silentLog,
    device: (id) => ({ ...toDevice(newEntry(id)), online: true }),
  });
  let told = 0;
  desk.changes.on(() => (told += 1));
  desk.start();
  scope.cleanup(() => desk.stop());
  const reply = (command: Command, more: object): void =>
    desk.reply(command.device, command.id, { id: command.id, ts: 1, ...more } as unknown as Reply);
  /** The row as a restart would find it, and its size. */
  const row = ({ id }: Command) => {
    const { document } = state.database.prepare("SELECT document FROM commands WHERE id = ?").get(id) as {
      document: string;
    };
    return { stored: JSON.parse(document) as Command, bytes: document.length };
  };
  const writes = (): number => (state.database.prepare("SELECT total_changes() AS n").get() as { n: number }).n;
  return { desk, clock, reply, row, writes, told: () => told };
}

const refusal = (act: () => unknown): CommandRefusedError => {
  try {
    act();
  } catch (error) {
    if (error instanceof CommandRefusedError) return error;
    throw error;
  }
  throw new Error("it should be refused");
};

suite("bounds of commands", ({ test }) => {
  test("a device that never stops telling costs a bounded row, and a few writings", async (scope) => {
    const { desk, clock, reply, row, writes, told } = await office(scope);
    const command = desk.submit(device, order);
    const before = writes();
    for (let at = 0; at < 5_000; at += 1) {
      const state = at % 2 ? "running" : "accepted";
      reply(command, { state, note: `${at}${"n".repeat(1_900)}`, ...(at % 2 ? { output: "o".repeat(2_000) } : {}) });
    }
    assert.ok(writes() - before <= promptChanges + 2, `${writes() - before} writings`);
    assert.ok(told() <= promptChanges + 4);
    const known = desk.find(device, command.id);
    assert.match(known?.note ?? "", /^4999n/, "what is known is the newest all the same");
    clock.advance(quietUpdate);
    assert.match(row(command).stored.note ?? "", /^4999n/);
    assert.equal(
      known?.timeline.filter(({ who }) => who === "device").map(({ what }) => what),
      ["received, waits behind earlier commands", "begun"],
      "what was begun does not wait again",
    );
    assert.ok(row(command).bytes < 90_000, `${row(command).bytes} characters`);
    reply(command, { state: "succeeded" });
    assert.is(row(command).stored.state, "succeeded", "the end does not wait");
  });

  test("news of a closed command are kept within the same bounds", async (scope) => {
    const { desk, clock, reply, row, writes } = await office(scope);
    const command = desk.submit(device, order);
    desk.cancel(device, command.id, "ann");
    const before = writes();
    for (let at = 0; at < 2_000; at += 1) reply(command, { state: "running", note: `${at} ${"n".repeat(1_900)}` });
    for (let at = 0; at < 2_000; at += 1)
      reply(command, { state: "failed", error: { code: "x", message: `${at} ${"m".repeat(1_900)}` } });
    clock.advance(quietUpdate);
    assert.ok(writes() - before <= 5, `${writes() - before} writings`);
    const { stored, bytes } = row(command);
    assert.ok(bytes < 30_000, `${bytes} characters`);
    assert.is(stored.timeline.length, maxEvents);
    assert.is(stored.late?.length, 1);
    assert.match(stored.note ?? "", /^1999 /);
  });

  test("what waits to be written is written when the console stops", async (scope) => {
    const { desk, reply, row } = await office(scope);
    const command = desk.submit(device, order);
    for (const progress of [0, 0.1, 0.2, 0.3]) reply(command, { state: "running", progress });
    assert.is(row(command).stored.progress, 0.1);
    desk.stop();
    assert.is(row(command).stored.progress, 0.3);
  });

  test("a timeline keeps its beginning and its end, and counts what is between", () => {
    const empty = { timeline: [] } as unknown as Command;
    const add = (command: Command, ts: number): Command => changed(command, {}, { ts, who: "device", what: `${ts}` });
    const full = Array.from({ length: maxEvents }, (_, ts) => ts).reduce(add, empty);
    assert.equal(
      full.timeline.map(({ ts }) => ts),
      Array.from({ length: maxEvents }, (_, ts) => ts),
    );
    const one = add(full, maxEvents);
    assert.equal(
      one.timeline.filter(({ more }) => more).map(({ what }) => what),
      ["2 events more, which are not kept"],
    );
    const many = Array.from({ length: 960 }, (_, at) => maxEvents + 1 + at).reduce(add, one);
    assert.is(many.timeline.length, maxEvents);
    assert.is(many.timeline[0]?.ts, 0);
    assert.is(many.timeline.at(-1)?.ts, 1_000);
    assert.is(many.timeline.find(({ more }) => more)?.more, 1_001 - (maxEvents - 1));
    const long = changed(empty, {}, { ts: 1, who: "device", what: "w".repeat(maxEventLength + 1) });
    assert.is(long.timeline[0]?.what.length, maxEventLength);
  });

  test("so many commands may be open on a device, and no more; an ended one makes room", async (scope) => {
    const { desk, reply } = await office(scope);
    const first = desk.submit(device, order);
    for (let at = 1; at < maxOpenOfDevice; at += 1) desk.submit(device, order);
    const { reason, message } = refusal(() => desk.submit(device, order));
    assert.is(reason, "too-many");
    assert.is(message, "1000 commands of rpi-7 are open already: withdraw some, or wait for their end");
    desk.submit(parseDeviceId("rpi-8"), order);
    reply(first, { state: "succeeded" });
    desk.submit(device, order);
  });

  test("so many may be open in all", async (scope) => {
    const { desk } = await office(scope);
    const names = Array.from({ length: maxOpen / maxOpenOfDevice }, (_, at): DeviceId => parseDeviceId(`d${at}`));
    for (const name of names) for (let at = 0; at < maxOpenOfDevice; at += 1) desk.submit(name, order);
    assert.match(
      refusal(() => desk.submit(device, order)).message,
      new RegExp(`^${maxOpen} commands are open already`),
    );
  });

  test("what is larger than a device takes is not sent", async (scope) => {
    const { desk } = await office(scope);
    const ofSize = (size: number): Order => ({ ...order, args: { text: "x".repeat(size) } });
    desk.submit(device, ofSize(payloadCap - 300));
    assert.match(refusal(() => desk.submit(device, ofSize(payloadCap))).message, /bytes: expected 32768 at most/);
    assert.is(desk.list({}).length, 1);
  });

  test("own withdrawals are remembered until they come back, a bounded number of them", () => {
    const bus = {
      connected: true,
      publish: async () => {},
      subscribe: () => async () => {},
      onConnection: () => () => {},
    };
    const tasks = new Tasks({ bus, topics: new Topics(), log: silentLog });
    const name = (at: number) => ({ device, id: parseCommandId(`c${at}`) });
    for (let at = 0; at <= maxEchoes; at += 1) tasks.withdraw(name(at));
    assert.is(tasks.isEcho(name(0)), false, "forgotten");
    assert.is(tasks.isEcho(name(1)), true);
    assert.is(tasks.isEcho(name(1)), false, "once");
    assert.is(tasks.isEcho(name(maxEchoes)), true);
  });
});
