import * as assert from "uvu/assert";
import type { Bus, Message } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseCommandId, type CommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Reply, Task } from "#shared/messages/command-messages";
import { suite, type Scope } from "../../test/suite.ts";
import { Executor } from "./executor.ts";
import type { Handler } from "./handler.ts";
import { Ledger } from "./ledger.ts";

/** An agent's executor whose broker and console are played by the test. */
function device(scope: Scope) {
  const clock = new ManualClock();
  const begun: string[] = [];
  const told: Reply[] = [];
  let births = 0;
  let puback = Promise.resolve();
  const bus: Bus = {
    connected: true,
    publish: (_, payload) => {
      told.push(JSON.parse(payload.toString()) as Reply);
      return puback;
    },
    subscribe: () => async () => {},
    onConnection: () => () => {},
  };
  const run: Handler["run"] = (_, { command }) => void begun.push(command.id);
  const ledger = new Ledger({ directory: undefined, clock, log: silentLog });
  const executor = new Executor({
    handlers: new Map<string, Handler>([
      ["serial", { run, harmless: true }],
      ["concurrent", { run, harmless: true, concurrent: true }],
      ["once", { run }],
      ["once-concurrent", { run, concurrent: true }],
      ["again", { run, onInterrupt: "rerun" }],
      ["checked", { run, onInterrupt: "verify", verify: () => ({}) }],
      ["lasting", { run: (_, { command }) => (begun.push(command.id), new Promise(() => {})) }],
    ]),
    ledger,
    bus,
    replyTopic: (id) => `muster/a/reply/${id}`,
    runId: "b",
    machine: undefined,
    announce: () => (births += 1),
    clock,
    log: silentLog,
  });
  scope.cleanup(() => executor.stop());
  return {
    executor,
    clock,
    begun,
    /** An earlier run has died in it. */
    died: (name: string, key: string): Promise<void> =>
      ledger.begin(parseCommandId(name), {
        key,
        boot: "a",
        machine: undefined,
        at: 0,
        attempts: 1,
        expires: undefined,
      }),
    births: () => births,
    /** What is published from now on has no PUBACK. @returns what gives it */
    swallow: (): (() => void) => {
      let give = (): void => {};
      puback = new Promise((resolve) => (give = resolve));
      return () => {
        give();
        puback = Promise.resolve();
      };
    },
    told: (id: string) => told.filter((reply) => reply.id === id).map(outcomeIn),
    accepted: () => told.filter(({ state }) => state === "accepted").map(({ id }) => id),
    /** A task as the broker hands it over: kept, or published just now. */
    task: (name: string, how: "kept" | "live", task: Partial<Task> = {}): CommandId => {
      const id = parseCommandId(name);
      executor.receive(id, message(how, { key: "serial", ts: clock.now(), ...task }));
      return id;
    },
    withdraw: (name: string) =>
      executor.receive(parseCommandId(name), { topic: "", payload: Buffer.alloc(0), retain: false }),
    /** The console answers the birth. */
    greet: (open?: readonly string[], told?: readonly string[]): void => {
      executor.learn(clock.now());
      executor.greeted(open, told);
    },
    passes: async (ms: number): Promise<void> => {
      clock.advance(ms);
      await settled();
    },
  };
}

function outcomeIn(reply: Reply): string {
  return "error" in reply ? `${reply.state} ${reply.error.code}` : reply.state;
}

function message(how: "kept" | "live", task: Task): Message {
  return { topic: "", payload: encode(task, "json"), retain: how === "kept" };
}

/** Whatever waits for nothing but its turn has had it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

suite("executor", ({ test }) => {
  test("what the broker had kept begins on the console's word alone, however long that stays away", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    task("stale", "kept");
    task("stale-too", "kept", { key: "concurrent" });
    task("open", "kept");
    task("open-too", "kept", { key: "concurrent" });
    await passes(3_600_000);
    assert.equal(begun, []);
    greet(["open", "open-too"]);
    await passes(60_000);
    assert.equal(begun.toSorted(), ["open", "open-too"]);
  });

  test("a withdrawal acknowledges no reply that the broker has not taken, and one whose PUBACK came in the same read", async (scope) => {
    const { executor, told, task, greet, passes, withdraw, swallow } = device(scope);
    executor.connected();
    greet([]);
    const give = swallow();
    task("a", "live");
    task("b", "live");
    await passes(60);
    assert.equal([told("a"), told("b")], [["succeeded"], ["succeeded"]]);
    // Their callers have given up; the line up was dead, and the one down was not.
    withdraw("a");
    await passes(0);
    give();
    withdraw("b");
    await passes(0);
    executor.disconnected();
    executor.connected();
    assert.equal([told("a"), told("b")], [["succeeded", "succeeded"], ["succeeded"]]);
    await passes(0);
    withdraw("a");
    await passes(60_000);
    assert.equal([told("a"), told("b")], [["succeeded", "succeeded"], ["succeeded"]]);
  });

  test("a console that does not tell what is open lets all begin by its greeting", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    task("one", "kept");
    await passes(6_000);
    assert.equal(begun, []);
    greet();
    await passes(60);
    assert.equal(begun, ["one"]);
  });

  test("many open ones are told in several messages, and what comes after them is known too", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    task("a", "kept");
    greet(["a"]);
    greet(["b"]);
    task("b", "kept");
    task("c", "kept");
    await passes(60);
    assert.equal(begun, ["a", "b"]);
  });

  test("what is published while we listen is open, though its stale copy was there first", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    greet([]);
    await passes(60);
    task("shown", "kept");
    await passes(1_000);
    assert.equal(begun, []);
    task("shown", "live");
    await passes(0);
    assert.equal(begun, ["shown"]);
  });

  test("typed while the console is away, it begins 5 s after the connection at the latest", async (scope) => {
    const { executor, begun, task, passes } = device(scope);
    executor.connected();
    task("typed", "live");
    await passes(4_999);
    assert.equal(begun, []);
    await passes(1);
    assert.equal(begun, ["typed"]);
  });

  test("what waits when the connection goes does not begin without it, nor after it unless it is open still", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    greet([]);
    task("withdrawn", "live");
    task("still-open", "live");
    executor.disconnected();
    await passes(60_000);
    assert.equal(begun, []);
    executor.connected();
    await passes(60_000);
    assert.equal(begun, []);
    greet(["still-open"]);
    await passes(60);
    assert.equal(begun, ["still-open"]);
  });

  test("the birth is given again until it is answered, after 5, 10 … 60 s", async (scope) => {
    const { executor, births, greet, passes } = device(scope);
    executor.connected();
    for (const [ms, times] of [
      [4_999, 0],
      [1, 1],
      [10_000, 2],
      [20_000, 3],
      [40_000, 4],
      [60_000, 5],
      [60_000, 6],
    ] as const) {
      await passes(ms);
      assert.is(births(), times);
    }
    greet([]);
    await passes(600_000);
    assert.is(births(), 6);
  });

  test("the console is reminded of what is not open by its word, until it has withdrawn that", async (scope) => {
    const { executor, begun, task, greet, accepted, passes, withdraw } = device(scope);
    executor.connected();
    task("stale", "kept");
    greet([]);
    await passes(5_000);
    assert.equal(accepted(), ["stale", "stale"]);
    await passes(10_000);
    assert.is(accepted().length, 3);
    withdraw("stale");
    await passes(600_000);
    assert.is(accepted().length, 3);
    assert.equal(begun, []);
  });

  test("a call that is over by the console's clock is never begun", async (scope) => {
    const { executor, begun, task, greet, passes, clock } = device(scope);
    executor.connected();
    task("call", "kept", { expires: clock.now() + 5_000 });
    await passes(3_600_000);
    greet(["call"]);
    await passes(60);
    assert.equal(begun, []);
  });

  for (const how of ["kept", "live"] as const)
    for (const key of ["once", "once-concurrent"])
      test(`begun by another agent, by the console's word: a ${how} task of "${key}" is interrupted, after that one's comeback`, async (scope) => {
        const { executor, begun, task, greet, passes, told } = device(scope);
        executor.connected();
        task("theirs", how, { key });
        task("ours", how, { key });
        await passes(1_000);
        greet(["theirs", "ours"], ["theirs"]);
        greet(["later"], ["later"]);
        task("later", how, { key });
        await passes(4_999);
        assert.equal(begun, ["ours"]);
        assert.ok(!told("theirs").includes("interrupted begun-elsewhere"));
        await passes(60_000);
        assert.equal(begun, ["ours"]);
        for (const id of ["theirs", "later"]) assert.is(told(id).at(-1), "interrupted begun-elsewhere");
      });

  test("begun by another agent, it runs all the same where that is safe", async (scope) => {
    const { executor, begun, task, greet, passes } = device(scope);
    executor.connected();
    for (const key of ["serial", "concurrent", "again"]) task(key, "kept", { key });
    greet(["serial", "concurrent", "again"], ["serial", "concurrent", "again"]);
    await passes(60);
    assert.equal(begun.toSorted(), ["again", "concurrent", "serial"]);
  });

  test("pushed out by the agent that runs it, this one says nothing of it, and nothing more once it is refused", async (scope) => {
    const { executor, begun, task, greet, passes, told } = device(scope);
    executor.connected();
    task("theirs", "kept", { key: "once" });
    task("next", "kept", { key: "once" });
    greet(["theirs", "next"], ["theirs"]);
    executor.disconnected();
    executor.connected();
    await passes(1_000);
    executor.stop();
    greet(["theirs", "next"]);
    await passes(60_000);
    assert.equal(begun, []);
    assert.equal(
      ["theirs", "next"].flatMap(told).filter((state) => state !== "accepted"),
      [],
    );
  });

  test("what runs here goes on when the console names it as begun, and is told as running when it is shown again", async (scope) => {
    const { executor, begun, task, greet, passes, told } = device(scope);
    executor.connected();
    greet(["mine"]);
    task("mine", "live", { key: "lasting" });
    await passes(60);
    executor.disconnected();
    executor.connected();
    task("mine", "live", { key: "lasting" });
    assert.equal(told("mine"), ["running"]);
    greet(["mine"], ["mine"]);
    await passes(60_000);
    assert.equal(begun, ["mine"]);
    assert.equal([...new Set(told("mine"))], ["running"]);
  });

  test("typed while the console is away, what may not run twice waits 5 s for the greeting, whenever it comes", async (scope) => {
    const { executor, begun, task, passes } = device(scope);
    executor.connected();
    await passes(60_000);
    for (const key of ["once", "once-concurrent"]) task(key, "live", { key });
    await passes(4_999);
    assert.equal(begun, []);
    await passes(1);
    assert.equal(begun.toSorted(), ["once", "once-concurrent"]);
  });

  test("what the console takes for open and was answered long ago is answered again", async (scope) => {
    const { executor, begun, told, task, withdraw, greet, passes } = device(scope);
    executor.connected();
    greet(["one"]);
    task("one", "live");
    await passes(60);
    assert.equal(begun, ["one"]);
    withdraw("one");
    assert.is(told("one").length, 1);
    executor.disconnected();
    executor.connected();
    greet(["one"]);
    await passes(0);
    assert.is(told("one").length, 2);
    assert.equal(begun, ["one"]);
  });

  test("what an earlier run died in is told as begun, so that the console shows it, and waited for while it is open", async (scope) => {
    const { executor, died, told, task, greet, passes } = device(scope);
    for (const name of ["over", "gone"]) await died(name, "checked");
    executor.connected();
    greet(["over"]);
    await passes(0);
    assert.equal([told("over"), told("gone")], [["running"], []]);
    await passes(10_000);
    assert.equal([told("over"), told("gone")], [["running"], ["interrupted agent-stopped"]]);
    await passes(10_000);
    task("over", "live", { key: "checked", expires: 1 });
    await passes(60);
    assert.equal(told("over"), ["running", "succeeded"]);
  });

  test("what an earlier run died in and is withdrawn before it is shown ends as interrupted", async (scope) => {
    const { executor, died, told, withdraw, greet, passes } = device(scope);
    await died("over", "checked");
    executor.connected();
    greet(["over"]);
    await passes(10_000);
    withdraw("over");
    await passes(10_000);
    assert.equal(told("over"), ["running", "interrupted agent-stopped"]);
  });

  test("a console that doubts its clock, days ahead, expires nothing: what it may be too late for waits until it is sure", async (scope) => {
    const { executor, clock, begun, told, task, passes } = device(scope);
    const day = 86_400_000;
    const now = clock.now();
    executor.connected();
    executor.learn(now + 8 * day, "ahead");
    executor.greeted(["queued", "long", "over", "new", "concurrent"]);
    task("queued", "kept", { expires: now + 60_000 });
    task("concurrent", "kept", { key: "concurrent", expires: now + 60_000 });
    task("long", "kept", { expires: now + 9 * day });
    task("over", "kept", { expires: now - 1 });
    task("new", "live");
    await passes(100);
    assert.equal(begun, ["long", "new"]);
    executor.learn(now + 100);
    await passes(0);
    assert.equal(begun.slice(2).toSorted(), ["concurrent", "queued"]);
    assert.equal(told("over"), ["expired expired"]);
    executor.learn(now + 8 * day, "ahead");
    task("later", "live", { expires: now + 60_000 });
    await passes(0);
    assert.equal(begun.slice(4), ["later"]);
  });
});

/**
 * One word of a case: `kept a` or `live a`, a task as the broker hands it over, of the key behind it or `serial`; `greet a,b`, the console's
 * word of what is open, and `begun a` of what it has heard to run; `ledger a`, an earlier run has died in it; `withdraw a`; `lost` and
 * `connect`, of the connection; `cancel a`, on the device's own side; `50` ms pass.
 */
const cases: readonly (readonly [what: string, words: readonly string[], begun: string, told: readonly string[]])[] = [
  ["published while we listen", ["connect", "greet", "live a", "50"], "a", ["succeeded"]],
  ["kept by the broker, and open", ["connect", "kept a", "greet a", "50"], "a", ["succeeded"]],
  ["kept by the broker, and not open", ["connect", "kept a", "greet", "5000"], "", ["accepted", "accepted"]],
  ["kept by the broker, and no word", ["connect", "kept a", "9000"], "", ["accepted"]],
  ["it comes twice while it waits", ["connect", "greet", "live a", "live a", "50"], "a", ["succeeded"]],
  ["it comes again after its end", ["connect", "greet", "live a", "50", "live a", "50"], "a", ["succeeded"]],
  [
    "and after its withdrawal",
    ["connect", "greet", "live a", "50", "withdraw a", "live a"],
    "a",
    ["succeeded", "succeeded"],
  ],
  [
    "its answer is repeated until it is withdrawn",
    ["connect", "greet", "live a", "50", "1000"],
    "a",
    ["succeeded", "succeeded"],
  ],
  ["and no more then", ["connect", "greet", "live a", "50", "withdraw a", "9000"], "a", ["succeeded"]],
  ["withdrawn before it begins", ["connect", "live a", "withdraw a", "greet", "50"], "", []],
  ["cancelled on the device before it begins", ["connect", "live a", "cancel a"], "", ["cancelled cancelled"]],
  ["a key that is not offered", ["connect", "live a unknown"], "", ["rejected unknown-command"]],
  ["what is no task", ["connect", "live a !"], "", ["rejected bad-input"]],
  ["concurrent, it waits for nobody", ["connect", "live a concurrent"], "a", ["succeeded"]],
  ["kept and concurrent, for the console's word", ["connect", "kept a concurrent", "4000"], "", []],
  ["which lets it begin", ["connect", "kept a concurrent", "greet a"], "a", ["succeeded"]],
  ["waiting as the connection goes", ["connect", "live a", "lost", "connect", "greet", "50"], "", []],
  ["and open still", ["connect", "live a", "lost", "connect", "greet a", "50"], "a", ["succeeded"]],
  [
    "begun elsewhere by the console's word",
    ["connect", "kept a once", "begun a", "200000"],
    "",
    ["accepted", "interrupted begun-elsewhere"],
  ],
  [
    "died in by an earlier run",
    ["ledger a once", "connect", "kept a once", "begun a", "50"],
    "",
    ["interrupted agent-stopped"],
  ],
  ["where it may run again", ["ledger a again", "connect", "kept a again", "begun a", "50"], "a", ["succeeded"]],
  [
    "where its effect is looked for",
    ["ledger a checked", "connect", "kept a checked", "begun a", "50"],
    "",
    ["succeeded"],
  ],
  [
    "withdrawn while it runs",
    ["connect", "greet", "live a lasting", "50", "withdraw a", "9000"],
    "a",
    ["running", "running"],
  ],
  ["shown while it runs", ["connect", "greet", "live a lasting", "50", "live a lasting"], "a", ["running"]],
];

suite("executor, case by case", ({ test }) => {
  for (const [what, words, begun, told] of cases)
    test(what, async (scope) => {
      const played = device(scope);
      for (const word of words) {
        const [act = "", id = "", key = "serial"] = word.split(" ");
        if (/^\d+$/.test(act)) played.clock.advance(Number(act));
        else if (act === "kept" || act === "live") played.task(id, act, { key });
        else if (act === "greet") played.greet(id === "" ? [] : id.split(","));
        else if (act === "begun") played.greet([id], [id]);
        else if (act === "ledger") await played.died(id, key);
        else if (act === "withdraw") played.withdraw(id);
        else if (act === "cancel") played.executor.cancel(parseCommandId(id));
        else if (act === "lost") played.executor.disconnected();
        else played.executor.connected();
        await settled();
      }
      assert.is(played.begun.join(""), begun);
      assert.equal(played.told("a"), told);
    });
});
