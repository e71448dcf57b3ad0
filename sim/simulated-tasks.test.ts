import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { parseCommandId } from "#shared/ids";
import { readReply, type Reply } from "#shared/messages/command-messages";
import { suite } from "../test/suite.ts";
import type { Commanded } from "./simulated-commands.ts";
import { SimulatedTasks } from "./simulated-tasks.ts";

/** The tasks of a device that writes down what is done and said. */
function tasks({ greeted = true, consoleNow = 1_000 } = {}) {
  const done: string[] = [];
  const said: Reply[] = [];
  const device: Commanded = {
    boot: "b",
    facts: {},
    waiting: 0,
    interval: 10_000,
    paused: false,
    setInterval: (ms) => done.push(`set-interval ${ms}`),
    pause: () => done.push("pause"),
    resume: () => done.push("resume"),
    report: () => 1,
  };
  const one = new SimulatedTasks(
    {
      device,
      consoleNow: () => consoleNow,
      wallNow: () => 0,
      publish: (_id, reply) => said.push(readReply(reply).value),
      answered: () => {},
      shutDown: () => done.push("shutdown"),
    },
    greeted,
  );
  const give = (id: string, task: object | string, now = 0): void =>
    one.receive(parseCommandId(id), typeof task === "string" ? Buffer.from(task) : encode(task, "cbor"), now);
  return { one, give, done, said, states: () => said.map(({ id, state }) => `${id} ${state}`) };
}

suite("a simulated device's commands", ({ test }) => {
  test("each is begun once and answered again, each time later, until it is withdrawn", () => {
    const { one, give, done, states } = tasks();
    const task = { key: "set-interval", args: { seconds: 5 } };
    give("1", task);
    give("1", task);
    for (const now of [999, 1_000, 1_500, 3_000]) one.wake(now);
    assert.equal(states(), ["1 succeeded", "1 succeeded", "1 succeeded"]);
    one.connected(3_100);
    one.wake(3_100);
    assert.is(states().length, 4);
    give("1", "");
    give("1", task);
    assert.is(states().length, 5, "the same answer to the same id");
    give("1", "");
    one.wake(1e6);
    assert.is(states().length, 5);
    assert.equal(done, ["set-interval 5000"]);
    assert.is(one.next, Infinity);
  });

  test("what it cannot do is refused with a reason, in the command's encoding", () => {
    const { give, said, done } = tasks();
    give("1", "frobnicate");
    give("2", { key: "set-interval", args: { seconds: 0 } });
    give("3", "{");
    give("4", { key: "ping", expires: 999 });
    assert.equal(
      said.map((reply) => ("error" in reply ? [reply.state, reply.error.code] : [reply.state])),
      [
        ["rejected", "unknown-command"],
        ["rejected", "bad-arguments"],
        ["rejected", "bad-input"],
        ["expired", "expired"],
      ],
    );
    assert.equal(done, []);
  });

  test("before the console has answered the birth they are gathered, then begun in the order of their making", () => {
    const { one, give, done, states } = tasks({ greeted: false });
    give("late", { key: "resume", ts: 2_000 });
    give("early", { key: "pause", ts: 1_000 });
    give("gone", { key: "ping", ts: 500 });
    give("gone", "");
    assert.equal(states(), []);
    one.greeted(0);
    assert.equal(done, ["pause", "resume"]);
    assert.equal(states(), ["early succeeded", "late succeeded"]);
  });

  test("a shutdown waits for the withdrawal of its answer, or for some seconds", () => {
    for (const acknowledged of [true, false]) {
      const { one, give, done } = tasks();
      give("1", "shutdown");
      assert.equal(done, []);
      if (acknowledged) give("1", "");
      else one.wake(one.next + 3_000);
      assert.equal(done, ["shutdown"]);
    }
  });
});
