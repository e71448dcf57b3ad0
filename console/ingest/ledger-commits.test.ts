import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { openLedger, rpi } from "./completeness/fixture.ts";
import { LedgerCommits } from "./ledger-commits.ts";

/**
 * What may happen: the store has a batch (a number); this turn of the event loop ends (`turn`); so many ms pass (`1000 ms`); what is kept aside,
 * the database or its sync refuses (`aside`, `write`, `sync`), or all work again (`works`); the device is `removed`. And what is acknowledged
 * then, whether a problem is told, and what becomes of a batch that is new.
 */
const cases: readonly (readonly [
  what: string,
  words: readonly string[],
  acked: readonly number[],
  problem: RegExp | undefined,
])[] = [
  ["nothing is acknowledged in the turn that it came in", ["1"], [], undefined],
  ["but after it", ["1", "turn"], [1], undefined],
  ["all of one turn together", ["1", "2", "3", "turn"], [1, 2, 3], undefined],
  ["each once", ["1", "turn", "2", "turn", "turn"], [1, 2], undefined],
  ["not without a sync", ["sync", "1", "turn"], [], /acknowledges none: EIO/],
  ["which is tried again", ["sync", "1", "turn", "works", "1000 ms", "turn"], [1], undefined],
  [
    "also of an outbox that is known",
    ["1", "turn", "sync", "2", "turn", "works", "1000 ms", "turn"],
    [1, 2],
    undefined,
  ],
  ["every second", ["sync", "1", "turn", "1000 ms", "turn", "works", "1000 ms", "turn"], [1], undefined],
  ["and not before", ["sync", "1", "turn", "works", "999 ms", "turn"], [], /acknowledges none: EIO/],
  ["not what is not written", ["write", "1", "turn"], [], /acknowledges none: the disk is full/],
  ["until it is", ["write", "1", "turn", "works", "1000 ms", "turn"], [1], undefined],
  ["not while what is kept aside of it is not", ["aside", "1", "turn"], [], /acknowledges none: no room aside/],
  ["until that is", ["aside", "1", "turn", "works", "1000 ms", "turn"], [1], undefined],
  ["what came meanwhile is left to its sender", ["1", "sync", "turn", "2", "works", "1000 ms", "turn"], [1], undefined],
  ["of a removed device nothing is", ["1", "removed", "turn"], [], undefined],
];

suite("commits of the ledger", ({ test, before }) => {
  let opened: Awaited<ReturnType<typeof openLedger>>;
  before(async (scope) => {
    opened = await openLedger(scope);
  });

  for (const [what, words, acked, problem] of cases)
    test(`${words.join(", ")}: ${what}`, async () => {
      const { database, disk, start } = opened;
      const { ledger } = start();
      const clock = new ManualClock();
      const told: number[] = [];
      let aside: Error | undefined;
      let changes = 0;
      const commits = new LedgerCommits({
        ledger,
        clock,
        log: silentLog,
        before: () => {
          if (aside) throw aside;
        },
        acknowledge: ({ seq }) => told.push(seq),
        onProblem: () => (changes += 1),
      });
      const works = (): void => {
        disk.refuses = aside = undefined;
        database.exec("DROP TRIGGER IF EXISTS full");
      };
      const acts: Readonly<Record<string, () => unknown>> = {
        turn: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
        works,
        sync: () => (disk.refuses = new Error("EIO: i/o error, fdatasync")),
        aside: () => (aside = new Error("no room aside")),
        write: () =>
          database.exec(
            "CREATE TRIGGER full BEFORE INSERT ON outboxes BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
          ),
        removed: () => ledger.forget(rpi),
      };
      for (const word of words) {
        if (word.endsWith(" ms")) clock.advance(Number.parseInt(word, 10));
        else if (acts[word]) await acts[word]();
        else if (ledger.register(rpi, "a", Number(word)) === "new") {
          ledger.stored(rpi, { outbox: "a", seq: Number(word), end: null, samples: 1, setAside: 0 });
          commits.soon();
        }
      }
      assert.equal(told, acked);
      if (problem) assert.match(commits.problem ?? "", problem);
      else assert.is(commits.problem, undefined);
      assert.is(ledger.register(rpi, "a", 9), problem ? "busy" : "new", "what is new waits for an end of the trouble");
      assert.is(changes % 2 === 1, problem !== undefined, "its beginning and its end are told");
      works();
      await commits.stop();
      ledger.forget(rpi);
      ledger.erase(rpi);
    });
});
