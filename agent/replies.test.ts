import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import { parseCommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite } from "../test/suite.ts";
import { Replies } from "./replies.ts";

suite("replies", ({ test }) => {
  test("a withdrawal is the acknowledgement of what has gone out on the same connection, and of nothing else", (scope) => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const bus = {
      connected: true,
      publish: async (topic: string) => {
        if (!bus.connected) throw new DisconnectedError("no connection");
        sent.push(topic);
      },
      subscribe: () => async () => {},
      onConnection: () => {},
    };
    const replies = new Replies({ bus, topic: (name) => name, clock, log: silentLog });
    scope.cleanup(() => replies.stop());
    const id = parseCommandId("c1");
    const ended = { reply: { id, ts: 1, state: "succeeded" }, encoding: "json" } as const;
    replies.sendFinal(id, ended);
    assert.equal(sent, ["c1"]);
    bus.connected = false;
    replies.disconnected();
    clock.advance(1_000);
    bus.connected = true;
    // Its caller gave up meanwhile, and nobody has heard how it ended.
    assert.is(replies.acknowledged(id), false);
    assert.ok(replies.waitsFor(id));
    replies.sendFinal(id, ended);
    assert.equal(sent, ["c1", "c1"]);
    assert.is(replies.acknowledged(id), true);
    assert.not.ok(replies.waitsFor(id));
    clock.advance(60_000);
    assert.equal(sent, ["c1", "c1"]);
    assert.is(replies.acknowledged(id), true);
  });
});
