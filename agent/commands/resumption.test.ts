import * as assert from "uvu/assert";
import type { Bus } from "#shared/bus";
import { ManualClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Reply, Task } from "#shared/messages/command-messages";
import { testSigner } from "#shared/signing/fixture";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { Signers } from "../signers.ts";
import { restartCommand } from "./comeback.ts";
import { commandFilter } from "./command-filter.ts";
import { Executor } from "./executor.ts";
import type { Handler } from "./handler.ts";
import { Ledger } from "./ledger.ts";
import { SignatureGate } from "./signature-gate.ts";
import { signersCommand } from "./signers-command.ts";
import { taskDigest } from "./task-digest.ts";

const ann = testSigner(1, "ann");
const eve = testSigner(2, "eve");
const id = parseCommandId("c1");
const hour = 3_600_000;

/** How the run is set up that finds the command begun. */
interface Settings {
  readonly signers?: readonly string[];
  readonly allow?: string;
}

/** One run of an agent that has this directory; the one before is dead. */
async function run(scope: Scope, directory: string, runId: string, { signers: pinned = [], allow }: Settings) {
  const clock = new ManualClock();
  clock.advance(hour);
  const told: Reply[] = [];
  const did: string[] = [];
  const bus: Bus = {
    connected: true,
    publish: async (_, payload) => void told.push(JSON.parse(payload.toString()) as Reply),
    subscribe: () => async () => {},
    onConnection: () => () => {},
  };
  const ledger = new Ledger({ directory, clock, log: silentLog });
  ledger.start();
  const signers = new Signers({ directory, pinned, log: silentLog });
  const gate = new SignatureGate({ device: parseDeviceId("rpi-7"), signers, ledger, clock });
  const never = (): Promise<never> => new Promise(() => {});
  const counts = (handler: Omit<Handler, "run">, work: Handler["run"] = never): Handler => ({
    ...handler,
    run: (args, context) => (did.push(`${context.command.key} ${JSON.stringify(args)}`), work(args, context)),
  });
  const restart = restartCommand(() => {}, clock);
  const replace = signersCommand(signers, () => {});
  const isLater = runId !== "first";
  const offered: Record<string, Handler> = {
    restart: counts(restart, (args, context) => restart.run(args, context)),
    once: counts({}),
    again: counts({ onInterrupt: "rerun" }, isLater ? () => "done" : never),
    // The first run dies when the keys are kept, before it has said so.
    "set-signers": counts(replace, (args, context) => {
      const done = replace.run(args, context);
      return isLater ? done : never();
    }),
    ...(isLater ? {} : { gone: counts({}) }),
  };
  const handlers = new Map<string, Handler>();
  const withheld = new Map<string, Handler>();
  const isAllowed = commandFilter(allow === undefined ? [] : [allow]);
  for (const [key, handler] of Object.entries(offered)) (isAllowed(key) ? handlers : withheld).set(key, handler);
  const executor = new Executor({
    handlers,
    withheld,
    ledger,
    gate,
    bus,
    replyTopic: () => "",
    runId,
    machine: undefined,
    announce: () => {},
    clock,
    log: silentLog,
  });
  const stop = async (): Promise<void> => {
    executor.stop();
    await ledger.stop();
  };
  scope.cleanup(stop);
  executor.connected();
  executor.learn(clock.now());
  return {
    did,
    ledger,
    stop,
    greet: () => executor.greeted([id], isLater ? [id] : []),
    take: (task: Task | string, kept = false) => {
      const payload = typeof task === "string" ? Buffer.from(task) : encode(task, "json");
      executor.receive(id, { topic: "", payload, retain: kept });
    },
    passes: async (ms: number): Promise<void> => {
      clock.advance(ms);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    last: (): string => {
      const reply = told.at(-1);
      return reply === undefined ? "nothing" : "error" in reply ? `${reply.state} ${reply.error.code}` : reply.state;
    },
    ended: (): boolean => ledger.find(id)?.ended !== undefined,
  };
}

/** As `by` signs it, while the device's clock stands where each run of it begins. */
function signed(key: string, args: Task["args"] = {}, by = ann): Task {
  const now = new ManualClock().now() + hour;
  const signature = by.command({ device: "rpi-7", id, key, args, ts: now, expires: now + hour });
  return { key, args, signature };
}

interface Case {
  readonly what: string;
  readonly begun: Task;
  /** Settings of the run that begins it, and of the one after. */
  readonly before?: Settings;
  readonly after: Settings;
  /** What comes back under its id, where that is not what was begun. */
  readonly comes?: Task | string;
  /** What is told at once, and in the end. */
  readonly told: string;
  readonly end?: string;
  /** What the second run did. */
  readonly did?: readonly string[];
  /** The ledger is of a version that kept no digest. */
  readonly old?: true;
}

const pins: Settings = { signers: [ann.public.line] };
const lost = "interrupted agent-stopped";
const eves = { keys: [eve.public.line] };

const cases: readonly Case[] = [
  { what: "a restart that takes the key", begun: { key: "restart" }, after: pins, told: "succeeded" },
  { what: "the same by an old ledger", begun: { key: "restart" }, after: pins, told: "succeeded", old: true },
  {
    what: "a restart that is not offered any more",
    begun: { key: "restart" },
    after: { allow: "once" },
    told: "succeeded",
  },
  { what: "what may not run twice, and a key", begun: { key: "once" }, after: pins, told: lost },
  {
    what: "what may not run twice, and is not offered any more",
    begun: { key: "once" },
    after: { allow: "again" },
    told: lost,
  },
  { what: "what this version does not know", begun: { key: "gone" }, after: {}, told: lost },
  { what: "what would run again, were it signed", begun: { key: "again" }, after: pins, told: lost },
  { what: "what would run again, were it offered", begun: { key: "again" }, after: { allow: "once" }, told: lost },
  {
    what: "what runs again",
    begun: signed("again", { n: 1 }),
    before: pins,
    after: pins,
    told: "succeeded",
    did: ['again {"n":1}'],
  },
  {
    what: "what was signed by a key that another has taken the place of",
    begun: signed("once"),
    before: pins,
    after: { signers: [eve.public.line] },
    told: lost,
  },
  {
    what: "other keys, signed by one of before",
    begun: signed("set-signers", eves),
    before: pins,
    after: pins,
    told: "succeeded",
  },
  {
    what: "other keys, and somebody has pinned yet others on the machine",
    begun: signed("set-signers", eves),
    before: pins,
    after: { signers: [testSigner(3, "bob").public.line] },
    told: "failed error",
  },
  {
    what: "another key under its id",
    begun: { key: "once" },
    after: pins,
    comes: { key: "restart" },
    told: "rejected id-taken",
    end: lost,
  },
  {
    what: "other arguments under its id",
    begun: { key: "again", args: { n: 1 } },
    after: {},
    comes: { key: "again", args: { n: 2 } },
    told: "running",
    end: lost,
  },
  {
    what: "other arguments under its id, and a key",
    begun: { key: "restart" },
    after: pins,
    comes: { key: "restart", args: { n: 2 } },
    told: "running",
    end: lost,
  },
  {
    what: "other arguments than an old ledger knows, and a key",
    begun: { key: "again", args: { n: 1 } },
    after: pins,
    comes: { key: "again", args: { n: 2 } },
    told: lost,
    old: true,
  },
  { what: "what is no task", begun: { key: "restart" }, after: pins, comes: "{", told: "running", end: lost },
];

suite("what an earlier run has begun, by other settings", ({ test }) => {
  for (const { what, begun, before = {}, after, comes = begun, told, end = told, did = [], old } of cases)
    test(`${end}: ${what}`, async (scope) => {
      const directory = await scope.directory();
      const first = await run(scope, directory, "first", before);
      first.greet();
      first.take(begun);
      await first.passes(100);
      await eventually("its beginning", () => first.did.length === 1, 5);
      const entry = first.ledger.find(id)?.begun;
      assert.ok(entry && !first.ended());
      if (old) await first.ledger.begin(id, { ...entry, task: undefined });
      await first.stop();
      const second = await run(scope, directory, "second", after);
      second.greet();
      second.take(comes, true);
      await second.passes(100);
      await eventually(told, () => second.last() === told, 5).catch(() => assert.is(second.last(), told));
      await second.passes(20_000);
      await eventually(end, () => second.last() === end, 5).catch(() => assert.is(second.last(), end));
      assert.equal(second.did, did);
      assert.ok(second.ended());
      await second.stop();
      const third = await run(scope, directory, "third", after);
      assert.ok(third.ended(), "it is written down");
    });

  test("what was begun is known again behind another task that came under its id first", async (scope) => {
    const directory = await scope.directory();
    const first = await run(scope, directory, "first", {});
    first.greet();
    first.take({ key: "restart" });
    await first.passes(100);
    await eventually("its beginning", () => first.did.length === 1, 5);
    await first.stop();
    const second = await run(scope, directory, "second", pins);
    second.take({ key: "once" }, true);
    second.greet();
    second.take({ key: "restart" });
    await second.passes(100);
    await eventually("its answer", () => second.last() === "succeeded");
  });

  test("a digest is the same after any encoding, and of no other key or arguments", () => {
    const one = taskDigest({ key: "do", args: { a: 1, b: [-0, { c: null }] } });
    assert.is(taskDigest({ key: "do", args: { b: [0, { c: null }], a: 1 } }), one);
    assert.is(taskDigest({ key: "do" }), taskDigest({ key: "do", args: {} }));
    for (const other of [{ key: "do" }, { key: "does", args: { a: 1, b: [0, { c: null }] } }])
      assert.is.not(taskDigest(other), one);
    assert.is(taskDigest({ key: "do", args: { a: "\ud800" } }), undefined);
  });
});
