import { join } from "node:path";
import * as assert from "uvu/assert";
import { Broker } from "../../broker/broker.ts";
import type { Bus, Message } from "#shared/bus";
import { ManualClock, systemClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDeviceId, type CommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readReply, type Reply } from "#shared/messages/command-messages";
import { Topics } from "#shared/topics";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { retryAfter } from "../database/persist.ts";
import { migrations } from "../database/schema.ts";
import type { Device } from "../devices/device.ts";
import { openState } from "../state/state.ts";
import type { Command } from "./command.ts";
import { crossing } from "./device-replies.ts";
import { Desk } from "./desk.ts";
import { CommandFailedError, CommandRefusedError, CommandTimeoutError } from "./command-errors.ts";
import { explainCommand } from "./explain-command.ts";
import type { Order } from "./order.ts";
import { repeating } from "./repeats.ts";

const id = parseDeviceId("rpi-7");
const topics = new Topics();
const seconds = {
  type: "object",
  properties: { seconds: { type: "number", minimum: 1, maximum: 60 } },
  required: ["seconds"],
};

const online: Device = {
  id,
  online: true,
  since: 0,
  lastSeen: 0,
  reason: null,
  boot: "b",
  session: "s",
  agent: "1",
  interval: 1_000,
  paused: false,
  facts: {},
  commands: { ping: {}, "set-interval": { args: seconds } },
  problem: null,
  skew: null,
};

/** One whose wall can be wrong. */
class SteppingClock extends ManualClock {
  wrongBy = 0;

  override now(): number {
    return super.now() + this.wrongBy;
  }
}

/** A desk on a real broker with a clock that the test moves; the device is played by the test. */
async function office(scope: Scope, directory?: string, clock = new ManualClock(), doubt = { current: false }) {
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: async () => undefined,
    clock: systemClock,
    log: silentLog,
  });
  await broker.start();
  scope.cleanup(() => broker.stop());
  const bus = broker.local();
  const where = directory ?? (await scope.directory());
  const state = openState(where, clock);
  scope.cleanup(() => state.close());
  const device = { current: online as Device | undefined };
  const desk = new Desk({
    database: state.database,
    bus,
    topics,
    clock,
    log: silentLog,
    timely: () => !doubt.current,
    unsure: () => doubt.current,
    device: (one) => (one === id ? device.current : undefined),
  });
  const seen: Message[] = [];
  bus.subscribe([topics.filter("task")], (message) => void seen.push(message));
  desk.start();
  scope.cleanup(() => desk.stop());
  return {
    desk,
    clock,
    bus,
    device,
    directory: where,
    tasks: () => seen.filter(({ payload }) => payload.length > 0),
    withdrawals: () => seen.filter(({ payload }) => payload.length === 0),
    retained: () => retainedTasks(bus),
  };
}

/** The tasks that a newcomer gets: the retained ones. */
async function retainedTasks(bus: Bus): Promise<string[]> {
  const found: string[] = [];
  bus.subscribe([topics.filter("task")], ({ topic, payload }) => void (payload.length > 0 && found.push(topic)));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return found;
}

const ping: Order = { key: "ping", by: "test", timeout: 5_000 };
const queued: Order = { ...ping, timeout: null, ttl: 60_000 };
const answer = (command: Command, outcome: Partial<Reply> & Pick<Reply, "state">): Reply =>
  ({ id: command.id, ts: 1, ...outcome }) as Reply;

suite("desk", ({ test }) => {
  test("a row is written, the task retained, the final reply closes and withdraws it", async (scope) => {
    const { desk, tasks, retained, withdrawals } = await office(scope);
    const command = desk.submit(id, ping);
    await eventually("the task", () => tasks().length === 1);
    assert.equal(await retained(), [topics.build({ kind: "task", device: id, id: command.id })]);
    const done = desk.wait(command, 5_000);
    desk.reply(id, command.id, answer(command, { state: "succeeded", result: { pong: true } }));
    const document = await done;
    assert.is(document.state, "succeeded");
    assert.equal(document.result, { pong: true });
    await eventually("the withdrawal", () => withdrawals().length === 1);
    assert.equal(await retained(), []);
    assert.equal(desk.withId(command.id)[0], document);
  });

  test("a result with the hash of a secret is told to the console, and is in no command, also where it comes late", async (scope) => {
    const { desk, device } = await office(scope);
    device.current = { ...online, commands: { "rotate-secret": {} } };
    const told: unknown[] = [];
    desk.withheld.on(({ command, result }) => told.push(command.id, result));
    const command = desk.submit(id, { ...ping, key: "rotate-secret" });
    const done = desk.wait(command, 5_000);
    const succeeded = answer(command, { state: "succeeded", result: { hash: "$7$" } });
    desk.reply(id, command.id, succeeded);
    assert.not.match(JSON.stringify([await done, desk.list({})]), /\$7\$/);
    assert.equal(told, [command.id, { hash: "$7$" }]);
    const late = desk.submit(id, { ...ping, key: "rotate-secret" });
    desk.cancel(id, late.id, "ana");
    desk.reply(id, late.id, { ...succeeded, id: late.id });
    assert.is(desk.find(id, late.id)?.late?.length, 1);
    assert.not.match(JSON.stringify(desk.list({})), /\$7\$/);
  });

  test("a reply of a device without a clock is as old as its arrival", async (scope) => {
    const { desk, clock } = await office(scope);
    const command = desk.submit(id, { key: "ping", by: "ann", timeout: 5_000 });
    clock.advance(700);
    const { value } = readReply(Buffer.from(JSON.stringify({ id: command.id, state: "succeeded" })));
    desk.reply(id, command.id, value);
    const event = desk.find(id, command.id)?.timeline.find(({ who }) => who === "device");
    assert.equal(event, { ts: command.ts + 700, who: "device", what: "succeeded" });
  });

  test("of an earlier run a call whose caller's time is over is not shown again, and ends; one whose caller may ask for it is", async (scope) => {
    const directory = await scope.directory();
    const before = await office(scope, directory);
    const over = before.desk.submit(id, { ...ping, timeout: 5_000 });
    const young = before.desk.submit(id, { ...ping, timeout: 60_000 });
    const waits = before.desk.submit(id, queued);
    before.desk.stop();
    const clock = new ManualClock(before.clock.now() + 5_000);
    const { desk, tasks, withdrawals } = await office(scope, directory, clock);
    const names = (): (string | undefined)[] => tasks().map(({ topic }) => topic.split("/").at(-1));
    await eventually("the images", () => tasks().length >= 2);
    assert.equal(names(), [young.id, waits.id]);
    clock.advance(3_000);
    await eventually("its withdrawal", () => withdrawals().some(({ topic }) => topic.endsWith(over.id)));
    const ended = desk.find(id, over.id);
    assert.is(ended?.state, "timed_out");
    assert.match(ended?.error?.message ?? "", /who called went with an earlier run of the console/);
    assert.equal(names(), [young.id, waits.id]);
    assert.ok(desk.find(id, young.id)?.state === "queued");
  });

  test("what nobody may begin any more is shown once its device says that it has begun it, and from then on", async (scope) => {
    const directory = await scope.directory();
    const before = await office(scope, directory);
    const [begun, other] = [before.desk.submit(id, queued), before.desk.submit(id, queued)];
    before.desk.stop();
    const clock = new ManualClock(before.clock.now() + 60_000);
    const second = await office(scope, directory, clock);
    const shown = (at: Pick<typeof second, "tasks">): (string | undefined)[] =>
      at.tasks().map(({ topic }) => topic.split("/").at(-1));
    const told: string[][] = [];
    second.desk.show(id, "s1", (open, running) => void told.push([...open], [...running]));
    await eventually("the greeting", () => told.length > 0);
    assert.equal([told, shown(second)], [[[begun.id, other.id], []], []]);
    for (const _ of [1, 2]) second.desk.reply(id, begun.id, answer(begun, { state: "running" }));
    await eventually("its task", () => second.tasks().length > 0);
    second.desk.stop();
    const third = await office(scope, directory, clock);
    await eventually("its task again", () => third.tasks().length > 0);
    assert.equal([shown(second), shown(third)], [[begun.id], [begun.id]]);
  });

  test("what is taken by a clock in doubt says no moment, and keeps the time that it was given when the clock is right", async (scope) => {
    const wrong = 8 * 86_400_000;
    const doubt = { current: true };
    const clock = new SteppingClock();
    const began = clock.now();
    clock.wrongBy = wrong;
    const { desk, tasks } = await office(scope, undefined, clock, doubt);
    const [waits, call] = [desk.submit(id, queued), desk.submit(id, ping)];
    const typed = desk.submit(id, { ...queued, expires: began + 60_000 });
    const told = (): unknown[] =>
      tasks().map(({ payload }) => (JSON.parse(payload.toString()) as { expires?: number }).expires);
    await eventually("the images", () => tasks().length >= 3);
    assert.equal(told(), [undefined, undefined, began + 60_000]);
    clock.advance(2_000);
    clock.wrongBy = 0;
    doubt.current = false;
    desk.clockChanged();
    await eventually("the images again", () => tasks().length >= 5);
    assert.equal(told().slice(3), [began + 60_000, began + 5_000]);
    clock.advance(2_999 + 1_000 + 1_000);
    assert.is(desk.find(id, call.id)?.state, "queued");
    clock.advance(1);
    assert.is(desk.find(id, call.id)?.state, "timed_out");
    clock.advance(60_000);
    assert.equal(
      [waits, typed].map((one) => desk.find(id, one.id)?.state),
      ["expired", "expired"],
    );
  });

  test("what an earlier run has taken by a clock in doubt is moved to the clock of this one", async (scope) => {
    const directory = await scope.directory();
    const ahead = new ManualClock(Date.UTC(2036, 0, 1));
    const before = await office(scope, directory, ahead, { current: true });
    const { id: name } = before.desk.submit(id, queued);
    before.desk.stop();
    const clock = new ManualClock();
    const { desk, tasks } = await office(scope, directory, clock);
    await eventually("its image", () => tasks().length > 0);
    const { ts, expires, unsure } = desk.find(id, name)!;
    assert.equal({ ts, expires, unsure }, { ts: clock.now(), expires: clock.now() + 60_000, unsure: undefined });
  });

  test("nothing is shown or told before it is on the disk, and a command closed by then is never shown", async (scope) => {
    const { desk, tasks, withdrawals } = await office(scope);
    const [shown, never] = [desk.submit(id, ping), desk.submit(id, queued)];
    assert.is(tasks().length, 0);
    desk.cancel(id, never.id, "ann");
    assert.is(await desk.kept(shown), true);
    await eventually("its task", () => tasks().length > 0);
    const done = desk.wait(shown, 5_000);
    desk.reply(id, shown.id, answer(shown, { state: "succeeded" }));
    assert.equal(
      [desk.find(id, shown.id)?.state, withdrawals().some(({ topic }) => topic.endsWith(shown.id))],
      ["succeeded", false],
    );
    assert.is((await done).state, "succeeded");
    await eventually("both withdrawals", () => withdrawals().length === 2);
    assert.equal(
      tasks().map(({ topic }) => topic.split("/").at(-1)),
      [shown.id],
    );
  });

  test("a call times out on the monotonic clock, is withdrawn, and its late answer is kept and harmless", async (scope) => {
    const { desk, clock, withdrawals } = await office(scope);
    const command = desk.submit(id, ping);
    const done = desk.wait(command, 5_000);
    clock.setWall(clock.now() + 3_600_000);
    clock.advance(4_999);
    assert.is(desk.withId(command.id)[0]?.state, "queued");
    clock.advance(1);
    const error = await done.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.instance(error, CommandTimeoutError);
    assert.is((error as CommandTimeoutError).details.command.state, "timed_out");
    assert.is((error as CommandTimeoutError).details.command.key, "ping");
    clock.advance(700);
    desk.reply(id, command.id, answer(command, { state: "succeeded", result: 1 }));
    desk.reply(id, command.id, answer(command, { state: "succeeded", result: 1 }));
    const late = desk.withId(command.id)[0];
    assert.is(late?.state, "timed_out");
    assert.equal(
      late?.late?.map(({ lateBy, state, result }) => ({ lateBy, state, result })),
      [{ lateBy: 700, state: "succeeded", result: 1 }],
    );
    assert.match(explainCommand(late!, online), /came 700 ms late and was kept/);
    await eventually("a withdrawal for each answer", () => withdrawals().length >= 3);
  });

  /** As another process does: while it is held no row is written. */
  function lock(scope: Scope, directory: string): () => void {
    const other = openDatabase(join(directory, "muster.db"), migrations);
    scope.cleanup(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    return () => other.exec("ROLLBACK");
  }

  test("a late answer that comes before the disk has taken the end is kept, before its device is told", async (scope) => {
    const { desk, clock, tasks, withdrawals, directory } = await office(scope);
    const command = desk.submit(id, ping);
    desk.wait(command, 5_000).catch(() => {});
    await eventually("the task", () => tasks().length === 1);
    const unlock = lock(scope, directory);
    clock.advance(5_000);
    assert.is(desk.find(id, command.id)?.state, "timed_out");
    desk.reply(id, command.id, answer(command, { state: "succeeded", result: 1 }));
    assert.is(withdrawals().length, 0);
    unlock();
    clock.advance(retryAfter);
    await eventually("the withdrawal", () => withdrawals().length > 0);
    const [row] = desk.list({ device: id });
    assert.equal([row?.state, row?.late?.map(({ state }) => state)], ["timed_out", ["succeeded"]]);
  });

  for (const [after, kept] of [
    [crossing, ["succeeded"]],
    [crossing + 1, undefined],
  ] as const)
    test(`a late answer to a disk that takes nothing, ${after} ms after the end: ${kept ? "kept" : "said again"}`, async (scope) => {
      const { desk, clock, tasks, withdrawals, directory } = await office(scope);
      const command = desk.submit(id, ping);
      desk.wait(command, 5_000).catch(() => {});
      const other = desk.submit(id, { ...queued, ttl: 3_600_000 });
      await eventually("the tasks", () => tasks().length === 2);
      clock.advance(5_000);
      await eventually("the withdrawal", () => withdrawals().length === 1);
      clock.advance(after);
      const unlock = lock(scope, directory);
      desk.reply(id, other.id, answer(other, { state: "accepted" }));
      desk.reply(id, command.id, answer(command, { state: "succeeded", result: 1 }));
      unlock();
      clock.advance(retryAfter);
      await eventually("the rows", () => desk.list({ device: id }).some(({ state }) => state === "accepted"));
      const row = desk.list({ device: id }).find((one) => one.id === command.id);
      assert.equal(
        row?.late?.map(({ state }) => state),
        kept,
      );
    });

  test("a caller of a queued task gives up alone; the task goes on until it expires", async (scope) => {
    const { desk, clock, device } = await office(scope);
    device.current = { ...online, online: false, reason: "connection lost" };
    const command = desk.submit(id, { ...queued, timeout: 1_000 });
    const done = desk.wait(command, 1_000).catch((error: unknown) => error);
    clock.advance(1_000);
    assert.instance(await done, CommandTimeoutError);
    assert.is(desk.withId(command.id)[0]?.state, "queued");
    assert.match(explainCommand(command, device.current), /waiting for rpi-7, offline.*connection lost.*expires/);
    const publisher = { ...online, online: false, boot: null };
    assert.match(
      explainCommand(command, publisher),
      /waiting for rpi-7, which only publishes so far; expires .*agent$/,
    );
    clock.advance(59_000);
    assert.is(desk.withId(command.id)[0]?.state, "expired");
  });

  test("what has begun is not expired", async (scope) => {
    const { desk, clock } = await office(scope);
    const command = desk.submit(id, queued);
    desk.reply(id, command.id, answer(command, { state: "running", progress: 0.5 }));
    clock.advance(120_000);
    assert.is(desk.withId(command.id)[0]?.state, "running");
    assert.is(desk.withId(command.id)[0]?.progress, 0.5);
  });

  test("a failure rejects with the document", async (scope) => {
    const { desk } = await office(scope);
    const command = desk.submit(id, ping);
    const done = desk.wait(command, 5_000).catch((error: unknown) => error);
    desk.reply(
      id,
      command.id,
      answer(command, { state: "failed", error: { code: "error", message: "no disk" } } as never),
    );
    const error = (await done) as CommandFailedError;
    assert.instance(error, CommandFailedError);
    assert.match(error.message, /no disk/);
    assert.is(error.details.command.state, "failed");
  });

  test("what cannot be carried out is refused before anything is written", async (scope) => {
    const { desk, device } = await office(scope);
    const cases: [string, Order, string, RegExp][] = [
      ["rpi-8", ping, "unknown-device", /no device "rpi-8"/],
      ["rpi-7", { ...ping, key: "pong" }, "unknown-key", /offers ping, set-interval/],
      ["rpi-7", { ...ping, key: "__proto__" }, "unknown-key", /does not offer/],
      ["rpi-7", { ...ping, key: "set-interval" }, "bad-arguments", /seconds/],
      ["rpi-7", { ...ping, key: "set-interval", args: { seconds: 99 } }, "bad-arguments", /seconds.*60/],
      ["rpi-7", { ...ping, key: "set-interval", args: { seconds: 5, minutes: 1 } }, "bad-arguments", /minutes/],
    ];
    for (const [where, order, reason, message] of cases) {
      try {
        desk.submit(parseDeviceId(where), order);
        assert.unreachable(message.source);
      } catch (error) {
        assert.instance(error, CommandRefusedError);
        assert.is((error as CommandRefusedError).reason, reason);
        assert.match((error as CommandRefusedError).message, message);
      }
    }
    device.current = { ...online, online: false, reason: "connection lost" };
    assert.throws(
      () => desk.submit(id, ping),
      (error: CommandRefusedError) => error.reason === "offline" && /connection lost/.test(error.message),
    );
    device.current = { ...online, online: false, boot: null, commands: null };
    assert.throws(
      () => desk.submit(id, ping),
      (error: CommandRefusedError) =>
        error.reason === "offline" && /^rpi-7 takes no commands: it only publishes.*--ttl 1h/.test(error.message),
    );
    assert.equal(desk.list({}), []);
  });

  test("a new desk on the same rows publishes the open tasks again and keeps their clocks", async (scope) => {
    const first = await office(scope);
    const { id: one } = first.desk.submit(id, queued);
    const { id: two } = first.desk.submit(id, { ...queued, ttl: 120_000 });
    first.desk.stop();
    const second = await office(scope, first.directory);
    await eventually("both tasks again", () => new Set(second.tasks().map(({ topic }) => topic)).size === 2);
    second.clock.advance(60_000);
    assert.is(
      second.desk.withId(one)[0]?.state,
      "queued",
      "a device that is online has a second to say that it has begun",
    );
    second.clock.advance(1_000);
    assert.is(second.desk.withId(one)[0]?.state, "expired");
    assert.is(second.desk.withId(two)[0]?.state, "queued");
  });

  test("a task that nothing is heard of is published again after 5, 10 … 60 s, and explained", async (scope) => {
    const { desk, tasks, clock, device } = await office(scope);
    const { id: name } = desk.submit(id, { ...queued, ttl: 3_600_000 });
    await eventually("the task", () => tasks().length === 1);
    const told = (): string => explainCommand(desk.find(id, name) as Command, device.current);
    assert.match(told(), /online and has said nothing of it.*sent again after 5, 10.*; nothing to do$/);
    let times = 1;
    for (const wait of [repeating.first, 10_000, 20_000, 40_000, repeating.max, repeating.max]) {
      clock.advance(wait - 1);
      assert.is(tasks().length, times);
      clock.advance(1);
      await eventually("the task again", () => tasks().length === times + 1);
      times += 1;
    }
    assert.match(told(), /\(6 times so far\): if that does not help, look at the agent's log/);
    device.current = { ...online, online: false };
    clock.advance(repeating.max);
    assert.is(tasks().length, times, "a device that is away is shown it when it comes");
    device.current = online;
    desk.reply(id, name, { id: name, ts: 1, state: "accepted" });
    clock.advance(600_000);
    assert.is(tasks().length, times, "it has said that it has it");
    assert.is(new Set(tasks().map(({ payload }) => payload.toString())).size, 1);
  });

  test("a device that connects is shown what is open, and told its ids; the same connection is only told", async (scope) => {
    const { desk, tasks, clock } = await office(scope);
    const call = desk.submit(id, { ...ping, timeout: 1_000 });
    const task = desk.submit(id, queued);
    const cancelled = desk.submit(id, queued);
    desk.cancel(id, cancelled.id, "ann");
    await desk.kept(task);
    await eventually("the tasks", () => tasks().length >= 2);
    const before = tasks().length;
    const greeted = (session: string): Promise<readonly CommandId[]> =>
      new Promise((resolve) => desk.show(id, session, resolve));
    assert.equal(await greeted("one"), [call.id, task.id]);
    await eventually("both again", () => tasks().length === before + 2);
    assert.equal(await greeted("one"), [call.id, task.id]);
    // The call is over, though its end waits for the last word of the device: it is named, for that word, and not shown.
    clock.advance(1_001);
    assert.equal(await greeted("two"), [call.id, task.id]);
    await eventually("one again", () => tasks().length === before + 3);
  });

  test("whoever waits or runs though it is closed is told again that it is withdrawn", async (scope) => {
    const { desk, withdrawals } = await office(scope);
    const { id: name } = desk.submit(id, queued);
    desk.cancel(id, name, "ann");
    await eventually("the withdrawal", () => withdrawals().length === 1);
    desk.reply(id, name, { id: name, ts: 1, state: "accepted" });
    await eventually("the second", () => withdrawals().length === 2);
    desk.reply(id, name, { id: name, ts: 1, state: "running" });
    await eventually("the third", () => withdrawals().length === 3);
    assert.is(desk.find(id, name)?.state, "cancelled");
  });

  test("withdrawn by a person: closed for everybody", async (scope) => {
    const { desk, withdrawals } = await office(scope);
    const command = desk.submit(id, queued);
    assert.is(desk.cancel(id, command.id, "ann")?.state, "cancelled");
    assert.is(desk.cancel(id, command.id, "ann")?.state, "cancelled");
    assert.is(desk.cancel(id, "nothing" as CommandId, "ann"), undefined);
    await eventually("the withdrawal", () => withdrawals().length === 1);
  });

  test("a final reply to nothing we know is withdrawn, so that its agent comes to rest", async (scope) => {
    const { desk, withdrawals, bus } = await office(scope);
    const stray = { id: "stray", ts: 1, state: "succeeded" } as const;
    desk.reply(id, "stray" as CommandId, stray);
    await eventually("the withdrawal", () => withdrawals().some(({ topic }) => topic.endsWith("/stray")));
    await bus.publish(topics.build({ kind: "reply", device: id, id: "stray" as CommandId }), encode(stray, "json"));
  });
});

/**
 * What may happen to a command: a reply of its device (`accepted`, `running`, `succeeded`, `failed`, `cancelled`), `cancel` by a person, or so
 * many ms pass. Its caller waits for 1 s, and a queued task for 60 s, with a moment for what is under way.
 */
const cases: readonly (readonly [
  what: string,
  kind: "call" | "queued",
  words: readonly string[],
  state: Command["state"],
  late: readonly string[],
])[] = [
  ["nothing", "call", [], "queued", []],
  ["it waits on its device", "call", ["accepted"], "accepted", []],
  ["it has begun", "call", ["running"], "running", []],
  ["what has begun waits no more", "call", ["running", "accepted"], "running", []],
  ["its device says how it ended", "call", ["running", "succeeded"], "succeeded", []],
  ["without a word before", "call", ["failed"], "failed", []],
  ["says it again", "call", ["failed", "failed"], "failed", []],
  ["says otherwise afterwards", "call", ["failed", "succeeded"], "failed", ["succeeded"]],
  ["twice", "call", ["failed", "succeeded", "succeeded"], "failed", ["succeeded"]],
  ["its caller's time is over", "call", ["1000"], "timed_out", []],
  ["also while it runs", "call", ["running", "1000"], "timed_out", []],
  ["and a late answer changes nothing", "call", ["1000", "succeeded"], "timed_out", ["succeeded"]],
  ["nor one that it was stopped", "call", ["running", "1000", "cancelled"], "timed_out", ["cancelled"]],
  ["a queued task outlives its caller", "queued", ["1000"], "queued", []],
  ["and ends when nobody may begin it any more", "queued", ["62000"], "expired", []],
  ["also where it waits on its device", "queued", ["accepted", "62000"], "expired", []],
  ["but not what has begun", "queued", ["running", "62000"], "running", []],
  ["begun in time all the same, by a late answer", "queued", ["62000", "succeeded"], "expired", ["succeeded"]],
  ["withdrawn by a person", "queued", ["cancel"], "cancelled", []],
  ["while it runs", "queued", ["running", "cancel", "cancelled"], "cancelled", ["cancelled"]],
  ["it had succeeded before the device heard", "queued", ["cancel", "succeeded"], "cancelled", ["succeeded"]],
  ["too late for a withdrawal", "queued", ["succeeded", "cancel"], "succeeded", []],
];

suite("desk, case by case", ({ test, before }) => {
  let played: Awaited<ReturnType<typeof office>>;
  before(async (scope) => {
    played = await office(scope);
  });

  for (const [what, kind, words, state, late] of cases)
    test(`${kind}: ${what}`, async () => {
      const { desk, clock } = played;
      const command = desk.submit(id, kind === "call" ? { ...ping, timeout: 1_000 } : { ...queued, timeout: 1_000 });
      assert.ok(await desk.kept(command));
      desk.wait(command, 1_000).catch(() => {});
      for (const word of words) {
        if (/^\d+$/.test(word)) clock.advance(Number(word));
        else if (word === "cancel") desk.cancel(id, command.id, "ann");
        else {
          const isWrong = word === "failed" || word === "cancelled";
          const error = isWrong ? { error: { code: word, message: word } } : {};
          desk.reply(id, command.id, answer(command, { state: word as Reply["state"], ...error }));
        }
      }
      const now = desk.find(id, command.id);
      assert.is(now?.state, state);
      assert.equal(
        (now?.late ?? []).map((one) => one.state),
        late,
      );
      assert.is(now?.ended !== undefined, !["queued", "accepted", "running"].includes(state));
      desk.cancel(id, command.id, "the next case");
    });
});
