import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import type { StoredPacket } from "./packets.ts";
import { Sessions } from "./sessions.ts";

const limits = {
  sessions: 3,
  sessionsOfUser: 3,
  sessionExpiry: 1_000,
  subscriptions: 4,
  queuedMessages: 5,
  queuedBytes: 100,
  queuedTotal: 150,
};

const packet = (brokerCounter: number, size = 1): StoredPacket => ({
  cmd: "publish",
  topic: "a",
  payload: Buffer.alloc(size),
  qos: 1,
  retain: false,
  brokerCounter,
});

function make(): { clock: ManualClock; sessions: Sessions } {
  const clock = new ManualClock();
  return { clock, sessions: new Sessions(limits, clock) };
}

suite("sessions", ({ test }) => {
  test("a queue is bounded by count and by bytes, and counts what it drops", () => {
    const { sessions } = make();
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 1 }]);
    sessions.subscribe("two", "olaf", [{ topic: "a", qos: 1 }]);
    for (let at = 1; at <= 8; at++) sessions.enqueue("one", packet(at));
    for (let at = 1; at <= 3; at++) sessions.enqueue("two", packet(at, 40));
    assert.is(sessions.queued, 5 + 2);
    assert.is(sessions.dropped, 3 + 1);
  });

  test("a session has so many filters and no more", () => {
    const { sessions } = make();
    const filters = Array.from({ length: limits.subscriptions + 1 }, (_, at) => ({ topic: `a/${at}`, qos: 1 }));
    sessions.subscribe("one", "olaf", filters);
    sessions.subscribe("one", "olaf", [{ topic: "a/0", qos: 0 }]);
    assert.is(sessions.subscriptionsOf("one").length, limits.subscriptions);
    assert.equal(sessions.interestedIn(`a/${limits.subscriptions}`), []);
  });

  test("all queues together have a bound, and what goes makes room", () => {
    const { sessions } = make();
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 1 }]);
    sessions.subscribe("two", "vera", [{ topic: "a", qos: 1 }]);
    for (const id of ["one", "two"]) for (let at = 1; at <= 2; at++) sessions.enqueue(id, packet(at, 50));
    assert.is(sessions.queued, limits.queuedTotal / 50);
    assert.is(sessions.dropped, 1);
    sessions.end("one");
    sessions.enqueue("two", packet(3, 50));
    assert.is(sessions.queued, 2);
  });

  test("one user has so many sessions: the own one that is longest away goes", () => {
    const clock = new ManualClock();
    const sessionsOfUser = limits.sessions - 1;
    const sessions = new Sessions({ ...limits, sessionsOfUser }, clock);
    const open = (id: string, owner: string): void => {
      sessions.subscribe(id, owner, [{ topic: "a", qos: 1 }]);
      clock.advance(1);
      sessions.present(id, false);
    };
    open("theirs", "vera");
    for (let at = 0; at <= sessionsOfUser; at++) open(`own-${at}`, "olaf");
    assert.is(sessions.ownerOf("theirs"), "vera");
    assert.is(sessions.ownerOf("own-0"), undefined);
    assert.is(sessions.ownerOf(`own-${sessionsOfUser}`), "olaf");
  });

  test("the sessions of an account that is gone are nobody's: who gets the name later begins anew", () => {
    const { sessions } = make();
    for (const [id, owner] of [
      ["one", "olaf"],
      ["two", "olaf"],
      ["three", "vera"],
    ] as const) {
      sessions.subscribe(id, owner, [{ topic: "a", qos: 1 }]);
      sessions.enqueue(id, packet(1));
    }
    sessions.endAll("olaf");
    assert.equal(
      [sessions.ownerOf("one"), sessions.ownerOf("two"), sessions.ownerOf("three")],
      [undefined, undefined, "vera"],
    );
    assert.equal([sessions.queued, sessions.interestedIn("a")], [1, ["three"]]);
  });

  test("an acknowledged message leaves the queue, by its packet id", () => {
    const { sessions } = make();
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 1 }]);
    for (let at = 1; at <= 3; at++) sessions.enqueue("one", packet(at, 30));
    const queue = sessions.queueOf("one");
    queue?.update({ ...packet(2), messageId: 77 });
    assert.is(queue?.remove(99), undefined);
    assert.is(queue?.remove(77)?.brokerCounter, 2);
    assert.equal(
      queue?.list().map(({ brokerCounter }) => brokerCounter),
      [1, 3],
    );
    sessions.enqueue("one", packet(4, 30));
    assert.is(queue?.length, 3, "its bytes are free again");
  });

  test("a PUBREL takes its message's place", () => {
    const { sessions } = make();
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 2 }]);
    sessions.enqueue("one", packet(1));
    const queue = sessions.queueOf("one");
    queue?.update({ ...packet(1), messageId: 7 });
    queue?.update({ cmd: "pubrel", messageId: 7 } as StoredPacket);
    assert.equal(
      queue?.list().map(({ cmd }) => cmd),
      ["pubrel"],
    );
    assert.ok(queue?.remove(7));
    assert.is(queue?.length, 0);
  });

  test("a session whose client stays away ends", () => {
    const { clock, sessions } = make();
    for (const id of ["here", "away"]) sessions.subscribe(id, "olaf", [{ topic: "a/+", qos: 1 }]);
    sessions.present("away", false);
    assert.is(sessions.away, 1);
    clock.advance(999);
    sessions.expire();
    assert.equal(sessions.interestedIn("a/b"), ["here", "away"]);
    clock.advance(1);
    sessions.expire();
    assert.equal(sessions.interestedIn("a/b"), ["here"]);
    assert.is(sessions.expired, 1);
    assert.is(sessions.ownerOf("away"), undefined);
  });

  test("for one more the one that is longest away goes", () => {
    const { clock, sessions } = make();
    for (const id of ["one", "two", "three"]) sessions.subscribe(id, "olaf", [{ topic: "a", qos: 1 }]);
    sessions.present("two", false);
    clock.advance(10);
    sessions.present("one", false);
    sessions.subscribe("four", "olaf", [{ topic: "a", qos: 1 }]);
    assert.equal(sessions.interestedIn("a"), ["one", "three", "four"]);
  });

  test("a filter at QoS 0 queues nothing; one subscribed again counts once", () => {
    const { sessions } = make();
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 0 }]);
    assert.equal(sessions.interestedIn("a"), []);
    sessions.subscribe("one", "olaf", [
      { topic: "a", qos: 1 },
      { topic: "#", qos: 1 },
    ]);
    sessions.subscribe("one", "olaf", [{ topic: "a", qos: 2 }]);
    assert.equal(sessions.interestedIn("a"), ["one"]);
    sessions.unsubscribe("one", ["a", "#"]);
    assert.equal(sessions.interestedIn("a"), []);
    assert.equal(sessions.subscriptionsOf("one"), []);
  });
});
