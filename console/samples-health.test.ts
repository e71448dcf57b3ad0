import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { aheadOf, beforeMuster } from "./clock/sentences.ts";
import { samplesHealth, type SamplesHealth, type SamplesHealthOf } from "./samples-health.ts";

const spool = { rows: 0, bytes: 0, limit: 1_000, refused: 0 };
const well: SamplesHealthOf = {
  clock: { state: "trusted" },
  problem: undefined,
  store: { ok: true },
  future: undefined,
  overload: undefined,
  spool,
};
const away = { ok: false, problem: "no answer", since: 7 };
const waiting =
  "Agents keep their samples on their own disks; 0 messages of other senders (0 KiB) wait on the console's disk. All of it is stored when the store is back.";
const full = { ...spool, rows: 1, bytes: 1_025, problem: "it is full" };

const behind = beforeMuster(0);
const farAhead = aheadOf(Date.UTC(2030, 0, 1), { known: Date.UTC(2029, 0, 1) });

const cases: readonly {
  readonly name: string;
  readonly given: Partial<SamplesHealthOf>;
  readonly said: Partial<SamplesHealth>;
}[] = [
  { name: "all is well", given: {}, said: { ok: true } },
  { name: "the store is away", given: { store: away }, said: { ...away, meanwhile: waiting } },
  {
    name: "a file is not the one that was opened, whatever the store says",
    given: { problem: "another file", store: away },
    said: { ok: false, problem: "another file", meanwhile: waiting },
  },
  {
    name: "the spool has a problem of its own as well",
    given: { store: away, spool: full },
    said: {
      ...away,
      spool: full,
      meanwhile: waiting
        .replace("0 messages", "1 message")
        .replace("(0 KiB) wait", "(2 KiB) waits")
        .concat(" But it is full."),
    },
  },
  { name: "more comes than it takes", given: { overload: "5 wait" }, said: { ok: true, overload: "5 wait" } },
  {
    name: "where it takes none at all, that is said alone",
    given: { store: away, overload: "5 wait" },
    said: { ...away, meanwhile: waiting },
  },
  {
    name: "the clock stands before what was",
    given: { clock: behind, store: away, future: "samples in the future" },
    said: {
      ok: false,
      problem: behind.why,
      meanwhile:
        "Agents keep their samples on their own disks until then; other senders are told that theirs were not taken.",
    },
  },
  {
    name: "the clock is ahead, worth a word",
    given: { clock: farAhead, future: "samples in the future" },
    said: { ok: true, clock: farAhead.why },
  },
  {
    name: "the clock is ahead, not worth a word",
    given: { clock: { ...farAhead, notable: false } },
    said: { ok: true },
  },
  {
    name: "a clock that was ahead has left samples in the future",
    given: { future: "samples in the future" },
    said: { ok: true, clock: "samples in the future" },
  },
];

suite("whether samples are taken", ({ test }) => {
  for (const { name, given, said } of cases)
    test(name, () => {
      assert.equal(samplesHealth({ ...well, ...given }), { spool, ...said });
    });
});
