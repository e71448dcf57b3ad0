import * as assert from "uvu/assert";
import type { Bus, ConnectionChange, PublishOptions } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { suite, type Scope } from "../../test/suite.ts";
import { openState, type State } from "../state/state.ts";
import { Answers, maxResponseTopicLength, maxOwedAnswers, maxCorrelationBytes } from "./answers.ts";
import type { Command } from "./command.ts";

const device = parseDeviceId("rpi-7");
const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** Answers on a broker that the test brings up and takes away, and the commands that there are. */
async function office(scope: Scope, state?: State) {
  const kept = state ?? openState(await scope.directory(), new ManualClock());
  if (!state) scope.cleanup(() => kept.close());
  const said: { topic: string; payload: Buffer; data: Buffer | undefined }[] = [];
  const commands = new Map<string, Command>();
  let listener: (change: ConnectionChange) => void = () => {};
  const bus = {
    connected: true as boolean,
    publish: async (topic: string, payload: Buffer, { correlationData: data }: PublishOptions = {}) => {
      if (!bus.connected) throw new DisconnectedError("gone");
      said.push({ topic, payload, data });
    },
    subscribe: () => async () => {},
    onConnection: (one: typeof listener) => {
      (listener = one)({ up: true, session: "s" });
      return () => {};
    },
  } satisfies Bus;
  const answers = new Answers({
    database: kept.database,
    bus,
    topics: new Topics(),
    log: silentLog,
    find: (_, id) => commands.get(id),
    kept: async () => true,
  });
  const command = (name: string, changes: Partial<Command> = {}): Command => {
    const id = parseCommandId(name);
    const one = { id, device, key: "ping", state: "queued", encoding: "json", ...changes } as Command;
    commands.set(id, one);
    return one;
  };
  const connection = (up: boolean): void => {
    bus.connected = up;
    listener(up ? { up, session: "s" } : { up, reason: "gone" });
  };
  return { answers, said, command, connection, state: kept };
}

const asks = (responseTopic: string, correlationData = every) => ({
  topic: "muster/rpi-7/cmd",
  payload: Buffer.from("ping"),
  retain: false,
  responseTopic,
  correlationData,
});
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

suite("answers to response topics", ({ test }) => {
  test("the end goes there once, with the correlation data byte for byte", async (scope) => {
    const { answers, said, command, connection } = await office(scope);
    answers.start();
    answers.owe(command("a"), asks("muster/answers/ann"));
    const closed = command("a", { state: "succeeded", ended: 5, result: { pong: true } });
    answers.ended(closed);
    answers.ended(closed);
    await settled();
    connection(false);
    connection(true);
    await settled();
    assert.is(said.length, 1);
    assert.is(said[0]?.topic, "muster/answers/ann");
    assert.equal(said[0]?.data, every);
    assert.equal(JSON.parse(String(said[0]?.payload)), { id: "a", ts: 5, state: "succeeded", result: { pong: true } });
  });

  test("whatever its end, after a reconnect and after a restart of the console", async (scope) => {
    const before = await office(scope);
    before.answers.start();
    before.answers.owe(before.command("a"), asks("muster/answers/ann"));
    before.answers.owe(before.command("b"), asks("muster/answers/ann"));
    before.connection(false);
    before.answers.ended(before.command("a", { state: "expired", ended: 5 }));
    await settled();
    assert.is(before.said.length, 0);
    const { answers, said, command, connection } = await office(scope, before.state);
    command("a", { state: "expired", ended: 5 });
    command("b");
    answers.start();
    await settled();
    assert.equal(
      said.map(({ payload }) => (JSON.parse(String(payload)) as { state: string }).state),
      ["expired"],
    );
    connection(false);
    answers.ended(command("b", { state: "cancelled", ended: 6 }));
    connection(true);
    await settled();
    assert.is((JSON.parse(String(said[1]?.payload)) as { state: string }).state, "cancelled");
    assert.is(before.state.database.prepare("SELECT COUNT(*) AS n FROM answers").get()?.["n"], 0);
  });

  test("an answer among the device's replies is known as our own when it is heard, and only once", async (scope) => {
    const { answers, said, command } = await office(scope);
    answers.start();
    answers.owe(command("a"), asks("muster/rpi-7/reply/mine"));
    answers.ended(command("a", { state: "succeeded", ended: 5 }));
    await settled();
    const heard = { topic: "muster/rpi-7/reply/mine", payload: Buffer.from(said[0]?.payload ?? "") };
    assert.is(answers.isEcho({ ...heard, payload: Buffer.from("{}") }), false);
    assert.is(answers.isEcho(heard), true);
    assert.is(answers.isEcho(heard), false);
  });

  test("nobody has the console say what a device or the console itself says", async (scope) => {
    const { answers, command } = await office(scope);
    command("open");
    const cases: readonly [string, RegExp | undefined, number?][] = [
      ["muster/answers/ann", undefined],
      ["muster/ann/1/2", undefined],
      ["muster/rpi-7/reply/mine", undefined],
      ["muster/rpi-7/reply/open", /another command/],
      ["muster/rpi-8/reply/mine", /another meaning/],
      ["muster/rpi-8/reply/mine/more", /another meaning/],
      ["muster/rpi-8/cmd", /another meaning/],
      ["muster/rpi-8/cmd/1", /another meaning/],
      ["muster/rpi-7/metrics", /another meaning/],
      ["muster/rpi-7/metrics/room", /another meaning/],
      ["muster/rpi-7/status", /another meaning/],
      ["muster/rpi-7/ack", /another meaning/],
      ["muster/rpi-7/refused", /another meaning/],
      ["muster/console/status", /another meaning/],
      ["muster/console/stats/x", /another meaning/],
      ["elsewhere/ann", /is not below muster/],
      ["muster/+/x", /is not below/],
      ["muster/x/#", /is not below/],
      [`muster/${"x".repeat(maxResponseTopicLength - 7)}`, undefined],
      [`muster/${"x".repeat(maxResponseTopicLength - 6)}`, /longer than/],
      ["muster/answers/ann", undefined, maxCorrelationBytes],
      ["muster/answers/ann", /more than 1024 bytes/, maxCorrelationBytes + 1],
    ];
    for (const [topic, expected, bytes = 0] of cases) {
      const why = answers.objection(device, asks(topic, Buffer.alloc(bytes)));
      if (expected) assert.match(why ?? "", expected, topic.slice(0, 40));
      else assert.is(why, undefined, topic.slice(0, 40));
    }
  });

  test("so many are owed at once", async (scope) => {
    const { answers, command } = await office(scope);
    for (let n = 0; n < maxOwedAnswers - 1; n++) answers.owe(command(`c${n}`), asks("muster/answers/ann"));
    assert.is(answers.objection(device, asks("muster/answers/ann")), undefined);
    answers.owe(command("last"), asks("muster/answers/ann"));
    assert.match(answers.objection(device, asks("muster/answers/ann")) ?? "", /10000 answers are owed/);
  });
});
