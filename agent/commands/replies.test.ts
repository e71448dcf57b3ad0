import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { DisconnectedError } from "#shared/errors";
import { parseCommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { Replies } from "./replies.ts";

/** Until what has been published is known to be at the broker. */
const taken = () => new Promise(setImmediate);

suite("replies", ({ test }) => {
  test("a withdrawal is the acknowledgement of what has gone out on the same connection, and of nothing else", async (scope) => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const bus = {
      connected: true,
      publish: async (topic: string) => {
        if (!bus.connected) throw new DisconnectedError("no connection");
        sent.push(topic);
      },
      subscribe: () => async () => {},
      onConnection: () => () => {},
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
    await taken();
    assert.equal(sent, ["c1", "c1"]);
    assert.is(replies.acknowledged(id), true);
    assert.not.ok(replies.waitsFor(id));
    clock.advance(60_000);
    assert.equal(sent, ["c1", "c1"]);
    assert.is(replies.acknowledged(id), true);
  });
});

/**
 * A final reply goes out; then `withdrawn`, `lost` and `back`, of the connection, `again`, as on a new connection, `swallowed` and `heard`, of
 * what is sent from there on, or so many ms pass.
 */
const cases: readonly (readonly [what: string, words: readonly string[], sent: number, waits: boolean])[] = [
  ["it goes out at once, and waits", [], 1, true],
  ["and again after 1 s", ["1000"], 2, true],
  ["then after 2, 4 and 8 s", ["15000"], 5, true],
  ["and every 30 s at last", ["61000", "60000"], 9, true],
  ["until it is withdrawn", ["1000", "withdrawn", "60000"], 2, false],
  ["without a connection nobody hears it", ["lost", "1000"], 1, true],
  ["so a withdrawal is not about it", ["lost", "1000", "back", "withdrawn"], 1, true],
  ["it goes out on the new one", ["lost", "back", "again"], 2, true],
  ["and is acknowledged there", ["lost", "back", "again", "withdrawn"], 2, false],
  ["by its next repetition as well", ["lost", "back", "1000", "withdrawn"], 2, false],
  [
    "a withdrawal is not about what the broker has not taken",
    ["swallowed", "again", "heard", "lost", "back", "withdrawn"],
    1,
    true,
  ],
  ["nor where the connection goes on", ["lost", "back", "swallowed", "again", "withdrawn"], 1, true],
  [
    "and the next repetition is",
    ["lost", "back", "swallowed", "again", "withdrawn", "heard", "1000", "withdrawn"],
    2,
    false,
  ],
  ["on a new connection its patience begins anew", ["15000", "again", "1000"], 7, true],
];

suite("replies, case by case", ({ test }) => {
  for (const [what, words, expected, waits] of cases)
    test(what, async (scope) => {
      const clock = new ManualClock();
      let sent = 0;
      let swallowed = false;
      const bus = {
        connected: true,
        publish: async () => {
          if (!bus.connected) throw new DisconnectedError("no connection");
          if (swallowed) return new Promise<void>(() => {});
          sent += 1;
        },
        subscribe: () => async () => {},
        onConnection: () => () => {},
      };
      const replies = new Replies({ bus, topic: (name) => name, clock, log: silentLog });
      scope.cleanup(() => replies.stop());
      const id = parseCommandId("c1");
      const ended = { reply: { id, ts: 1, state: "succeeded" }, encoding: "json" } as const;
      replies.sendFinal(id, ended);
      for (const word of words) {
        await taken();
        if (/^\d+$/.test(word)) clock.advance(Number(word));
        else if (word === "withdrawn") replies.acknowledged(id);
        else if (word === "again") replies.sendFinal(id, ended);
        else if (word === "swallowed" || word === "heard") swallowed = word === "swallowed";
        else {
          bus.connected = word === "back";
          if (!bus.connected) replies.disconnected();
        }
      }
      assert.equal([sent, replies.waitsFor(id)], [expected, waits]);
    });
});
