import * as assert from "uvu/assert";
import { eventually, suite } from "../../test/suite.ts";
import { transaction } from "../database/database.ts";
import { ToldDeliveries } from "./told-deliveries.ts";
import { maxWaitingNotices, roomAtOnce } from "./enqueue.ts";
import { maxChannelsAtOnce } from "./courier.ts";
import { maxNoticesKept } from "./delivery-rows.ts";
import {
  afterTry,
  deliveryTime,
  fewestTries,
  firstPause,
  longestPause,
  longestRetryAfter,
  maxTries,
} from "./delivery-step.ts";
import { begin, queue } from "./fixture.ts";
import { judgedByStatus, retryAfterOf, type TryOutcome } from "./try-outcome.ts";

const taken: TryOutcome = { kind: "delivered", said: "200" };
const later: TryOutcome = { kind: "later", said: "503" };

suite("the queue of notices", ({ test }) => {
  test("what one try makes of a delivery", () => {
    const given = { now: begin, failures: 0, random: () => 1 };
    const fresh = { tries: 0, since: begin };
    const cases: [Parameters<typeof afterTry>[0], TryOutcome, Partial<typeof given>, object][] = [
      [fresh, taken, {}, { state: "delivered", tries: 1, next: begin, said: "200", ended: begin, pause: 0 }],
      [
        fresh,
        { kind: "refused", said: "400" },
        {},
        { state: "failed", tries: 1, next: begin, said: "400", ended: begin, pause: 0 },
      ],
      [
        fresh,
        later,
        {},
        { state: "waiting", tries: 1, next: begin + firstPause, said: "503", ended: null, pause: firstPause },
      ],
      [
        fresh,
        later,
        { random: () => 0 },
        { state: "waiting", tries: 1, next: begin + firstPause / 2, said: "503", ended: null, pause: firstPause / 2 },
      ],
      [
        fresh,
        later,
        { failures: 3 },
        { state: "waiting", tries: 1, next: begin + firstPause * 8, said: "503", ended: null, pause: firstPause * 8 },
      ],
      [
        fresh,
        later,
        { failures: 99 },
        { state: "waiting", tries: 1, next: begin + longestPause, said: "503", ended: null, pause: longestPause },
      ],
      [
        fresh,
        { ...later, after: 90_000 },
        {},
        { state: "waiting", tries: 1, next: begin + 90_000, said: "503", ended: null, pause: 90_000 },
      ],
      [
        fresh,
        { ...later, after: longestRetryAfter * 9 },
        {},
        {
          state: "waiting",
          tries: 1,
          next: begin + longestRetryAfter,
          said: "503",
          ended: null,
          pause: longestRetryAfter,
        },
      ],
      [
        { tries: fewestTries - 1, since: begin - deliveryTime + 1 },
        later,
        {},
        { state: "waiting", tries: fewestTries, next: begin + firstPause, said: "503", ended: null, pause: firstPause },
      ],
      [
        { tries: fewestTries - 2, since: begin - deliveryTime },
        later,
        {},
        {
          state: "waiting",
          tries: fewestTries - 1,
          next: begin + firstPause,
          said: "503",
          ended: null,
          pause: firstPause,
        },
      ],
      [
        { tries: fewestTries - 1, since: begin - deliveryTime },
        later,
        {},
        {
          state: "failed",
          tries: fewestTries,
          next: begin,
          said: `given up after ${fewestTries} tries: 503`,
          ended: begin,
          pause: firstPause,
        },
      ],
      [
        { tries: maxTries - 1, since: begin },
        later,
        {},
        {
          state: "failed",
          tries: maxTries,
          next: begin,
          said: `given up after ${maxTries} tries: 503`,
          ended: begin,
          pause: firstPause,
        },
      ],
    ];
    for (const [delivery, outcome, more, expected] of cases)
      assert.equal(afterTry(delivery, outcome, { ...given, ...more }), expected);
  });

  test("what a status means, and for how long it asks us to wait", () => {
    const kinds: Readonly<Record<string, readonly number[]>> = {
      delivered: [200, 202, 204],
      later: [301, 308, 401, 403, 404, 408, 429, 500, 502, 503],
      refused: [400, 405, 410, 413, 422],
    };
    for (const [kind, statuses] of Object.entries(kinds))
      for (const status of statuses)
        assert.is(judgedByStatus({ status, headers: {}, body: "" }, begin).kind, kind, String(status));
    const after = (value: string): number | undefined =>
      retryAfterOf({ status: 429, headers: { "retry-after": value }, body: "" }, begin);
    assert.equal(["30", "1.5", "Thu, 01 Jan 2026 00:01:00 GMT", "soon", ""].map(after), [
      30_000,
      1_500,
      60_000,
      undefined,
      undefined,
    ]);
  });

  test("one at a time by a channel, in its order; others meanwhile", async (scope) => {
    const { put, say, next, rows, untaken } = await queue(scope);
    for (const name of ["a", "b"]) put(name);
    assert.is(say({ alert: "1" }), 2);
    assert.is(say({ alert: "2" }, ["a"]), 1);
    const both = [await next(), await next()].sort((one, other) => one.channel.localeCompare(other.channel));
    assert.equal(
      both.map(({ channel, outgoing }) => [channel, outgoing.notice.alert]),
      [
        ["a", "1"],
        ["b", "1"],
      ],
    );
    assert.is.not(both[0]?.outgoing.key, both[1]?.outgoing.key);
    assert.is(untaken.length, 0);
    both[0]?.end(taken);
    const second = await next();
    assert.equal([second.channel, second.outgoing.notice.alert], ["a", "2"]);
    second.end(taken);
    both[1]?.end({ kind: "refused", said: "413: too large" });
    await eventually("all three", () => rows().every(({ state }) => state !== "waiting"));
    assert.equal(
      rows().map(({ channel, state, said }) => [channel, state, said]),
      [
        ["a", "delivered", "200"],
        ["b", "failed", "413: too large"],
        ["a", "delivered", "200"],
      ],
    );
  });

  test("a channel that takes nothing is left alone for longer each time, and asked in turn; of one alert nothing goes before what was said earlier", async (scope) => {
    const { put, say, next, clock, rows, untaken, database } = await queue(scope);
    const told = new ToldDeliveries(database);
    put("a");
    say({ alert: "1" });
    say({ alert: "1", kind: "resolved" });
    say({ alert: "2" });
    (await next()).end(later);
    await eventually("it is noted", () => rows()[0]?.tries === 1);
    assert.equal([told.stuck("a", 1), told.stuck("a", 2)], [begin, undefined]);
    clock.advance(firstPause - 1);
    assert.is(untaken.length, 0);
    clock.advance(1);
    const second = await next();
    assert.equal([second.outgoing.notice.alert, second.outgoing.notice.kind], ["2", "firing"]);
    second.end({ ...later, after: 60_000 });
    await eventually("it is noted", () => rows()[2]?.tries === 1);
    clock.advance(59_999);
    assert.is(untaken.length, 0);
    clock.advance(1);
    const third = await next();
    assert.equal([third.outgoing.notice.alert, third.outgoing.notice.kind], ["1", "firing"]);
    third.end(taken);
    const fourth = await next();
    assert.equal([fourth.outgoing.notice.alert, fourth.outgoing.notice.kind], ["1", "resolved"]);
    fourth.end(taken);
    (await next()).end(taken);
    await eventually("all", () => rows().every(({ state }) => state === "delivered"));
    assert.is(told.stuck("a", 1), undefined);
  });

  test("a stop in the middle and a start say it again, under the same key; what was noted is not said again", async (scope) => {
    const { put, say, next, start, stop, rows, untaken } = await queue(scope);
    put("a");
    say({ alert: "1" });
    const { outgoing, end } = await next();
    end(taken);
    await eventually("it is noted", () => rows()[0]?.state === "delivered");
    say({ alert: "2" });
    const cut = await next();
    await stop();
    assert.equal(
      rows().map(({ state, tries }) => [state, tries]),
      [
        ["delivered", 1],
        ["waiting", 0],
      ],
    );
    await start();
    const again = await next();
    assert.equal([again.outgoing.key, again.outgoing.notice.alert], [cut.outgoing.key, "2"]);
    assert.is.not(again.outgoing.key, outgoing.key);
    again.end(taken);
    await eventually("both", () => rows().every(({ state }) => state === "delivered"));
    await start();
    assert.is(untaken.length, 0);
  });

  test("what is given up as it is written down is told once: no such channel, and no room", async (scope) => {
    const { put, say, stop, start, rows, gaveUp } = await queue(scope);
    put("a");
    await stop();
    say({}, ["gone"]);
    for (let at = 0; at <= maxWaitingNotices; at += 1) say({ alert: `n${at}` }, ["a"]);
    await start();
    assert.equal(gaveUp.length, 1 + roomAtOnce);
    assert.match(gaveUp[0] ?? "", /^gone: there is no channel "gone"/);
    assert.match(gaveUp[1] ?? "", /^a: 1000 notices waited for the channel/);
    await start();
    assert.is(gaveUp.length, 1 + roomAtOnce);
    assert.is(rows().filter(({ state, ended }) => state === "failed" && ended === begin).length, 1 + roomAtOnce);
  });

  test("given up after a day of tries, and told so; another clock ends nothing at once", async (scope) => {
    const { put, say, next, clock, rows, gaveUp } = await queue(scope);
    put("a");
    say({ at: begin - 30 * 86_400_000 });
    const first = await next();
    clock.setWall(begin + 2 * deliveryTime);
    first.end(later);
    await eventually("it is noted", () => rows()[0]?.tries === 1);
    assert.is(rows()[0]?.state, "waiting");
    for (let count = 1; count < fewestTries; count += 1) {
      clock.advance(longestPause);
      (await next()).end(later);
      await eventually("it is noted", () => rows()[0]?.tries === count + 1);
    }
    assert.is(rows()[0]?.state, "failed");
    assert.equal(gaveUp, [`a: given up after ${fewestTries} tries: 503`]);
  });

  test("a clock that is put back holds nothing up; a channel that is set anew is asked at once", async (scope) => {
    const { put, say, next, clock, rows, start } = await queue(scope);
    put("a");
    say();
    (await next()).end(later);
    await eventually("it is noted", () => rows()[0]?.tries === 1);
    clock.setWall(begin - 365 * 86_400_000);
    clock.advance(60_000);
    (await next()).end(later);
    await eventually("it is noted", () => rows()[0]?.tries === 2);
    const courier = await start();
    courier.changed("a");
    (await next()).end(taken);
    await eventually("delivered", () => rows()[0]?.state === "delivered");
  });

  test("so many channels at once, and no more", async (scope) => {
    const { put, say, next, rows, untaken } = await queue(scope);
    for (let at = 0; at <= maxChannelsAtOnce; at += 1) put(`c${at}`);
    assert.is(say(), maxChannelsAtOnce + 1);
    const tries = [];
    for (let at = 0; at < maxChannelsAtOnce; at += 1) tries.push(await next());
    assert.is(untaken.length, 0);
    for (const one of tries) one.end(taken);
    (await next()).end(taken);
    await eventually("all", () => rows().every(({ state }) => state === "delivered"));
  });

  test("switched off or removed, what waits is given up with the reason; of the oldest notices none is kept that waits for nothing", async (scope) => {
    const { put, say, stop, start, rows, channels, database } = await queue(scope);
    put("a");
    put("b");
    await stop();
    say();
    put("a", { enabled: false });
    const b = channels.find("b");
    assert.ok(b);
    transaction(database, () => channels.remove(b, "ann", begin))();
    assert.equal(
      rows().map(({ state, said }) => [state, said]),
      [
        ["failed", "the channel was switched off by ann"],
        ["failed", "the channel was removed by ann"],
      ],
    );
    put("c");
    say({ alert: "waits" });
    database.exec(
      `WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < ${maxNoticesKept})
       INSERT INTO notices (alert, kind, device, document) SELECT 'x', 'firing', NULL, '{}' FROM many`,
    );
    await start();
    const { count, least } = database.prepare("SELECT COUNT(*) AS count, MIN(id) AS least FROM notices").get() as {
      count: number;
      least: number;
    };
    assert.equal([count, least], [maxNoticesKept + 1, 2]);
    assert.equal(
      rows().map(({ alert }) => alert),
      ["waits"],
    );
  });
});
