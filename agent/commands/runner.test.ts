import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId } from "#shared/ids";
import * as z from "zod/mini";
import { suite } from "../../test/suite.ts";
import { ConsoleClock } from "../console-clock.ts";
import { CommandError, type Handler } from "./handler.ts";
import type { Execution } from "./execution.ts";
import type { Ledger } from "./ledger.ts";
import type { LedgerDoubt } from "./ledger-records.ts";
import { Runner } from "./runner.ts";

const id = parseCommandId("c1");

interface Case {
  readonly handler: Partial<Handler>;
  readonly task?: Partial<Execution["task"]>;
  /** How often an earlier run has begun it. */
  readonly begunBefore?: number;
  /** What the console's clock says; nothing where it was not heard. */
  readonly console?: number;
  readonly unsure?: "ahead";
  readonly doubt?: LedgerDoubt;
  /** The ledger's disk takes nothing. */
  readonly full?: true;
  /** Withdrawn while it is written down. */
  readonly withdrawn?: true;
}

const now = Date.UTC(2026, 0, 1);
const ahead = { console: now, unsure: "ahead" } as const;
const done = { run: () => ({ done: true }) };
const fails = {
  run: () => {
    throw new Error("broken");
  },
};

/** What becomes of it, as `state` or `state code`; whether the handler ran; how often it is begun by the ledger. */
const cases: readonly (readonly [what: string, how: Case, outcome: string, ran: boolean, begun: number])[] = [
  ["it is begun and done", { handler: done }, "succeeded", true, 1],
  ["it throws", { handler: fails }, "failed error", true, 1],
  [
    "it throws with a code",
    {
      handler: {
        run: () => {
          throw new CommandError("jammed", "the door is jammed");
        },
      },
    },
    "failed jammed",
    true,
    1,
  ],
  ["wrong arguments", { handler: { ...done, args: z.object({ n: z.number() }) } }, "rejected bad-arguments", false, 0],
  ["in time by the console's clock", { handler: done, task: { expires: now + 1 }, console: now }, "succeeded", true, 1],
  ["too late by it", { handler: done, task: { expires: now }, console: now }, "expired expired", false, 0],
  ["the ledger has no room", { handler: done, full: true }, "rejected no-room", false, 0],
  ["which what is harmless does not need", { handler: { ...done, harmless: true }, full: true }, "succeeded", true, 0],
  ["withdrawn before it runs", { handler: done, withdrawn: true }, "cancelled cancelled", false, 1],
  ["an earlier run died in it", { handler: done, begunBefore: 1 }, "interrupted agent-stopped", false, 1],
  ["and running again is safe", { handler: { ...done, onInterrupt: "rerun" }, begunBefore: 1 }, "succeeded", true, 2],
  ["or harmless", { handler: { ...done, harmless: true }, begunBefore: 1 }, "succeeded", true, 1],
  [
    "for the third time",
    { handler: { ...done, onInterrupt: "rerun" }, begunBefore: 3 },
    "rejected quarantined",
    false,
    3,
  ],
  [
    "its effect is found",
    { handler: { ...done, onInterrupt: "verify", verify: () => ({ done: true }) }, begunBefore: 1 },
    "succeeded",
    false,
    2,
  ],
  [
    "its effect is not found",
    { handler: { ...done, onInterrupt: "verify", verify: fails.run }, begunBefore: 1 },
    "failed error",
    false,
    2,
  ],
  [
    "which would take the agent down for ever",
    { handler: { ...done, onInterrupt: "verify", verify: fails.run }, begunBefore: 3 },
    "rejected quarantined",
    false,
    3,
  ],
  [
    "an expiry does not count for what was begun in time",
    { handler: { ...done, onInterrupt: "rerun" }, begunBefore: 1, task: { expires: now - 1 }, console: now },
    "succeeded",
    true,
    2,
  ],
  [
    "made before what the ledger has lost",
    { handler: done, task: { ts: now - 1 }, doubt: { why: "lost", since: now } },
    "interrupted ledger-lost",
    false,
    0,
  ],
  [
    "the same of a damaged one",
    { handler: done, task: { ts: now - 1 }, doubt: { why: "damaged", since: now } },
    "interrupted ledger-damaged",
    false,
    0,
  ],
  ["made after that", { handler: done, task: { ts: now }, doubt: { why: "lost", since: now } }, "succeeded", true, 1],
  [
    "before it, where running again is safe",
    { handler: { ...done, onInterrupt: "rerun" }, task: { ts: now - 1 }, doubt: { why: "lost", since: now } },
    "succeeded",
    true,
    1,
  ],
];

/** An execution as the case has it, and the runner that is to bring it to its end. */
function prepare(how: Case) {
  const clock = new ManualClock(now);
  const consoleClock = new ConsoleClock(clock);
  if (how.console !== undefined) consoleClock.learn(how.console, how.unsure);
  const abort = new AbortController();
  const seen = { ran: false, begun: how.begunBefore ?? 0 };
  const ledger: Pick<Ledger, "doubt" | "lossNoticed" | "begin"> = {
    doubt: how.doubt,
    lossNoticed: false,
    begin: async (_, { attempts }) => {
      if (how.full) throw new Error("no space left on device");
      seen.begun = attempts;
      if (how.withdrawn) abort.abort();
    },
  };
  const { run = () => {} } = how.handler;
  const handler: Handler = {
    ...how.handler,
    run: (...asked) => {
      seen.ran = true;
      return run(...asked);
    },
  };
  const task = { key: "do", ...how.task };
  const earlier = how.begunBefore && { key: "do", boot: "b1", machine: "m", at: now, attempts: how.begunBefore };
  const waiting = { early: false, found: false, waits: false, begun: true };
  const execution: Execution = {
    id,
    created: now,
    task,
    encoding: "json",
    handler,
    earlier: earlier || undefined,
    abort,
    ...waiting,
  };
  const parts = { runId: "b2", machine: "m", clock, consoleClock, onProgress: () => {} };
  return { runner: new Runner({ ...parts, ledger: ledger as Ledger }), execution, seen };
}

const judging: readonly (readonly [what: string, how: Case, judged: boolean])[] = [
  ["without an expiry", { handler: done }, true],
  ["with one, and no word of the console's clock", { handler: done, task: { expires: now } }, false],
  ["once that was heard", { handler: done, task: { expires: now }, console: now }, true],
  ["by a clock that is ahead, in time all the same", { handler: done, task: { expires: now + 1 }, ...ahead }, true],
  ["by a clock that is ahead, perhaps in time", { handler: done, task: { expires: now }, ...ahead }, false],
  ["begun by an earlier run", { handler: done, task: { expires: now }, begunBefore: 1 }, true],
  ["since when the ledger is whole is not known", { handler: done, task: { ts: now }, doubt: { why: "lost" } }, false],
  [
    "which matters to no rerun",
    { handler: { ...done, harmless: true }, task: { ts: now }, doubt: { why: "lost" } },
    true,
  ],
];

suite("the runner of one command", ({ test }) => {
  for (const [what, how, expected, ran, begun] of cases)
    test(what, async () => {
      const { runner, execution, seen } = prepare(how);
      assert.ok(runner.canJudge(execution));
      const outcome = await runner.carryOut(execution);
      const code = "error" in outcome ? ` ${outcome.error?.code}` : "";
      assert.equal([`${outcome.state}${code}`, seen.ran, seen.begun], [expected, ran, begun]);
    });

  for (const [what, how, judged] of judging)
    test(`whether it can be judged: ${what}`, () => {
      const { runner, execution } = prepare(how);
      assert.is(runner.canJudge(execution), judged);
    });
});
