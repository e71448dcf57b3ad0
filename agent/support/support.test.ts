import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import type { Json } from "#shared/messages/payload-schema";
import { suite } from "../../test/suite.ts";
import type { Handler, RunContext } from "../commands/handler.ts";
import { ConnectionHistory, maxConnectionChanges } from "./connection-history.ts";
import { maxRecentBytes, maxRecentLines, RecentLog } from "./recent-log.ts";
import { followFor, maxFollowers, maxSupportBytes, supportCommands } from "./support-commands.ts";
import { documentWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

const secret = "correct-horse-battery";

/** The commands over a log that nothing else writes. */
function bench(state: () => Json = () => ({})) {
  const clock = new ManualClock();
  const recent = new RecentLog(clock);
  const commands = supportCommands({
    recent,
    state,
    secrets: () => [secret],
    after: (ms, run) => clock.after(ms, run),
  }) as { logs: Handler; support: Handler };
  const follower = () => {
    const withdrawn = new AbortController();
    const heard: string[] = [];
    const context = {
      signal: withdrawn.signal,
      output: (text: string) => void heard.push(text),
    } as unknown as RunContext;
    const end = Promise.resolve(commands.logs.run({ follow: true }, context)).then(
      (result) => JSON.stringify(result),
      (thrown: unknown) => String(thrown),
    );
    return { heard, end, withdraw: () => withdrawn.abort(new Error("withdrawn")) };
  };
  const call = (command: Handler, args = {}) => command.run(args, {} as RunContext) as Promise<Record<string, Json>>;
  return { clock, recent, log: recent.over(silentLog), commands, follower, call };
}

const isWithin = (value: Json): boolean => Buffer.byteLength(JSON.stringify(value)) <= maxSupportBytes;

suite("help from afar", ({ test }) => {
  test("no secret stands in what is told", () => {
    for (const text of [
      "mqtt://rpi-7:hunter2@host:1883 is away",
      "https://user:hun/ter2@host/path?x=1",
      "no connection to mqtt://rpi-7:hunter2…",
      "password=hunter2",
      'tokens {"token":"hunter2","a":1}',
      "mqttPassword: 'hunter2 with words'",
      "Authorization: Bearer hunter2.abc-def",
      "GET /x?api_key=hunter2&b=1",
      "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
      "-----BEGIN EC PRIVATE KEY----- hunter2",
      `it was ${secret}, and hunter2`.replace("hunter2", secret),
    ]) {
      const told = withoutSecrets(text, [secret]);
      assert.not.match(told, /hunter2|hun\/ter2|correct-horse/);
      assert.ok(told.includes("…"), told);
    }
    const plain = 'no connection to the broker at mqtts://host:8883 (timeout); next try in 250 ms wait=250 code="EIO"';
    assert.is(withoutSecrets(plain, [secret, ""]), plain);
    const document = { broker: "mqtt://a:hunter2@h", deep: [{ joinToken: "hunter2", count: 5 }], own: secret };
    assert.not.match(JSON.stringify(documentWithoutSecrets(document, [secret])), /hunter2|horse/);
    assert.is((documentWithoutSecrets(document) as typeof document).deep[0]?.count, 5);
  });

  test(`the newest ${maxRecentLines} lines and ${maxRecentBytes} bytes are remembered, each as one line`, () => {
    const { recent, log } = bench();
    for (let n = 0; n <= maxRecentLines; n += 1) log.info({ n }, "line\nof two");
    assert.is(recent.size, maxRecentLines);
    const [last] = recent.newest(1, 1_000);
    assert.match(last ?? "", new RegExp(`^\\d{4}-.*Z info  line.+of two n=${maxRecentLines}$`));
    for (let n = 0; n < 100; n += 1) log.error({ n, url: "mqtt://a:hunter2@b" }, "x".repeat(2_000));
    const all = recent.newest(maxRecentLines, Infinity);
    assert.ok(all.join("").length <= maxRecentBytes && all.join("").length > maxRecentBytes - 2_500);
    assert.not.match(all.join(), /hunter2/);
    const debugged = recent.size;
    log.debug({}, "not remembered");
    assert.is(recent.size, debugged);
  });

  test(`an answer has ${maxSupportBytes} bytes at most, and says what is left out`, async () => {
    const { log, commands, call } = bench(() => ({ settings: "c".repeat(30_000), outbox: { batches: 1 } }));
    for (let n = 0; n < 60; n += 1) log.warn({ n, secret }, "y".repeat(1_000));
    const logs = await call(commands.logs, { lines: maxRecentLines });
    assert.ok(isWithin(logs["lines"] ?? null));
    assert.is((logs["lines"] as string[]).length + Number(logs["earlier"]), 60);
    const told = await call(commands.support);
    assert.equal([told["settings"], told["leftOut"], told["outbox"]], [undefined, ["settings"], { batches: 1 }]);
    assert.ok(isWithin(told) && (told["log"] as string[]).length > 10);
    assert.not.match(JSON.stringify([logs, told]), new RegExp(secret));
  });

  test(`${maxFollowers} follow at most, until withdrawn or for ${followFor} ms`, async () => {
    const { clock, log, follower } = bench();
    log.info({}, "before");
    const all = Array.from({ length: maxFollowers }, follower);
    log.info({ password: "hunter2" }, `after ${secret}`);
    const [first] = all;
    assert.match(first?.heard.join("") ?? "", /before\n.*after … password=…\n$/);
    assert.match(await follower().end, "withdraw one of them");
    first?.withdraw();
    assert.match((await first?.end) ?? "", "withdrawn");
    const another = follower();
    clock.advance(followFor);
    assert.is(await another.end, '{"lines":2}');
    log.info({}, "later");
    assert.not.match(another.heard.join(""), /later/);
  });

  test(`the last ${maxConnectionChanges} changes of the connection are remembered`, () => {
    const history = new ConnectionHistory(new ManualClock());
    for (let n = 0; n <= maxConnectionChanges; n += 1) history.heard({ up: false, reason: `${n}` });
    assert.is(history.changes.length, maxConnectionChanges);
    assert.is((history.changes[0] as { why: string }).why, "1");
  });
});
